"""Children that die, in place of the one that reads a file; of what, the name of the file says."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def main() -> None:
    request = json.loads(sys.stdin.readline())
    how = Path(request["path"]).stem
    if how in ("SIGSEGV", "SIGKILL", "SIGXCPU"):
        os.kill(os.getpid(), getattr(signal, how))
    if how == "garbage":
        sys.stdout.write('nonsense\n[]\n{"progress": 3}\n{"Refused": null}\n' + "x" * 200_000 + "\n")
    if how == "silent":
        time.sleep(60)
    if how == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.stdout.write('{"progress": [5, 10]}\n')
        sys.stdout.flush()
        time.sleep(60)
    if how == "secret":
        told = {"Refused": [request["path"], str(sorted(os.environ)), os.environ["TMPDIR"]]}
        sys.stdout.write(json.dumps(told) + '\n{"end": true}\n')


if __name__ == "__main__":
    main()
