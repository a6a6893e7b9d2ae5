"""`export`: a run as one file, which `import` makes the same run again."""

from __future__ import annotations

import argparse
from pathlib import Path

from store import exports
from store.runs import Store, default_root
from verbs.status import DONE

name, about = "export", "write a run into one file"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The run, the file and its form."""
    parser.add_argument("run", help="a run's id, or the first digits of one")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE")
    parser.add_argument("--format", choices=sorted(exports.FORMS), help="parquet (a zip), csv (a zip) or json")


def run(given: argparse.Namespace) -> int:
    """Writes the file; without --format, JSON where its name says so, else Parquet."""
    form = given.format or ("json" if given.to.suffix == ".json" else "parquet")
    exports.write(Store(default_root()), given.run, given.to, form)
    return DONE
