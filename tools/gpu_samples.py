"""Records small samples on a GPU: `python -m tools.gpu_samples --python PYTHON_WITH_TORCH --out data/samples/gpu`.

| file                  | what                                                                                    |
| --------------------- | --------------------------------------------------------------------------------------- |
| gpu.json              | matrix peak and bandwidth, as `cli.py measure gpu` measures them                        |
| decode_b*.json.gz     | five decode steps of a few layers at several batches, PyTorch's profiler                |
| kernels.csv           | FLOPs and DRAM bytes of the kernels of such a step, Nsight Compute                      |
| config.json           | the model of these steps, as the planner reads it                                       |
| README.md             | the commands that made them, GPU, versions, date, and measured against predicted        |

Without a GPU, `--device cpu` tries all but Nsight Compute with tiny shapes. What is missing is said in the README.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import importers
from measure.gpu import PROBE
from measure.profiling import ncu_words
from planner.catalogue_models import find_model
from planner.errors import PlannerError
from planner.estimate import phases
from planner.measured import Run
from planner.memory import memory
from planner.overlay import scenario_of
from planner.quantities import MINUTE
from planner.words import duration

ROOT = Path(__file__).parents[1]
STEPS = PROBE.with_name("decode_probe.py")
BATCHES = (1, 8, 32, 128)
COUNTED_BATCH = 8
CONTEXT = "1024"
PATIENCE = 10 * MINUTE
LARGEST = 2 * 2**20
"""Of a sample that is kept in the repository [bytes]."""


def main() -> int:
    """Records what can be recorded here; the status is 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch, such as vLLM's")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    said = list(recorded(given.python, given.out, given.device))
    if given.device == "cuda":
        said += beside(given.out)
    text = "\n".join([f"# Samples of {datetime.now(UTC).date().isoformat()}", "", *said, ""])
    (given.out / "README.md").write_text(text, encoding="utf-8")
    print(text)
    return int("FAILED" in text)


def recorded(python: str, folder: Path, device: str) -> Iterator[str]:
    """Makes each sample; a line for each: its command, or why there is none."""
    batches = [str(batch) for batch in (BATCHES if device == "cuda" else BATCHES[:2])]
    yield _made([python, str(PROBE), device], folder / "gpu.json", printed=True)
    yield _made([python, str(STEPS), str(folder), device, *batches], folder / f"decode_b{batches[-1]}.json.gz")
    counted = [*ncu_words(folder), python, str(STEPS), str(folder / "counted"), device, str(COUNTED_BATCH)]
    if device == "cpu" or shutil.which(counted[0]) is None:
        yield f"- NOT MADE: kernels.csv (Nsight Compute is not here): `{_shown(counted)}`"
    else:
        yield _made(counted, folder / "kernels.csv")
        shutil.rmtree(folder / "counted", ignore_errors=True)
    for path in sorted(folder.iterdir()):
        if path.stat().st_size > LARGEST:
            yield f"- too large for the repository: {path.name}, {path.stat().st_size:,} bytes"


def beside(folder: Path) -> Iterator[str]:
    """Measured against predicted for each trace: kernel time of a step."""
    yield "\nKernel time of a decode step, measured against predicted:\n"
    for path in sorted(folder.glob("decode_b*.json.gz")):
        try:
            yield _beside(importers.read(path), int(path.name.split("_b")[1].split(".")[0]), folder)
        except PlannerError as error:
            yield f"- FAILED: {path.name}: {error}"


def _beside(run: Run, batch: int, folder: Path) -> str:
    if run.gpu is None:
        return f"- {run.source_name}: {', '.join(run.gpu_names)} is not in the catalogue: no prediction"
    cells = {"concurrency": str(batch), "input_tokens": CONTEXT, "output_tokens": "2", "enforce_eager": "true"}
    scenario = scenario_of(run, run.gpu, find_model(str(folder / "config.json")), **cells)
    _, decode = phases(scenario, memory(scenario))
    steps = run.summary.get("steps") or 5.0
    spent, told = sum(kernel.seconds for kernel in run.kernels) / steps, float(decode.time.gpu)
    return f"- batch {batch}: {duration(spent)} measured, {duration(told)} predicted, ratio {spent / told:.2f}"


def _made(words: Sequence[str], target: Path, *, printed: bool = False) -> str:
    """Runs a command that makes a file, or whose output it is."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"- FAILED: {target.name}: {error}"
    if printed and not done.returncode:
        target.write_text(done.stdout.strip().splitlines()[-1] + "\n", encoding="utf-8")
    if done.returncode or not target.exists() or '"error"' in done.stdout:
        why = (done.stderr or done.stdout).strip().splitlines()[-1:]
        return f"- FAILED: {target.name}: {' '.join(why)}: `{_shown(words)}`"
    return f"- {target.name}: `{_shown(words)}`"


def _shown(words: Sequence[str]) -> str:
    """A command as it runs from the project's folder, on any machine."""
    return shlex.join(words).replace(f"{ROOT}/", "")


if __name__ == "__main__":
    sys.exit(main())
