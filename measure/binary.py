"""The user's own `vllm` program: where it is, which version, which flags it has. It is run, never imported."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache

from planner.engine import release
from planner.errors import ToolMissing
from planner.quantities import MINUTE

OLDEST = (0, 8)
"""`vllm bench serve` came with 0.8."""
PATIENCE = 2 * MINUTE
"""For `--help` and `--version`, which load half of vLLM [s]."""
_VERSION = re.compile(r"\b(\d+\.\d+\.\d+[\w.+-]*)")
_FLAG = re.compile(r"--[a-z0-9][a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Vllm:
    """A vLLM program that runs.

    program : its path
    version : as it says itself
    """

    program: str
    version: str

    def flags(self, *command: str) -> frozenset[str]:
        """Flags that one of its commands knows, from its own help.

        command : such as "bench", "serve"
        """
        return _flags(self.program, command)

    def known(self, command: tuple[str, ...], **settings: object) -> list[str]:
        """Settings as flags, those left out that this version does not have and that are not asked for.

        settings : flag without dashes, with underscores -> value; None: not asked for; True: a flag alone
        raises : ToolMissing for a flag that was asked for and that this version lacks
        """
        words: list[str] = []
        for key, value in settings.items():
            flag = "--" + key.replace("_", "-")
            if value is None or value is False:
                continue
            if flag not in self.flags(*command):
                raise ToolMissing(
                    f"vllm {self.version} has no {flag} in `vllm {' '.join(command)}`. Take a later vLLM, or leave "
                    "that setting out."
                )
            words += [flag] if value is True else [flag, str(value)]
        return words


def find(named: str | None = None) -> Vllm:
    """The vLLM program that is named, else the one on PATH.

    named : path of a program
    raises : ToolMissing if there is none, it does not run, or it is older than `vllm bench serve`
    """
    program = shutil.which(named or "vllm")
    if program is None:
        raise ToolMissing(
            f"No program {named or 'vllm'} was found. Install vLLM where the GPU is, or name it with --vllm PATH."
        )
    said = _run(program, "--version")
    found = _VERSION.search(said.stdout)
    if said.returncode or found is None:
        raise ToolMissing(f"{program} --version does not answer with a version. Its last words: {_last(said.stderr)}")
    if release(found[1]) < OLDEST:
        raise ToolMissing(f"{program} is vLLM {found[1]}: `vllm bench serve` came with 0.8. Take a later one.")
    return Vllm(program, found[1])


@cache
def _flags(program: str, command: tuple[str, ...]) -> frozenset[str]:
    """Later versions show the whole list with --help=all alone; earlier ones do not know it."""
    for word in ("--help=all", "--help"):
        said = _run(program, *command, word)
        if said.returncode == 0:
            return frozenset(_FLAG.findall(said.stdout))
    raise ToolMissing(f"`vllm {' '.join(command)} --help` does not run. Its last words: {_last(said.stderr)}")


def _run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - the user's own program
            [program, *words], capture_output=True, text=True, timeout=PATIENCE, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolMissing(f"{program} {' '.join(words)} does not run: {error}.") from error


def _last(text: str, lines: int = 3) -> str:
    return " / ".join(text.strip().splitlines()[-lines:]) or "none"
