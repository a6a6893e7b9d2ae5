"""Whatever the bytes: a Run, or an ImporterError with a message. Nothing else escapes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import importers
from importers import nsys, vllm_bench
from importers.json_text import GZIP
from planner.errors import ImporterError
from tests.importers import samples, samples_ncu, samples_torch

QUIET = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
REAL = [path for path in samples.NSYS_FILES if path.name.startswith(("nsys-ai__13d7", "flameox", "nsys-ai__5faf"))]
SCHEMA_BYTES = 8192


def consume(path: Path) -> None:
    try:
        run = importers.read(path)
        for stream in run.tables.values():
            for batch in stream:
                batch.validate(full=True)
    except ImporterError as error:
        assert path.name in str(error)  # noqa: PT017


def damaged(whole: bytes, flips: list[tuple[float, bool, int]], kept: float) -> bytes:
    data = bytearray(whole[: max(20, int(len(whole) * kept))])
    for place, in_schema, mask in flips:
        reach = min(SCHEMA_BYTES, len(data)) if in_schema else len(data)
        data[int(place * (reach - 1))] ^= mask
    data[:16] = whole[:16]
    return bytes(data)


FLIPS = st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(1, 255)), max_size=12)
KEPT = st.one_of(st.just(1.0), st.floats(0, 1))


@QUIET
@given(flips=FLIPS, kept=KEPT)
def test_damaged_sample_of_nsys(tmp_path: Path, flips: list[tuple[float, bool, int]], kept: float) -> None:
    sample = tmp_path / "sample.sqlite"
    if not sample.exists():
        samples.export(sample)
    target = tmp_path / "damaged.sqlite"
    target.write_bytes(damaged(sample.read_bytes(), flips, kept))
    consume(target)


@pytest.mark.skipif(not REAL, reason="../shared/traces/nsys is not here")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name[:20])
def test_damaged_real_export(tmp_path: Path, path: Path) -> None:
    whole = path.read_bytes()
    target = tmp_path / "damaged.sqlite"

    @settings(QUIET, max_examples=80)
    @given(flips=FLIPS, kept=KEPT)
    def check(flips: list[tuple[float, bool, int]], kept: float) -> None:
        target.write_bytes(damaged(whole, flips, kept))
        consume(target)

    check()


EXTREMES = [2**31, 2**40, 2**62, 2**63 - 1, -(2**63), samples.PROCESS << 24 | 7]
NUMBERS = st.one_of(st.none(), st.integers(-2, 40), st.sampled_from(EXTREMES))
TEXTS = st.sampled_from([None, "", "text", "execute_context_1(5)_generation_0(0)", "flash_fwd_kernel", 7, b"\xff"])
ODD = st.one_of(NUMBERS, TEXTS, st.floats())
TIMES = st.one_of(st.integers(0, 400), st.integers(0, 400), NUMBERS)
MADE = {
    "CUPTI_ACTIVITY_KIND_KERNEL": (samples.KERNEL, 19),
    "CUPTI_ACTIVITY_KIND_GRAPH_TRACE": (samples.GRAPH, 8),
    "CUPTI_ACTIVITY_KIND_RUNTIME": (samples.RUNTIME.replace(")", ", globalTid INTEGER)"), 5),
    "NVTX_EVENTS": (samples.NVTX, 6),
    "CUPTI_ACTIVITY_KIND_MEMCPY": (samples.COPY, 8),
    "GPU_METRICS": ("CREATE TABLE GPU_METRICS (timestamp INTEGER, metricId INTEGER, value INTEGER, typeId INTEGER)", 4),
    "StringIds": ("CREATE TABLE StringIds (id INTEGER, value TEXT)", 2),
    "TARGET_INFO_GPU": (samples.GPU, 7),
}


def any_rows(table: str, width: int, odd: bool) -> st.SearchStrategy[list[tuple[object, ...]]]:
    texts = {"StringIds": {1}, "NVTX_EVENTS": {3}, "TARGET_INFO_GPU": {1, 6}}.get(table, set())
    columns = [ODD if odd else TEXTS if place in texts else TIMES if place < 2 else NUMBERS for place in range(width)]
    return st.lists(st.tuples(*columns), max_size=12)


def any_tables(odd: bool) -> st.SearchStrategy[dict[str, list[tuple[object, ...]]]]:
    return st.fixed_dictionaries({table: any_rows(table, width, odd) for table, (_, width) in MADE.items()})


@settings(QUIET, max_examples=100)
@given(rows=any_tables(odd=False) | any_tables(odd=True))
def test_any_values_in_an_export(tmp_path: Path, rows: dict[str, list[tuple[object, ...]]]) -> None:
    target = tmp_path / "values.sqlite"
    target.unlink(missing_ok=True)
    made = (ddl.replace(" NOT NULL", "") for ddl, _ in MADE.values())
    consume(samples.sqlite(target, *made, rows={table: values for table, values in rows.items() if values}))


@QUIET
@given(flips=FLIPS, kept=KEPT, details=st.booleans())
def test_damaged_sample_of_ncu(
    tmp_path: Path, flips: list[tuple[float, bool, int]], kept: float, details: bool
) -> None:
    target = samples_ncu.raw(tmp_path / "x.csv", samples_ncu.BASE, samples_ncu.BASE)
    whole = samples_ncu.details(samples_ncu.LABELLED).encode() if details else target.read_bytes()
    target.write_bytes(damaged(whole, flips, kept))
    consume(target)


@pytest.mark.skipif(not samples_ncu.NCU_FILES, reason="../shared/traces/ncu is not here")
@pytest.mark.parametrize("path", samples_ncu.NCU_FILES[::3], ids=lambda path: path.name[:20])
def test_damaged_real_csv_of_ncu(tmp_path: Path, path: Path) -> None:
    whole = path.read_bytes()
    target = tmp_path / "damaged.csv"

    @settings(QUIET, max_examples=60)
    @given(flips=FLIPS, kept=KEPT)
    def check(flips: list[tuple[float, bool, int]], kept: float) -> None:
        target.write_bytes(damaged(whole, flips, kept))
        consume(target)

    check()


TRACES = [path for path in samples_torch.TORCH_FILES if path.stat().st_size < 60_000]


@QUIET
@given(flips=FLIPS, kept=KEPT)
def test_damaged_sample_of_torch(tmp_path: Path, flips: list[tuple[float, bool, int]], kept: float) -> None:
    target = samples_torch.trace(tmp_path / "x.json")
    target.write_bytes(damaged(target.read_bytes(), flips, kept))
    consume(target)


@pytest.mark.skipif(not TRACES, reason="../shared/traces/torch is not here")
@pytest.mark.parametrize("path", TRACES[::3], ids=lambda path: path.name[:34])
@pytest.mark.parametrize("zipped", [False, True])
def test_damaged_real_trace_of_torch(tmp_path: Path, path: Path, zipped: bool) -> None:
    whole = path.read_bytes()
    whole = whole if zipped or not whole.startswith(GZIP) else gzip.decompress(whole)
    target = tmp_path / "damaged.json"

    @settings(QUIET, max_examples=40)
    @given(flips=FLIPS, kept=KEPT)
    def check(flips: list[tuple[float, bool, int]], kept: float) -> None:
        target.write_bytes(damaged(whole, flips, kept))
        consume(target)

    check()


CELL = st.one_of(
    st.text(max_size=12), st.sampled_from(["-nan", "1,2", "1.2", "9" * 400, "(1, 2, 3)", '"', "1e308", "%"])
)


@QUIET
@given(
    cells=st.lists(st.lists(CELL, min_size=5, max_size=8), max_size=6),
    header=st.permutations(["ID", "Kernel Name", "Metric Name", "Metric Unit", "Metric Value", "a__b", "Grid Size"]),
)
def test_any_cells_under_a_header_of_ncu(tmp_path: Path, cells: list[list[str]], header: list[str]) -> None:
    target = tmp_path / "x.csv"
    target.write_text(samples_ncu.table([header, *cells]), encoding="utf-8", errors="replace")
    consume(target)


@QUIET
@given(
    data=st.binary(max_size=300),
    magic=st.sampled_from([b"", nsys.MAGIC, b"{", b"[{", b"\xef\xbb\xbf{", b"\x1f\x8b", b"ID,Kernel Name,a__b\n"]),
)
def test_any_bytes(tmp_path: Path, data: bytes, magic: bytes) -> None:
    target = tmp_path / "any"
    target.write_bytes(magic + data)
    consume(target)


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(["inf", 10**400, -1, 0]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


PLACES = st.tuples(st.integers(0, 21), st.sampled_from(["ph", "cat", "name", "pid", "tid", "ts", "dur", "args"]))
TOLD = st.sampled_from(["External id", "correlation", "device", "stream", "grid", "bytes", "Input Dims", "Input type"])


@QUIET
@given(
    events=st.dictionaries(PLACES, JSON, max_size=6),
    arguments=st.dictionaries(st.tuples(st.integers(0, 21), TOLD), JSON, max_size=6),
    head=st.dictionaries(st.sampled_from(sorted(samples_torch.document())), JSON, max_size=3),
)
def test_any_values_in_a_trace(
    tmp_path: Path,
    events: dict[tuple[int, str], object],
    arguments: dict[tuple[int, str], object],
    head: dict[str, object],
) -> None:
    given_events = samples_torch.events()
    for (place, key), value in arguments.items():
        given_events[place].setdefault("args", {})[key] = value
    for (place, key), value in events.items():
        given_events[place][key] = value
    target = tmp_path / "trace.json"
    target.write_text(json.dumps({**samples_torch.document(given_events), **head}), encoding="utf-8")
    consume(target)


@QUIET
@given(changes=st.dictionaries(st.sampled_from(sorted(samples.result(failed=1, tp="1", gpu="x"))), JSON, max_size=8))
def test_any_values_in_a_result(tmp_path: Path, changes: dict[str, object]) -> None:
    target = tmp_path / "result.json"
    target.write_text(json.dumps({**samples.result(), **changes}), encoding="utf-8")
    assert vllm_bench.identify(target)
    consume(target)


@QUIET
@given(flips=FLIPS, kept=KEPT)
def test_damaged_result(tmp_path: Path, flips: list[tuple[float, bool, int]], kept: float) -> None:
    target = tmp_path / "result.json"
    target.write_bytes(damaged(json.dumps(samples.result()).encode(), flips, kept))
    consume(target)
