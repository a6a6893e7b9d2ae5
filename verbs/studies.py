"""`studies`: each table of the two roofline studies, rebuilt from data/reference, theirs beside ours."""

from __future__ import annotations

import argparse
from pathlib import Path

from report.grades import FILE, thresholds
from report.studies import studies
from report.text import as_text
from verbs.status import DONE

name, about = "studies", "the two studies' tables, rebuilt: theirs beside ours"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What counts as good and bad."""
    parser.add_argument("--thresholds", type=Path, default=FILE, help="default: data/thresholds.yaml")


def run(given: argparse.Namespace) -> int:
    """Prints the tables."""
    for section in studies(thresholds(given.thresholds)):
        print("\n".join(as_text(section)))
    return DONE
