"""`predict`: a CSV of questions becomes a CSV of answers; a long one is shared among the processors."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

from planner.correction import Correction
from planner.errors import UnknownFormat
from planner.predict import OUTPUTS, predict
from verbs.plan import correction
from verbs.status import DONE

name, about = "predict", "answer a CSV of questions"
SHARED_ROWS = 1000
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text opens with that spreadsheets take for a formula."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The file of questions and the file of answers."""
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--calibration", metavar="NAME", help="factors fitted to measurements: cli.py calibrate")


def run(given: argparse.Namespace) -> int:
    """Answers a CSV of questions."""
    own = correction(given.calibration)
    try:
        with given.cases.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.DictReader(source, restkey="extra")
            rows = list(reader)
        names = [name for name in reader.fieldnames or () if name not in OUTPUTS]
        with given.out.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, [*names, *OUTPUTS], extrasaction="ignore", lineterminator="\n")
            writer.writerow({name: harmless(name) for name in (*names, *OUTPUTS)})
            writer.writerows({name: harmless(cell) for name, cell in row.items()} for row in _answers(rows, own))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnknownFormat(f"{given.cases}: {error}. Give a CSV in UTF-8 with columns gpu and model.") from error
    return DONE


def harmless(cell: Any) -> Any:
    """A cell that no spreadsheet executes: a text that opens as a formula gets an apostrophe, a number stays.

    >>> harmless("=1+1"), harmless("-3.5"), harmless("@x"), harmless("llama"), harmless(-1.0)
    ("'=1+1", '-3.5', "'@x", 'llama', -1.0)
    """
    if not isinstance(cell, str) or not cell.startswith(FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def _answers(rows: list[dict[str, Any]], own: Correction | None) -> Iterator[dict[str, Any]]:
    """Answers in the rows' order; a long table is shared among the processors."""
    if len(rows) < SHARED_ROWS:
        yield from predict(rows, own)
        return
    parts = [rows[start : start + SHARED_ROWS // 2] for start in range(0, len(rows), SHARED_ROWS // 2)]
    with ProcessPoolExecutor() as pool:
        for answers in pool.map(_part, parts, repeat(own)):
            yield from answers


def _part(rows: list[dict[str, Any]], own: Correction | None) -> list[dict[str, Any]]:
    return list(predict(rows, own))
