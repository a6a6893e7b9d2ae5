"""`predict`: a CSV of questions becomes a CSV of answers; a long one is shared among processors or a cluster."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

from planner.correction import Correction
from planner.errors import UnknownFormat
from planner.predict import OUTPUTS, predict
from planner.whose import informed, own
from report.cells import harmless
from verbs.plan import correction
from verbs.status import DONE
from verbs.workers import cluster_of, cluster_option, show, workers

name, about = "predict", "answer a CSV of questions"
SHARED_ROWS = 1000


def arguments(parser: argparse.ArgumentParser) -> None:
    """The file of questions and the file of answers."""
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--calibration", metavar="NAME", help="factors fitted to measurements: cli.py calibrate")
    cluster_option(parser, f"answer tables of {SHARED_ROWS} rows and more")


def run(given: argparse.Namespace) -> int:
    """Answers a CSV of questions."""
    factors, cluster = correction(given.calibration), cluster_of(given)
    try:
        with given.cases.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.DictReader(source, restkey="extra")
            rows = list(reader)
        names = [name for name in reader.fieldnames or () if name not in OUTPUTS]
        with given.out.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, [*names, *OUTPUTS], extrasaction="ignore", lineterminator="\n")
            writer.writerow({name: harmless(name) for name in (*names, *OUTPUTS)})
            answers = _answers(rows, factors, cluster)
            writer.writerows({name: harmless(cell) for name, cell in row.items()} for row in answers)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnknownFormat(f"{given.cases}: {error}. Give a CSV in UTF-8 with columns gpu and model.") from error
    return DONE


def _answers(rows: list[dict[str, Any]], factors: Correction | None, cluster: str | None) -> Iterator[dict[str, Any]]:
    """Answers in the rows' order; a long table is shared among workers, which hear of own entries."""
    if len(rows) < SHARED_ROWS:
        yield from predict(rows, factors)
        return
    parts = [rows[start : start + SHARED_ROWS // 2] for start in range(0, len(rows), SHARED_ROWS // 2)]
    done = 0
    with workers(cluster) as pool:
        for answers in pool.map(informed, repeat(own()), repeat(_part), parts, repeat(factors)):
            yield from answers
            done += len(answers)
            show(done, len(rows))


def _part(rows: list[dict[str, Any]], factors: Correction | None) -> list[dict[str, Any]]:
    return list(predict(rows, factors))
