"""Known holes of what the product is made of: `make audit`, pip-audit over the container's lock.

Its exit status is 0 where every package was looked up and has none, 1 where one has, 2 where the network has no
advisories, so that nothing was looked up: deploy/known_holes.csv is then all that is known (tests/deploy/test_bom.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parents[1] / "deploy" / "requirements.txt"
HOW = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")
CLEAN, HOLES, UNKNOWN = 0, 1, 2


def main() -> int:
    """Prints what is known."""
    asked = subprocess.run(  # noqa: S603 - pip-audit of our own environment
        [sys.executable, "-m", "pip_audit", *HOW, "--requirement", str(LOCK)],
        capture_output=True,
        check=False,
        text=True,
    )
    status, lines = verdict(asked.stdout, asked.stderr)
    print("\n".join(lines))
    return status


def verdict(told: str, log: str) -> tuple[int, list[str]]:
    """Exit status and lines of what pip-audit said.

    told : its JSON; "" where it ended before
    log : what it said beside that
    """
    try:
        packages = json.loads(told)["dependencies"]
    except (ValueError, LookupError):
        return UNKNOWN, ["not audited: pip-audit ended early", *log.splitlines()[-1:]]
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    holes = [f"{one['name']} {one['version']}: {hole['id']}" for one in packages for hole in one.get("vulns", ())]
    if skipped:
        holes.append(f"not audited: {len(skipped)} of {len(packages)} packages; this network has no advisories of them")
    if any("vulns" in one and one["vulns"] for one in packages):
        return HOLES, holes
    return (UNKNOWN, holes) if skipped else (CLEAN, [f"{len(packages)} packages, no known hole"])


if __name__ == "__main__":
    sys.exit(main())
