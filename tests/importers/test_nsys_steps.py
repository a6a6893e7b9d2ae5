"""Steps from NVTX marks, from CUDA graphs and from the order of kernels; gaps, kinds, points."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import importers
from importers.nsys_marks import PATTERNS
from importers.nsys_period import turns
from importers.nsys_replays import pieces
from planner.measured import Run
from tests.importers import samples

PREFILL, DECODE = 21, 22
NAMES = {
    **samples.NAMES,
    PREFILL: "fmhaSm100aKernel_QkvE4m3OBfloat16H64PagedKvCausalP16VarSeqQ128Kv128PersistentContext",
    DECODE: "void vllm::paged_attention_v2_kernel<unsigned short>",
    23: "void at::native::reduce_kernel<512, 1, at::native::ArgMaxOps<float>>",
    **{30 + number: f"layer_kernel_{number}" for number in range(20)},
}
TID = samples.PROCESS << 24 | 77
PID = samples.PROCESS << 24


def steps(run: Run) -> list[dict[str, Any]]:
    return pa.Table.from_batches(list(run.tables["steps"])).to_pylist()


def kernel(
    start: int, end: int, name: int, correlation: int, device: int = 0, node: int | None = None
) -> tuple[Any, ...]:
    return (start, end, device, 1, 7, correlation, PID, name, name, *([1] * 9), node)


def export(path: Path, kernels: list[tuple[Any, ...]], *more: str, **rows: list[tuple[Any, ...]]) -> Run:
    tables = {"CUPTI_ACTIVITY_KIND_KERNEL": kernels, "StringIds": list(NAMES.items()), "NVTX_EVENTS": [], **rows}
    return importers.read(samples.export(path, (), *more, **tables))


def marked(path: Path, texts: list[str], names: list[list[int]]) -> Run:
    """Steps of 1000 ns each: marks while they are launched, kernels 100 ns later, 50 ns each."""
    nvtx, calls, rows = [], [], []
    for place, (text, used) in enumerate(zip(texts, names, strict=True)):
        start = 1000 * (place + 1)
        nvtx += [(start, start + 500, 59, text, TID, None), (start + 5, start + 300, 59, "layer", TID, None)]
        for number, name in enumerate(used):
            calls.append((start + 10 * (number + 1), start + 10 * number + 15, 100 * place + number, 9, TID))
            rows.append(kernel(start + 100 + 60 * number, start + 150 + 60 * number, name, 100 * place + number))
    runtime = samples.RUNTIME.replace(")", ", globalTid INTEGER)")
    return export(path, rows, runtime, CUPTI_ACTIVITY_KIND_RUNTIME=calls, NVTX_EVENTS=nvtx)


def test_marks_of_vllm_tell_the_kind(tmp_path: Path) -> None:
    texts = [
        "execute_context_1(512)_generation_0(0)",
        "execute_3_context_1(sq5sk5)_generation_8(8)",
        "execute_context_0(0)_generation_8(8)",
    ]
    run = marked(tmp_path / "x", texts, [[1, 3], [1], [3, 1, 1]])
    first, second, third = steps(run)
    assert [step["kind"] for step in (first, second, third)] == ["prefill", "mixed", "decode"]
    assert (first["start_ns"], first["end_ns"], first["kernels"], first["busy_ns"]) == (1100, 1210, 2, 100)
    assert (first["gap_ns"], second["gap_ns"], third["gap_ns"]) == (None, 890, 950)
    assert (first["source"], first["name"], first["device"], first["process_id"]) == (
        "nvtx",
        texts[0],
        0,
        samples.PROCESS,
    )
    assert (run.summary["steps"], run.summary["steps_decode"], run.summary["step_time_s"]) == (
        3,
        1,
        pytest.approx(330e-9),
    )
    points = {(point.metric, point.statistic): point.value for point in run.points}
    assert points["decode_step_time", "median"] == pytest.approx(170e-9)
    assert points["mixed_step_gap", "p99"] == pytest.approx(890e-9)


def test_attention_kernels_tell_the_kind_where_the_mark_does_not(tmp_path: Path) -> None:
    run = marked(
        tmp_path / "x",
        ["execute_model_1", "execute_model_2", "execute_model_3", "execute_model_4"],
        [[3, PREFILL], [DECODE, 3], [PREFILL, DECODE], [3]],
    )
    assert [step["kind"] for step in steps(run)] == ["prefill", "decode", "mixed", "unknown"]


@pytest.mark.parametrize(
    ("text", "rank"),
    [
        ("execute_context_2(512_512)_generation_8(8)", 0),
        ("[Executor] _forward_step 7: 1 ctx reqs, 32 gen reqs", 1),
        ("[Executor] _forward_step 7: 0 ctx reqs, 0 ctx tokens, 32 gen reqs", 1),
        ("decode", 2),
        ("Prefill step 3", 2),
        ("execute_model", 3),
        ("GPUModelRunner.execute_model", 3),
        ("gpu_model_runner: forward", 4),
        ("ProfilerStep#12", 5),
        ("iteration 7", 6),
        ("engine_step_3", 6),
        ("decode_attention", None),
        ("step_through", None),
        ("stepper", None),
        ("aten::copy_, op_id = 991065", None),
    ],
)
def test_texts_that_mean_a_step(text: str, rank: int | None) -> None:
    assert next((place for place, (pattern, _) in enumerate(PATTERNS) if re.search(pattern, text)), None) == rank


def test_nested_marks_are_one_step(tmp_path: Path) -> None:
    run = marked(tmp_path / "x", ["execute_model", "execute_model"], [[1], [1]])
    assert len(steps(run)) == 2
    nested = [(1, 90, 59, "step", TID, None), (2, 80, 59, "step", TID, None)]
    runtime = samples.RUNTIME.replace(")", ", globalTid INTEGER)")
    run = export(
        tmp_path / "y",
        [kernel(100, 110, 1, 4)],
        runtime,
        CUPTI_ACTIVITY_KIND_RUNTIME=[(5, 6, 4, 9, TID)],
        NVTX_EVENTS=nested,
    )
    assert len(steps(run)) == 1


def graph_trace(path: Path, graphs: list[int], gaps: dict[int, int]) -> Run:
    """Replays of 100 ns, 10 ns apart, with longer gaps before some."""
    rows, clock = [], 0
    for place, graph in enumerate(graphs):
        clock += gaps.get(place, 10)
        rows.append((clock, clock + 100, 0, 7, place, PID, graph, graph))
        clock += 100
    return export(path, [], samples.GRAPH, CUPTI_ACTIVITY_KIND_GRAPH_TRACE=rows)


def test_each_replay_of_a_whole_graph_is_a_decode_step(tmp_path: Path) -> None:
    run = graph_trace(tmp_path / "x", [1, 1, 1, 2, 2, 2, 2], {3: 500})
    found = steps(run)
    assert [(step["kind"], step["source"], step["kernels"], step["busy_ns"]) for step in found] == [
        ("decode", "graph", 0, 100)
    ] * 7
    assert [step["gap_ns"] for step in found] == [None, 10, 10, 500, 10, 10, 10]
    assert any("--cuda-graph-trace=node" in note.text for note in run.notes)


def test_pieces_of_a_graph_make_one_step(tmp_path: Path) -> None:
    """The first two replays are the end of a step whose beginning was not traced."""
    run = graph_trace(tmp_path / "x", [2, 3] + [1, 2, 3] * 4, {2: 90, 5: 70, 8: 80, 11: 90})
    found = steps(run)
    assert [(step["start_ns"], step["end_ns"]) for step in found][0] == (310, 630)  # noqa: RUF015
    assert [step["gap_ns"] for step in found] == [None, 70, 80, 90]
    assert {step["kind"] for step in found} == {"unknown"}


def test_graphs_traced_node_by_node(tmp_path: Path) -> None:
    rows = [
        kernel(
            1000 * replay + 20 * node, 1000 * replay + 20 * node + 15, DECODE if node == 2 else 3, replay, node=node + 1
        )
        for replay in range(1, 6)
        for node in range(5)
    ]
    run = export(tmp_path / "x", rows)
    found = steps(run)
    assert [(step["kernels"], step["busy_ns"], step["kind"], step["source"]) for step in found] == [
        (5, 75, "decode", "graph")
    ] * 5
    assert found[1]["gap_ns"] == 1000 - 95
    assert not any("no kernel names" in note.text for note in run.notes)


def test_the_order_of_kernels_tells_steps(tmp_path: Path) -> None:
    """Ten layers of four kernels, then sampling, then the CPU: the first kernel after the wait begins a step."""
    rows, clock = [], 0
    for _ in range(6):
        clock += 1000
        for _ in range(10):
            for name in (30, 31, DECODE, 32):
                rows.append(kernel(clock, clock + 50, name, len(rows)))
                clock += 60
        for name in (33, 23):
            rows.append(kernel(clock, clock + 50, name, len(rows)))
            clock += 60
    found = steps(export(tmp_path / "x", rows[20:]))
    assert [(step["kernels"], step["source"], step["kind"]) for step in found] == [(42, "period", "decode")] * 5
    assert found[0]["gap_ns"] is None
    assert found[1]["gap_ns"] == 1010


def test_layers_alone_are_no_steps() -> None:
    names = np.tile(np.arange(12), 30)
    assert turns(names, np.zeros(len(names), np.int64), np.array([99])) is None


def test_pieces_of_mixed_graphs() -> None:
    assert pieces(np.array([5])) == 1
    assert pieces(np.array([1, 1, 2, 1, 1])) == 1


def test_notes_tell_the_evidence(tmp_path: Path) -> None:
    run = marked(tmp_path / "x", ["execute_model", "execute_model"], [[3], [3]])
    assert any("2 steps were found from NVTX ranges. Whether they are prefill" in note.text for note in run.notes)
    run = graph_trace(tmp_path / "y", [1, 1, 1], {})
    assert any("3 steps were found from replays of CUDA graphs" in note.text for note in run.notes)


def test_an_export_without_evidence_has_no_steps(tmp_path: Path) -> None:
    run = importers.read(samples.export(tmp_path / "x"))
    assert "steps" not in run.tables
    assert not run.points
