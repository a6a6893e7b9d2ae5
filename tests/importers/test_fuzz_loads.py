"""Load tests of every tool, cut off, with bits flipped, with values exchanged: a Run, or an ImporterError."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.importers.load_samples import SAMPLES
from tests.importers.samples import LOADTEST_FILES
from tests.importers.test_fuzz import JSON, QUIET, consume

REAL_NAMES = (
    "profile_export.jsonl", "profile_export_aiperf.csv", "benchmarks_0.8.1_concurrent.csv", "run_stats_history.csv",
    "vllm_c4_0.5.23.jsonl", "stage_0_lifecycle_metrics.json", "summary.csv", "serve_rampup.json",
    "benchmarks_0.8.1_concurrent.json",
)  # fmt: skip
REAL = list({path.name: path for path in LOADTEST_FILES if path.name in REAL_NAMES}.values())
ODD = ["", "NaN", "-1", "1e999", "=1+1", '"', "\x00", "é" * 300, "9" * 400, "[", "{}", "null", "\ud800"]
FLIPS = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=8)
KEPT = st.one_of(st.just(1.0), st.floats(0, 1))


def damaged(whole: bytes, flips: list[tuple[float, int]], kept: float) -> bytes:
    data = bytearray(whole[: int(len(whole) * kept)])
    for place, mask in flips if data else ():
        data[int(place * (len(data) - 1))] ^= mask
    return bytes(data)


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_sample(tmp_path: Path, name: str) -> None:
    target, whole = tmp_path / "damaged", SAMPLES[name][1].encode()

    @settings(QUIET, max_examples=60)
    @given(flips=FLIPS, kept=KEPT)
    def check(flips: list[tuple[float, int]], kept: float) -> None:
        target.write_bytes(damaged(whole, flips, kept))
        consume(target)

    check()


@pytest.mark.skipif(not REAL, reason="../shared/loadtests is not here")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_damaged_real_file(tmp_path: Path, path: Path) -> None:
    target, whole = tmp_path / "damaged", path.read_bytes()

    @settings(QUIET, max_examples=40)
    @given(flips=FLIPS, kept=KEPT)
    def check(flips: list[tuple[float, int]], kept: float) -> None:
        target.write_bytes(damaged(whole, flips, kept))
        consume(target)

    check()


def exchanged(value: Any, other: Any, choose: random.Random) -> Any:
    """A value in which one part, chosen on the way down, is another."""
    if isinstance(value, dict) and value and choose.random() < 0.9:
        key = choose.choice(sorted(value))
        return {**value, key: exchanged(value[key], other, choose)}
    if isinstance(value, list) and value and choose.random() < 0.9:
        place = choose.randrange(len(value))
        return [*value[:place], exchanged(value[place], other, choose), *value[place + 1 :]]
    return other


@pytest.mark.parametrize("name", [name for name, (_, text) in SAMPLES.items() if text.startswith(("{", "["))])
def test_other_values_in_a_sample(tmp_path: Path, name: str) -> None:
    target, text = tmp_path / "other", SAMPLES[name][1]
    values = [json.loads(text)] if text.count("\n{") == 0 else [json.loads(line) for line in text.splitlines() if line]

    @settings(QUIET, max_examples=60)
    @given(other=JSON, seed=st.integers(0, 2**32))
    def check(other: Any, seed: int) -> None:
        choose = random.Random(seed)  # noqa: S311
        changed = [exchanged(value, other, choose) for value in values]
        target.write_text("\n".join(map(json.dumps, changed)), encoding="utf-8")
        consume(target)

    check()


@pytest.mark.parametrize("name", [name for name, (_, text) in SAMPLES.items() if not text.startswith(("{", "["))])
def test_other_cells_in_a_sample(tmp_path: Path, name: str) -> None:
    target = tmp_path / "other"
    cells = SAMPLES[name][1].replace("\n", ",\n,").split(",")

    @settings(QUIET, max_examples=60)
    @given(changes=st.lists(st.tuples(st.integers(0, len(cells) - 1), st.sampled_from(ODD)), max_size=4))
    def check(changes: list[tuple[int, str]]) -> None:
        changed = list(cells)
        for place, odd in changes:
            changed[place] = odd
        text = ",".join(changed).replace(",\n,", "\n")
        target.write_text(text, encoding="utf-8", errors="surrogatepass")
        consume(target)

    check()
