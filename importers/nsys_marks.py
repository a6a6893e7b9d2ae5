"""Steps of an inference engine as NVTX ranges mark them: which texts mean a step, and what kind of step.

| text of the range                                              | who writes it            | kind                     |
| -------------------------------------------------------------- | ------------------------ | ------------------------ |
| execute_context_2(512)_generation_8(8)                         | vLLM's worker            | by the two counts        |
| [Executor] _forward_step 7: 1 ctx reqs, 32 gen reqs            | TensorRT-LLM             | by the two counts        |
| prefill, decode, decode step 7, extend 3                       | people, SGLang           | by the word              |
| execute_model, execute_model_7, Worker.execute_model           | vLLM, people             | not told                 |
| gpu_model_runner: forward, Forward                             | vLLM (custom scopes)     | not told                 |
| ProfilerStep#7                                                 | PyTorch's profiler       | not told                 |
| step 7, iteration_7, iter: 7                                   | people                   | not told                 |

The first line of this table of which a file holds any text is its marks; the others are then parts of a step, or more
than one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import pyarrow as pa

from importers.arrow import compute, grouped, numbers
from importers.files import clean_text
from importers.nsys_file import NVTX, Export
from importers.nsys_labels import PUSH_POP, Labels
from importers.nsys_rows import NO_ID
from importers.sqlite_tree import Integers

PREFILL, DECODE, MIXED, UNKNOWN = "prefill", "decode", "mixed", "unknown"
MOST_MARKS = 2**18
"""Steps looked at: an hour of an engine that makes seventy a second."""
LONGEST_MARK = 1000
WORD_KINDS = {"prefill": PREFILL, "extend": PREFILL, "context": PREFILL, "decode": DECODE, "generation": DECODE}


def kind_of_counts(prefills: float, decodes: float) -> str:
    """The kind of a step from how much of both phases it holds.

    >>> kind_of_counts(0, 3), kind_of_counts(1, 3), kind_of_counts(0, 0)
    ('decode', 'mixed', 'unknown')
    """
    if prefills and decodes:
        return MIXED
    return PREFILL if prefills else DECODE if decodes else UNKNOWN


def _counted(match: re.Match[str]) -> str:
    return kind_of_counts(int(match[1]), int(match[2]))


def _worded(match: re.Match[str]) -> str:
    return WORD_KINDS[match[1].lower()]


def _untold(_: re.Match[str]) -> str:
    return UNKNOWN


PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"^execute_(?:\d+_)?context_(\d{1,9})\(.*\)_generation_(\d{1,9})\("), _counted),
    (re.compile(r"_forward_step \d+: (\d{1,9}) ctx reqs,.*?(\d{1,9}) gen reqs"), _counted),
    (re.compile(rf"^(?i:({'|'.join(WORD_KINDS)}))(?:[ _](?:step|iter|iteration|phase|batch))?[ _#:]*\d*$"), _worded),
    (re.compile(r"^(?:\w+[.:] ?)*execute_model(?:[ _#:]*\d+)?$"), _untold),
    (re.compile(r"^(?:gpu_model_runner: forward|Forward)$"), _untold),
    (re.compile(r"^ProfilerStep#\d+$"), _untold),
    (re.compile(r"^(?i:(?:(?:engine|model|inference|forward)[ _])?(?:step|iter|iteration))[ _#:]*\d*$"), _untold),
)  # fmt: skip
_ANY = "|".join(f"(?:{pattern.pattern})" for pattern, _ in PATTERNS)


@dataclass(frozen=True, slots=True)
class Marks:
    """The marked steps, by thread and start; on one thread they do not overlap.

    threads : with their process, as the export writes them
    starts, ends : when the step was launched [ns]
    names, kinds : text, and kind as far as the text tells
    """

    threads: Integers
    starts: Integers
    ends: Integers
    names: tuple[str, ...]
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.starts)

    def at(self, threads: Integers, times: Integers) -> Integers:
        """The number of the step that a thread was launching at a time; NO_ID where it was not launching one."""
        found = np.full(len(times), NO_ID, np.int64)
        for thread, rows in grouped(threads):
            first, last = (int(np.searchsorted(self.threads, thread, side=side)) for side in ("left", "right"))
            place = np.searchsorted(self.starts[first:last], times[rows], side="right") + first - 1
            inside = (place >= first) & (times[rows] < self.ends[place])
            found[rows[inside]] = place[inside]
        return found


def marks(export: Export, labels: Labels) -> Marks:
    """The steps that the NVTX ranges of an export mark.

    raises : MalformedFile
    """
    found: dict[int, list[_Mark]] = defaultdict(list)
    batches = export.batches(NVTX, "start", "end", "eventType", "globalTid", "textId", texts=("text",))
    for rank, mark in islice(chain.from_iterable(_marks_of(batch, labels) for batch in batches), MOST_MARKS):
        found[rank].append(mark)
    best = sorted(found[min(found)]) if found else []
    kept = list(_outermost(best))
    columns = {
        f"{name}s": np.array([getattr(mark, name) for mark in kept], np.int64) for name in ("thread", "start", "end")
    }
    return Marks(
        **columns,
        names=tuple(mark.name for mark in kept),
        kinds=tuple(mark.kind for mark in kept),
    )


@dataclass(frozen=True, slots=True, order=True)
class _Mark:
    thread: int
    start: int
    end: int
    name: str
    kind: str


def _marks_of(batch: pa.RecordBatch, labels: Labels) -> Iterator[tuple[int, _Mark]]:
    likely = compute.match_substring_regex(labels.texts(batch), pattern=_ANY).fill_null(False)
    pushed = compute.equal(batch.column("eventType"), PUSH_POP).fill_null(False)
    batch = batch.filter(compute.and_(likely, pushed))
    times = (numbers(batch.column(name), NO_ID).tolist() for name in ("globalTid", "start", "end"))
    for text, thread, start, end in zip(labels.texts(batch).to_pylist(), *times, strict=True):
        for rank, (pattern, kind) in enumerate(PATTERNS):
            match = pattern.search(text[:LONGEST_MARK])
            if match and end > start:
                yield rank, _Mark(thread, start, end, clean_text(text), kind(match))
                break


def _outermost(ordered: list[_Mark]) -> Iterator[_Mark]:
    before: _Mark | None = None
    for mark in ordered:
        if before is None or mark.thread != before.thread or mark.start >= before.end:
            yield mark
            before = mark
