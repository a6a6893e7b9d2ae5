"""`predict`: a CSV of questions becomes a CSV of answers; a long one is shared among the processors."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from planner.errors import UnknownFormat
from planner.predict import OUTPUTS, predict
from verbs.status import DONE

name, about = "predict", "answer a CSV of questions"
SHARED_ROWS = 1000


def arguments(parser: argparse.ArgumentParser) -> None:
    """The file of questions and the file of answers."""
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path, required=True)


def run(given: argparse.Namespace) -> int:
    """Answers a CSV of questions."""
    try:
        with given.cases.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.DictReader(source, restkey="extra")
            rows = list(reader)
        names = [name for name in reader.fieldnames or () if name not in OUTPUTS]
        with given.out.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, [*names, *OUTPUTS], extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(_answers(rows))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnknownFormat(f"{given.cases}: {error}. Give a CSV in UTF-8 with columns gpu and model.") from error
    return DONE


def _answers(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Answers in the rows' order; a long table is shared among the processors."""
    if len(rows) < SHARED_ROWS:
        yield from predict(rows)
        return
    parts = [rows[start : start + SHARED_ROWS // 2] for start in range(0, len(rows), SHARED_ROWS // 2)]
    with ProcessPoolExecutor() as pool:
        for answers in pool.map(_part, parts):
            yield from answers


def _part(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(predict(rows))
