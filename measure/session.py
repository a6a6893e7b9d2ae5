"""A measurement in a folder: what was asked, a file for each point, the server's log; interrupted, it goes on there.

session.json   what was asked, by whom: another question in the same folder is refused
points/*.json  each result, on disk before the next point starts
result.jsonl   all of them, as the importers read them
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from measure.load import Client, measured, warm_up, whole
from measure.points import Point
from planner.errors import OtherSession

ASKED, POINTS, RESULT = "session.json", "points", "result.jsonl"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a measurement is.

    done, total : points
    point : that is being measured
    left : estimated time to its end; None before the first point is done [s]
    """

    done: int
    total: int
    point: Point
    left: float | None


@dataclass(frozen=True, slots=True)
class Session:
    """A folder with the points of one measurement.

    folder : made if it is not there
    points : what is asked
    """

    folder: Path
    points: tuple[Point, ...]

    def open(self, asked: dict[str, object]) -> tuple[Point, ...]:
        """Prepares the folder; returns the points that are still missing.

        asked : all that must be the same for points to belong together: model, versions, settings
        raises : OtherSession if the folder holds another measurement
        """
        (self.folder / POINTS).mkdir(parents=True, exist_ok=True)
        text = json.dumps(asked | {"points": [asdict(point) for point in self.points]}, indent=2, sort_keys=True)
        kept = self.folder / ASKED
        if kept.exists() and kept.read_text(encoding="utf-8") != text:
            raise OtherSession(
                f"{self.folder} holds another measurement (see {ASKED} there). Ask the same again to go on with it, or "
                "name another folder with --out."
            )
        kept.write_text(text, encoding="utf-8")
        return self.missing()

    def missing(self) -> tuple[Point, ...]:
        """Points without a result."""
        return tuple(point for point in self.points if whole(self.file(point)) is None)

    def file(self, point: Point) -> Path:
        """Where a point's result lies."""
        return self.folder / POINTS / f"{point.name}.json"

    def measure(self, client: Client, watching: Callable[[], None] = lambda: None) -> Iterator[Progress]:
        """Measures what is missing, a point at a time; told before each.

        watching : called while a point runs; raises to stop
        raises : LoadFailed; what was measured before stays
        """
        missing, spent, weight_done = self.missing(), 0.0, 0.0
        for place, point in enumerate(missing):
            rest = sum(_weight(other) for other in missing[place:])
            left = spent / weight_done * rest if weight_done else None
            yield Progress(len(self.points) - len(missing) + place, len(self.points), point, left)
            begun = time.monotonic()
            if place == 0:
                warm_up(client, point, self.folder / POINTS, watching)
                begun = time.monotonic()
            measured(client, point, self.file(point), watching)
            spent, weight_done = spent + time.monotonic() - begun, weight_done + _weight(point)

    def join(self) -> Path:
        """All results in one file, in the order asked, as `vllm bench serve --append-result` writes them."""
        results = [whole(self.file(point)) for point in self.points]
        target, unfinished = self.folder / RESULT, self.folder / f"{RESULT}.unfinished"
        unfinished.write_text("\n".join(json.dumps(found) for found in results if found) + "\n", encoding="utf-8")
        return unfinished.replace(target)


def _weight(point: Point) -> float:
    """How long a point takes, next to the others: its decode steps, or its arrivals."""
    if point.seconds:
        return point.seconds
    if point.request_rate:
        return point.requests / point.request_rate
    return point.output_tokens * point.requests / max(1, point.concurrency or 1)
