"""PyTorch traces made by code: kernels with their ops, FLOPs from shapes, steps, and what stays out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import importers
from importers import chrome_trace, torch_flops, torch_rows, torch_trace
from importers.progress import reporting
from planner.errors import Cancelled, MalformedFile, TooLarge, UnknownFormat
from planner.measured import Run
from tests.importers import samples_torch as samples
from tests.importers.samples import SECRET


def rows(run: Run, table: str = "kernels") -> list[dict[str, Any]]:
    stream = run.tables[table]
    return pa.Table.from_batches(list(stream), stream.schema).to_pylist()


def noted(run: Run, words: str) -> bool:
    return any(words in note.text for note in run.notes)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return importers.read(samples.trace(tmp_path / "rank3.pt.trace.json"))


def test_totals(run: Run) -> None:
    summary = run.summary
    assert (summary["kernels"], summary["copies"], summary["copies_bytes"], summary["memory_sets"]) == (5, 1, 4096, 1)
    assert round(summary["kernel_time_s"] * 1e9) == 10_500 + 2_000 + 5_001 + 3_000 + 1_000
    assert round(summary["span_s"] * 1e9) == 405_000 - 290_000
    assert summary["gpu_busy_share_0"] == pytest.approx(21_501 / 115_000)
    assert (summary["kernels_with_op"], summary["kernels_with_flops"]) == (4, 2)


def test_kernel_rows(run: Run) -> None:
    first = rows(run)[0]
    assert (first["name"], first["kind"], first["op"]) == (samples.GEMM, "gemm", "aten::mm")
    assert (first["start_ns"], first["end_ns"]) == (samples.BASE + 300_125, samples.BASE + 310_625)
    assert (first["device"], first["stream"], first["process_id"], first["correlation"]) == (0, 7, 4242, 501)
    assert (first["grid_x"], first["grid_y"], first["block_x"], first["registers"]) == (132, 2, 384, 168)
    assert (first["shared_memory"], first["shapes"]) == (1024, "bf16[8,16] bf16[16,4]")
    assert (first["launch_start_ns"], first["launch_end_ns"]) == (samples.BASE + 103_250, samples.BASE + 104_750)
    assert first["thread_id"] == samples.THREAD
    norm = rows(run)[2]
    assert (norm["short_name"], norm["kind"], norm["flops"]) == ("rms_norm_kernel", "norm", None)
    assert rows(run)[4]["op"] is None


def test_flops_go_to_the_kernel_that_does_the_product(run: Run) -> None:
    assert [row["flops"] for row in rows(run)] == [2 * 8 * 16 * 4, None, None, 2 * 1 * 16 * 4, None]
    by_name = {kernel.name: kernel for kernel in run.kernels}
    assert by_name[samples.GEMM].flops == 2 * 9 * 16 * 4
    assert (by_name[samples.GEMM].launches, round(by_name[samples.GEMM].seconds * 1e9)) == (2, 13_500)
    assert by_name[samples.REDUCE].flops is None
    assert by_name[samples.GEMM].bytes is None


def test_copies_and_sets(run: Run) -> None:
    copied, cleared = rows(run, "copies")[0], rows(run, "memory_sets")[0]
    assert (copied["bytes"], copied["kind"], copied["start_ns"]) == (4096, "host_to_device", samples.BASE + 290_000)
    assert (cleared["bytes"], cleared["end_ns"] - cleared["start_ns"]) == (64, 1000)


def test_steps_are_those_in_which_kernels_were_launched(run: Run) -> None:
    prefill, decode = rows(run, "steps")
    assert (prefill["kind"], prefill["source"], prefill["kernels"]) == ("prefill", "annotation", 3)
    assert (prefill["start_ns"], prefill["end_ns"]) == (samples.BASE + 300_125, samples.BASE + 320_001)
    assert (prefill["busy_ns"], prefill["gap_ns"]) == (17_501, None)
    assert (decode["kind"], decode["kernels"], decode["device"], decode["process_id"]) == ("decode", 2, 0, 4242)
    assert decode["gap_ns"] == 400_000 - 320_001
    assert (run.summary["steps"], run.summary["steps_decode"]) == (2, 1)
    times = {point.metric: point.value for point in run.points if point.statistic == "mean"}
    assert times["decode_step_time"] == pytest.approx(5e-6)


def test_attention_tells_the_kind_that_a_range_does_not(tmp_path: Path) -> None:
    given = [event for event in samples.events() if event.get("cat") != "user_annotation"]
    given += [samples.complete("user_annotation", "ProfilerStep#1", 0.0, 1e3), samples.call(240.0, 600, 0)]
    given.append(samples.kernel("fmhaSm100fKernel_QkvE4m3OBfloat16PagedKvDenseForGen", 420.0, 1.0, 600, None))
    steps = rows(importers.read(samples.trace(tmp_path / "x", given)), "steps")
    assert [(step["kind"], step["kernels"], step["name"]) for step in steps] == [("decode", 6, "ProfilerStep#1")]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("execute_8192_context_9(sq8155sk8430)_generation_37(sq37sk34489)", "mixed"),
        ("execute_context_2(64)_generation_0(0)", "prefill"),
        ("execute_new_2_cached_0", "prefill"),
        ("execute_new_0_cached_9", "unknown"),
        ("step[EXTEND bs=15 toks=15360]", "prefill"),
        ("step[DECODE bs=32 toks=32]", "decode"),
        ("step[IDLE]", "unknown"),
        ("gpu_model_runner: forward", "unknown"),
        ("ProfilerStep#7", "unknown"),
    ],
)
def test_kinds_of_steps(tmp_path: Path, name: str, kind: str) -> None:
    given = [event for event in samples.events() if event.get("cat") != "user_annotation"]
    given += [
        samples.complete("user_annotation", name, 100.0, 50.0),
        samples.complete("user_annotation", "x", 0.0, 9e3),
    ]
    found = rows(importers.read(samples.trace(tmp_path / "x", given)), "steps")
    assert [(step["kind"], step["kernels"]) for step in found] == [(kind, 3)]


def test_engine_steps_come_before_the_profilers(tmp_path: Path) -> None:
    given = [*samples.events(), samples.complete("user_annotation", "ProfilerStep#1", 0.0, 1000.0)]
    assert len(rows(importers.read(samples.trace(tmp_path / "x", given)), "steps")) == 2


def test_identity_and_settings(run: Run) -> None:
    assert (run.tool, run.tool_version, run.started) == ("PyTorch profiler", "schema 1", "2024-10-01T00:38:42+00:00")
    assert (run.gpu_names, run.gpu) == (("NVIDIA H100 80GB HBM3",), "h100-sxm")
    told = run.settings
    assert (told["rank"], told["world_size"], told["distributed_backend"], told["gpus"]) == (3, 8, "nccl", 1)
    assert (told["gpu_sm_count"], told["compute_capability"], told["cuda_runtime_version"]) == (132, "9.0", 12090)
    assert told["gpu_memory_gib"] == pytest.approx(79.179443)
    assert noted(run, "rank 3 of 8")


def test_secrets_stay_in_the_file(run: Run) -> None:
    assert SECRET not in repr(run)
    assert not any(SECRET in str(rows(run, table)) for table in run.tables)
    assert noted(run, "privacy")


def test_gzipped_and_bare_lists_and_one_line(tmp_path: Path, run: Run) -> None:
    zipped = importers.read(samples.trace(tmp_path / "x.json.gz", zipped=True))
    assert (zipped.kernels, rows(zipped)) == (run.kernels, rows(run))
    path = tmp_path / "list.json"
    path.write_text(json.dumps(samples.events(), separators=(",", ":")), encoding="utf-8")
    bare = importers.read(path)
    assert [kernel.seconds for kernel in bare.kernels] == [kernel.seconds for kernel in run.kernels]
    assert rows(bare)[0]["start_ns"] == 300_125
    assert bare.started is None


def test_old_spellings(tmp_path: Path) -> None:
    renamed = {
        "kernel": "Kernel",
        "gpu_memcpy": "Memcpy",
        "gpu_memset": "Memset",
        "cuda_runtime": "Runtime",
        "cpu_op": "Operator",
    }
    text = json.dumps(samples.document(schemaVersion=None, deviceProperties=None, baseTimeNanoseconds=None))
    for new, old in renamed.items():
        text = text.replace(f'"cat": "{new}"', f'"cat": "{old}"')
    text = (
        text.replace('"External id"', '"external id"')
        .replace('"Input Dims"', '"Input dims"')
        .replace('"tid": 7,', '"tid": "stream 7",')
    )
    path = tmp_path / "old.json"
    path.write_text(text, encoding="utf-8")
    old_run = importers.read(path)
    assert old_run.summary["kernels_with_flops"] == 2
    assert (old_run.tool_version, old_run.gpu_names) == ("unknown", ())
    assert noted(old_run, "does not name its GPU")


def test_ids_that_are_correlations_give_way_to_time(tmp_path: Path) -> None:
    given = samples.events()
    for event in given:
        if event.get("cat") in ("kernel", "cuda_runtime"):
            event["args"]["External id"] = event["args"]["correlation"]
    run = importers.read(samples.trace(tmp_path / "x", given))
    assert [row["op"] for row in rows(run)] == ["aten::mm", "aten::mm", "vllm::norm", "aten::mm", None]
    assert noted(run, "found by the time of their calls")


def test_kernels_of_graphs_have_no_op(tmp_path: Path) -> None:
    given = [samples.call(210.0, 900, 0, "cudaGraphLaunch")]
    given += [samples.kernel(samples.GEMM, 300.0 + place, 0.5, 900, None) for place in range(4)]
    run = importers.read(samples.trace(tmp_path / "x", [*samples.events(), *given]))
    assert noted(run, "4 kernels, 8.5 % of the kernel time, ran from CUDA graphs")
    assert run.kernels[0].flops is None
    assert sum(step["kernels"] for step in rows(run, "steps")) == 9


def test_the_cpu_alone(tmp_path: Path) -> None:
    given = [event for event in samples.events() if event.get("cat") in ("cpu_op", "python_function")]
    given.append(samples.complete("mtia_ccp_events", "x", 1.0, 1.0))
    run = importers.read(samples.trace(tmp_path / "x", given))
    assert run.summary["kernels"] == 0
    assert not run.tables
    assert noted(run, "no work of a GPU")
    assert noted(run, "mtia_ccp_events (1)")


def test_no_shapes_no_flops(tmp_path: Path) -> None:
    given = samples.events()
    for event in given:
        for key in ("Input Dims", "Input type", "Concrete Inputs"):
            event.get("args", {}).pop(key, None)
    run = importers.read(samples.trace(tmp_path / "x", given))
    assert run.summary["kernels_with_flops"] == 0
    assert noted(run, "record_shapes=True")


def test_an_unnamed_amd_gpu_follows_from_its_properties(tmp_path: Path) -> None:
    unnamed = {**samples.H100, "name": "", "computeMinor": 4, "totalGlobalMem": 206141652992, "numSms": 304}
    run = importers.read(samples.trace(tmp_path / "x", deviceProperties=[unnamed]))
    assert (run.gpu_names, run.gpu) == ((), "mi300x")
    assert noted(run, "does not name its GPU; mi300x")


def test_nanoseconds_of_dates_are_exact(tmp_path: Path) -> None:
    text = json.dumps(samples.document([samples.kernel("k", 1.5, 2.5, 1, None)], baseTimeNanoseconds=None))
    path = tmp_path / "x.json"
    path.write_text(
        text.replace("1.5,", "1712195495519689.047,", 1).replace('"dur": 2.5', '"dur": 63.813'), encoding="utf-8"
    )
    run = importers.read(path)
    assert rows(run)[0]["start_ns"] == 1_712_195_495_519_689_047
    assert rows(run)[0]["end_ns"] == 1_712_195_495_519_752_860
    assert run.started == "2024-04-04T01:51:35+00:00"


def test_a_truncated_trace_gives_what_there_is(tmp_path: Path) -> None:
    path = samples.trace(tmp_path / "x.json")
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b'"mystery"')])
    run = importers.read(path)
    assert run.summary["kernels"] == 4
    assert noted(run, "end of the file is missing")


@pytest.mark.parametrize("value", ["soon", None, -5, 1e300, "1e999999999", float("nan")])
def test_impossible_times_are_counted_and_left_out(tmp_path: Path, value: Any) -> None:
    given = samples.events()
    given[14]["ts"] = value
    run = importers.read(samples.trace(tmp_path / "x", given))
    assert run.summary["kernels"] == 4
    assert noted(run, "1 events have no possible time")


def test_strange_arguments_are_missing(tmp_path: Path) -> None:
    given = samples.events()
    given[14]["args"] |= {"grid": [1, "x"], "block": [2**40, 1, 1], "stream": {"a": 1}, "registers per thread": 10**30}
    given[15]["args"] = None
    given[16]["name"] = "<script>alert(1)</script>\u0000\n"
    run = importers.read(samples.trace(tmp_path / "x", given))
    first, second, third = rows(run)[:3]
    assert (first["grid_x"], first["block_x"], first["stream"], first["registers"]) == (None, None, 7, None)
    assert (second["device"], second["correlation"]) == (0, None)
    assert third["name"] == "<script>alert(1)</script>"


def test_no_events_at_all(tmp_path: Path) -> None:
    with pytest.raises(MalformedFile, match="no events"):
        importers.read(samples.trace(tmp_path / "no_events.json", []))


@pytest.mark.parametrize("limit", ["MOST_TEXTS", "MOST_LETTERS", "MOST_THREADS", "MOST_BYTES"])
def test_too_much_to_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(torch_rows, limit, 0)
    with pytest.raises(TooLarge, match="Profile fewer steps"):
        importers.read(samples.trace(tmp_path / "x"))


def test_progress_is_told_and_may_stop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chrome_trace, "CHUNK", 2000)
    path, heard = samples.trace(tmp_path / "x.json"), list[tuple[int, int | None]]()
    with reporting(lambda done, total: heard.append((done, total))):
        importers.read(path)
    size = path.stat().st_size
    assert heard == sorted(heard)
    assert heard[-1] == (size, size)

    def stop(done: int, total: int | None) -> None:
        raise Cancelled(f"{done} of {total}")

    with reporting(stop), pytest.raises(Cancelled):
        importers.read(path)


def test_other_json_stays_apart(tmp_path: Path) -> None:
    for number, value in enumerate(({"traceEvents": [{"ph": "X", "cat": "PERF", "name": "a"}]}, [{"cat": "dog"}], [])):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(value), encoding="utf-8")
        assert not torch_trace.identify(path)
        with pytest.raises(UnknownFormat):
            importers.read(path)


FLASH = ["", "", "", "", "", "16", "16", "0.", "False", "False", "0.125"]
CAUSAL = [*FLASH[:8], "True", *FLASH[9:]]
SDPA = ["", "", "", "", "0.", "False", "", "False"]
SAME = [[2, 16, 8, 64]] * 3
GROUPED = [[2, 8, 1, 64], [2, 2, 16, 64], [2, 2, 16, 32], [], []]
FORWARD, WHOLE = "aten::_flash_attention_forward", "aten::scaled_dot_product_attention"


@pytest.mark.parametrize(
    ("name", "shapes", "values", "expected"),
    [
        ("aten::addmm", [[640], [888, 2880], [2880, 640], [], []], [], 2 * 888 * 2880 * 640),
        ("aten::bmm", [[16, 7, 64], [16, 64, 9]], [], 2 * 16 * 7 * 64 * 9),
        ("aten::baddbmm", [[2, 3, 5], [2, 3, 4], [2, 4, 5]], [], 2 * 2 * 3 * 4 * 5),
        ("aten::linear", [[4, 8, 16], [32, 16], [32]], [], 2 * 4 * 8 * 16 * 32),
        ("aten::matmul", [[3, 1, 8, 16], [5, 16, 4]], [], 2 * 3 * 5 * 8 * 16 * 4),
        ("aten::_scaled_mm", [[8, 16], [16, 4], [], []], [], 2 * 8 * 16 * 4),
        ("_C::cutlass_scaled_mm", [[8, 4], [8, 16], [16, 4], [], []], [], 2 * 8 * 16 * 4),
        ("aten::mv", [[8, 16], [16]], [], 2 * 8 * 16),
        ("aten::mm", [[8, 16], [15, 4]], [], None),
        ("aten::mm", [[8, 16]], [], None),
        ("aten::mm", [[], []], [], None),
        ("aten::mul", [[8, 16], [16]], [], None),
        (FORWARD, [*SAME, [], []], FLASH, 4 * 2 * 8 * 16 * 16 * 64),
        (FORWARD, [*SAME, [], []], CAUSAL, 4 * 2 * 8 * 136 * 64),
        (FORWARD, [*SAME, [3], [3]], CAUSAL, None),
        (FORWARD, [[32, 8, 64]] * 3 + [[3]], CAUSAL, None),
        (WHOLE, GROUPED, SDPA, 2 * 2 * 8 * 16 * 96),
        (WHOLE, SAME, [], None),
    ],
)  # fmt: skip
def test_flops_from_shapes(name: str, shapes: list[list[int]], values: list[str], expected: float | None) -> None:
    assert torch_flops.flops(name, shapes, values) == expected
