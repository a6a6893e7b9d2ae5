"""`settings`: every variable of the environment that is read, what it is set to, and what it means."""

from __future__ import annotations

import argparse
import os
import sys

from planner.errors import nearest
from settings import settings
from settings.table import lines, markdown, strangers
from settings.variables import variables
from verbs.status import DONE

name, about = "settings", "check and list the settings"


def arguments(parser: argparse.ArgumentParser) -> None:
    """As lines or as Markdown."""
    parser.add_argument("--markdown", action="store_true", help="the table of docs/hosting.md")


def run(given: argparse.Namespace) -> int:
    """Lists the settings; one that is wrong is an error, as it is when the app starts."""
    if given.markdown:
        print(markdown())
        return DONE
    print("\n".join(lines(os.environ)))
    for stranger in strangers(os.environ):
        near = nearest(stranger, [one.name.lower() for one in variables()], count=1).upper()
        print(f"headroom: {stranger} is no setting. Nearest: {near}.", file=sys.stderr)
    settings()
    return DONE
