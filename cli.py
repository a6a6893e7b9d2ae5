"""The same answers from a terminal, one verb a question: python cli.py VERB. The verbs are in verbs/."""

from __future__ import annotations

import argparse
import sys

from planner.errors import PlannerError
from verbs import VERBS, know_own_entries
from verbs.status import BAD_QUESTION


def main(words: list[str] | None = None) -> int:
    """Runs one verb; returns the exit status: 0, 1 for an answer that is no, 2 for a question that cannot be asked."""
    given = _parser().parse_args(words)
    try:
        know_own_entries()
        return int(given.act(given))
    except PlannerError as error:
        print(f"headroom: {error}", file=sys.stderr)
        return BAD_QUESTION


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="headroom", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in VERBS:
        own = verbs.add_parser(verb.name, help=verb.about)
        verb.arguments(own)
        own.set_defaults(act=verb.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
