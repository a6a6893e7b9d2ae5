"""Nsight Compute's CSV made by code: what each counter becomes in every page, unit and language; how faults end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import importers
from importers import ncu, ncu_csv
from planner.errors import MalformedFile, TooLarge, UnknownFormat
from planner.measured import Run, Severity
from tests.importers import samples_ncu as samples
from tests.importers.samples import SECRET

TENSOR = "sm__ops_path_tensor_src_{}.sum"


def rows(run: Run) -> list[dict[str, Any]]:
    stream = run.tables["kernels"]
    return pa.Table.from_batches(list(stream), stream.schema).to_pylist()


def noted(run: Run, words: str) -> bool:
    return any(words in note.text for note in run.notes)


def one(path: Path, *metrics: samples.Metrics, name: str = samples.NORM) -> dict[str, Any]:
    launch = {key: item for part in metrics for key, item in part.items()}
    return rows(importers.read(samples.raw(path / "raw.csv", launch, names=[name])))[0]


def test_a_launch_of_the_raw_page(tmp_path: Path) -> None:
    counted = {**samples.instructions("f", 1e6, 2e6, 4e6), **samples.instructions("d", 0, 0, 0)}
    run = importers.read(samples.raw(tmp_path / "raw.csv", {**samples.BASE, **counted}))
    row = rows(run)[0]
    assert (row["name"], row["short_name"], row["kind"]) == (samples.NORM, "rms_norm_kernel", "norm")
    assert (row["device"], row["stream"], row["process_id"], row["launches"]) == (0, 7, 4242, 1)
    assert [row[f"{box}_{side}"] for box in ("grid", "block") for side in "xyz"] == [1056, 2, 1, 256, 1, 1]
    assert (row["registers"], row["static_shared_memory"], row["dynamic_shared_memory"]) == (56, 1024, 0)
    assert (row["duration_ns"], row["flops"], row["dram_bytes"]) == (2000, 11e6, 3.5e6)
    assert (row["flops_source"], row["dram_bytes_source"]) == (
        "fp32, fp64 instructions",
        "dram__bytes_read + dram__bytes_write",
    )
    assert row["operational_intensity"] == pytest.approx(11e6 / 3.5e6)
    assert row["flop_per_s"] == pytest.approx(11e6 / 2e-6)


def test_identity_settings_and_totals(tmp_path: Path) -> None:
    counted = {**samples.BASE, **samples.instructions("f", 1e6, 0, 0)}
    run = importers.read(samples.raw(tmp_path / "raw.csv", counted, counted))
    assert (run.tool, run.gpu_names, run.gpu) == ("Nsight Compute", ("NVIDIA H100 80GB HBM3",), "h100-sxm")
    assert run.settings["gpu_bandwidth_gb_s"] == pytest.approx(3352.32)
    assert (run.settings["gpu_clock_mhz"], run.settings["gpu_sm_count"]) == (1980, 132)
    assert run.settings["compute_capability"] == "9.0"
    assert (run.summary["kernels"], run.summary["flops"], run.summary["dram_bytes"]) == (2, 2e6, 7e6)
    sample = run.kernels[0]
    assert (sample.launches, sample.seconds, sample.flops, sample.bytes) == (2, pytest.approx(4e-6), 2e6, 7e6)


def test_instructions_per_cycle_are_nvidias_roofline(tmp_path: Path) -> None:
    counted = dict(samples.instructions("f", 10, 20, 40, per_cycle=True))
    told = one(tmp_path, samples.BASE, counted)
    assert told["flop_per_s"] == pytest.approx((10 + 20 + 2 * 40) * 1.5e9)
    counted.pop(samples.INSTRUCTION.format("ffma", ".per_cycle_elapsed"))
    counted["derived__smsp__sass_thread_inst_executed_op_ffma_pred_on_x2"] = ("80.000000", "thread")
    assert one(tmp_path, samples.BASE, counted)["flops"] == pytest.approx(told["flops"])


def test_an_incomplete_format_counts_nothing(tmp_path: Path) -> None:
    counted = dict(samples.instructions("f", 1, 2, 3))
    counted.pop(samples.INSTRUCTION.format("fmul", ""))
    assert one(tmp_path, samples.BASE, counted)["flops"] is None


@pytest.mark.parametrize(
    ("metrics", "expected", "source"),
    [
        ({"dram__bytes.sum": ("7.000000", "Mbyte"), **samples.TRAFFIC}, 7e6, "dram__bytes"),
        ({"dram__bytes.sum.per_second": ("1.000000", "Tbyte/second")}, 2e6, "dram__bytes per second x duration"),
        (
            {
                "dram__bytes_read.sum.per_second": ("1,500.000000", "Gbyte/s"),
                "dram__bytes_write.sum.per_second": ("0.5", "Tbyte/s"),
            },
            4e6,
            "dram__bytes per second x duration",
        ),
        (
            {"dram__sectors_read.sum": ("100", "sector"), "dram__sectors_write.sum": ("1", "sector")},
            3232,
            "sectors x 32",
        ),
        (
            {"dram__throughput.avg.pct_of_peak_sustained_elapsed": ("50.000000", "%")},
            0.5 * 2.5e9 * 2 * 640 * 2e-6,
            "derived: share of peak x memory clock x bus width x duration",
        ),
        (
            {
                "dram__cycles_active.avg.pct_of_peak_sustained_elapsed": ("50.000000", "%"),
                "dram__bytes.sum.peak_sustained": ("1.280000", "Kbyte/cycle"),
            },
            0.5 * 2.5e9 * 1280 * 2e-6,
            "derived: share of peak x memory clock x bus width x duration",
        ),
        ({"dram__bytes.sum": ("7.000000", "parsec")}, None, ""),
        ({}, None, ""),
    ],
)
def test_dram_bytes_take_the_first_that_was_collected(
    tmp_path: Path, metrics: samples.Metrics, expected: float | None, source: str
) -> None:
    told = one(tmp_path, samples.DEVICE, samples.TIME, samples.CLOCKS, metrics)
    assert told["dram_bytes"] == (None if expected is None else pytest.approx(expected))
    assert source in (told["dram_bytes_source"] or "")


def test_without_memory_clock_the_highest_one_counts(tmp_path: Path) -> None:
    share = {"gpu__dram_throughput.avg.pct_of_peak_sustained_elapsed": ("10.0", "%")}
    run = importers.read(samples.raw(tmp_path / "x.csv", {**samples.DEVICE, **samples.TIME, **share}))
    assert rows(run)[0]["dram_bytes"] == pytest.approx(0.1 * 2 * 2.619e9 * 640 * 2e-6)
    assert noted(run, "1 of 1 launches have DRAM bytes that were derived")


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"bf16_dst_fp32": 100, "bf16_dst_fp32_sparsity_off": 100, "fp8": 7}, 107),
        ({"bf16_dst_fp32_sparsity_off": 90, "bf16_dst_fp32_sparsity_on": 10, "int8": 5}, 105),
        ({"fp16_dst_fp16": 1, "fp16_dst_fp32": 2, "fp16_dst_fp32_sparsity_off": 2}, 3),
        ({"fp16": 3, "fp16_dst_fp16": 1, "fp16_dst_fp32": 2}, 3),
    ],
)
def test_tensor_operations_are_counted_once(tmp_path: Path, metrics: dict[str, float], expected: float) -> None:
    counted = {TENSOR.format(name): (f"{count}", "") for name, count in metrics.items()}
    by_op = {"sm__ops_path_tensor_op_hmma_src_bf16_dst_fp32_sparsity_off.sum": ("100", "")}
    told = one(tmp_path, samples.BASE, counted, by_op if "bf16_dst_fp32" in metrics else {}, name=samples.GEMM)
    assert told["flops"] == expected


def test_operations_by_instruction_add_up(tmp_path: Path) -> None:
    stem = "sm__ops_path_tensor_op_{}_src_{}.sum.per_cycle_elapsed"
    counted = {
        stem.format("hgmma", "fp16_sparsity_off"): ("1000", ""),
        stem.format("hmma", "fp16_dst_fp16_sparsity_off"): ("10", ""),
        stem.format("hmma", "fp16_dst_fp32_sparsity_off"): ("1", ""),
    }
    assert one(tmp_path, samples.BASE, counted, name=samples.GEMM)["flops"] == pytest.approx(1011 * 1.5e9 * 2e-6)


def test_busy_tensor_cores_without_their_operations(tmp_path: Path) -> None:
    busy = {"sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active": ("40.0", "%")}
    counted = {**samples.BASE, **samples.instructions("f", 1, 2, 3), **busy}
    run = importers.read(samples.raw(tmp_path / "x.csv", counted, counted, names=[samples.GEMM, samples.NORM]))
    product, norm = rows(run)
    assert (product["flops"], norm["flops"]) == (None, 9)
    assert "not collected" in product["flops_source"]
    assert noted(run, "1 of 2 launches used the tensor cores")
    assert noted(run, "SpeedOfLight_HierarchicalTensorRooflineChart")


def test_a_product_whose_tensor_cores_are_unknown_stays_off_the_roof(tmp_path: Path) -> None:
    counted = {**samples.DEVICE, **samples.TIME, **samples.TRAFFIC, **samples.instructions("f", 1, 2, 3)}
    run = importers.read(samples.raw(tmp_path / "x.csv", counted, counted, names=[samples.GEMM, samples.NORM]))
    product, norm = rows(run)
    assert (product["flops"], product["operational_intensity"]) == (9, None)
    assert norm["operational_intensity"] == pytest.approx(9 / 3.5e6)
    assert {sample.name: sample.flops for sample in run.kernels} == {samples.GEMM: None, samples.NORM: 9}
    assert noted(run, "a part of the chip alone")


@pytest.mark.parametrize(("unit", "text"), [("nsecond", "2000"), ("us", "2"), ("msecond", "0.002"), ("second", "2e-6")])
def test_units_of_time_differ_from_file_to_file(tmp_path: Path, unit: str, text: str) -> None:
    assert one(tmp_path, {"gpu__time_duration.sum": (text, unit)})["duration_ns"] == 2000


def test_duration_from_cycles(tmp_path: Path) -> None:
    cycles = {"gpc__cycles_elapsed.max": ("3000", "cycle"), "gpc__cycles_elapsed.avg.per_second": ("1.5", "Ghz")}
    assert one(tmp_path, cycles)["duration_ns"] == 2000


def test_what_was_not_collected_names_its_flag(tmp_path: Path) -> None:
    run = importers.read(samples.raw(tmp_path / "x.csv", samples.DEVICE))
    texts = " ".join(note.text for note in run.notes if note.severity is Severity.WARNING)
    for flag in ("--section SpeedOfLight;", "--set roofline", "--section MemoryWorkloadAnalysis"):
        assert flag in texts
    assert run.kernels[0].flops is None
    assert rows(run)[0]["duration_ns"] is None


@pytest.mark.parametrize("text", ["-nan", "nan", "inf", "n/a", "no data", "", "1e999", "1_000", "0x10"])
def test_what_is_no_number_is_missing(tmp_path: Path, text: str) -> None:
    told = one(tmp_path, samples.DEVICE, {"gpu__time_duration.sum": (text, "us"), "dram__bytes.sum": ("5", "byte")})
    assert (told["duration_ns"], told["dram_bytes"]) == (None, 5)


def test_a_launch_whose_profiling_failed(tmp_path: Path) -> None:
    path = samples.raw(tmp_path / "x.csv", samples.BASE, {"gpu__time_duration.sum": ("-nan", "usecond")})
    path.write_text("(0, 0, 0)".join(path.read_text().rsplit("(1056, 2, 1)", 1)), encoding="utf-8")
    run = importers.read(path)
    assert noted(run, "1 of 2 launches have no counters")
    assert not noted(run, "no duration")


def test_details_page(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        "==PROF== Connected to process 1 (/home/me/app)\nINFO step 1, loss 2\n"
        + samples.details(samples.LABELLED, samples.LABELLED)
        + "==PROF== Disconnected from process 1\nbye\n",
        encoding="utf-8",
    )
    run = importers.read(path)
    assert run.summary["kernels"] == 2
    first = rows(run)[0]
    assert (first["duration_ns"], first["registers"]) == (1_031_870, 22)
    assert first["dram_bytes"] == pytest.approx(133.82e9 * 1031.87e-6)
    assert noted(run, "does not name its GPU")
    assert SECRET not in repr(run)


def test_a_summary_stands_for_all_invocations(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(samples.details(samples.LABELLED, summary=5), encoding="utf-8")
    run = importers.read(path)
    assert (run.summary["kernels"], rows(run)[0]["launches"]) == (5, 5)
    assert run.kernels[0].seconds == pytest.approx(5 * 1031.87e-6)
    assert noted(run, "means over all launches")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("metric", ["gpu__time_duration.sum", "Duration (gpu__time_duration.sum)"])
def test_encodings_and_names_of_metrics(tmp_path: Path, encoding: str, metric: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(samples.details([(samples.SPEED, metric, "us", "2.00")]), encoding=encoding)
    assert rows(importers.read(path))[0]["duration_ns"] == 2000


@pytest.mark.parametrize(
    ("duration", "traffic"), [("1.031,87", "3.500.000"), ("1031,870000", "3500000"), ("1\u202f031,87", "3 500 000")]
)
def test_decimal_comma(tmp_path: Path, duration: str, traffic: str) -> None:
    metrics = [(samples.SPEED, "Duration", "us", duration), ("", "dram__bytes.sum", "byte", traffic)]
    path = tmp_path / "x.csv"
    path.write_text(samples.details(metrics).replace('","', '";"'), encoding="utf-8")
    told = rows(importers.read(path))[0]
    assert (told["duration_ns"], told["dram_bytes"]) == (1_031_870, 3.5e6)


def test_numbers_of_two_languages_are_refused(tmp_path: Path) -> None:
    metrics = [(samples.SPEED, "Duration", "us", "1.031,87"), ("", "dram__bytes.sum", "Kbyte", "3.25")]
    path = tmp_path / "x.csv"
    path.write_text(samples.details(metrics), encoding="utf-8")
    with pytest.raises(MalformedFile, match="two languages"):
        importers.read(path)


def test_files_put_together(tmp_path: Path) -> None:
    first, second = (samples.raw(tmp_path / name, samples.BASE).read_text() for name in ("a", "b"))
    path = tmp_path / "both.csv"
    path.write_text(first + "==PROF== again\n" + second.replace("usecond", "msecond"), encoding="utf-8")
    assert [row["duration_ns"] for row in rows(importers.read(path))] == [2000, 2_000_000]


def test_a_header_far_behind_the_messages(tmp_path: Path) -> None:
    path = samples.raw(tmp_path / "x.csv", samples.BASE, before="==PROF== Connected\n" + "loss 1.0\n" * 20_000)
    assert importers.identify(path) is ncu
    assert importers.read(path).summary["kernels"] == 1


def test_a_row_that_is_cut_off_is_left_out(tmp_path: Path) -> None:
    path = samples.raw(tmp_path / "x.csv", samples.BASE, samples.BASE)
    path.write_text(path.read_text()[:-40], encoding="utf-8")
    assert importers.read(path).summary["kernels"] == 1


def test_nothing_private_is_read(tmp_path: Path) -> None:
    nvtx = {"thread Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg": (SECRET, "")}
    run = importers.read(samples.raw(tmp_path / "x.csv", {**samples.BASE, **nvtx}))
    assert SECRET not in repr(run)
    assert SECRET not in str(rows(run))
    assert noted(run, "privacy")


def test_missing_units_row(tmp_path: Path) -> None:
    path = samples.raw(tmp_path / "missing_units_row.csv", samples.BASE)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[2], encoding="utf-8")
    with pytest.raises(MalformedFile, match="row of units is missing"):
        importers.read(path)


def test_header_without_kernels(tmp_path: Path) -> None:
    path = samples.raw(tmp_path / "header_without_kernels.csv", samples.BASE)
    path.write_text(path.read_text().splitlines()[0], encoding="utf-8")
    with pytest.raises(MalformedFile, match="no kernel under it"):
        importers.read(path)


def test_missing_value_column(tmp_path: Path) -> None:
    path = tmp_path / "missing_value_column.csv"
    path.write_text('"ID","Kernel Name","Metric Name","Metric Unit"\n"0","k","Duration","us"\n', encoding="utf-8")
    with pytest.raises(MalformedFile, match="Metric Value"):
        importers.read(path)


def test_a_million_columns(tmp_path: Path) -> None:
    path = tmp_path / "million_columns.csv"
    path.write_text('"ID","Kernel Name","a__b"' + ",x" * 1_000_000 + "\n" * 3, encoding="utf-8")
    with pytest.raises(TooLarge, match="1000003 columns"):
        importers.read(path)


@pytest.mark.parametrize("cell", ["x" * 5_000_000, '"' + "x\n" * 100_000, "x" * 200_000])
def test_a_huge_cell(tmp_path: Path, cell: str) -> None:
    path = samples.raw(tmp_path / "huge_cell.csv", samples.BASE)
    path.write_text(path.read_text() + cell, encoding="utf-8")
    with pytest.raises(TooLarge):
        importers.read(path)


def test_too_many_launches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ncu, "MOST_LAUNCHES", 2)
    with pytest.raises(TooLarge, match="--launch-count"):
        importers.read(samples.raw(tmp_path / "x.csv", *[samples.BASE] * 3))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("==PROF== Connected to process 1\n==PROF== Disconnected\n", "console output of Nsight Compute"),
        ("[3661953] app@127.0.0.1\n  kernel (64, 64, 1)x(16, 16, 1)\n", "console output of Nsight Compute"),
        ("NVR\0rest", "report of Nsight Compute"),
        ("PID,TID,API Name,Kernel Name\n1,2,a,b\n", "looks like text"),
    ],
)
def test_other_outputs_of_nvidias_tools(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnknownFormat, match=words):
        importers.read(path)


def test_lines_longer_than_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ncu_csv, "LONGEST_LINE", 100)
    with pytest.raises(TooLarge, match="a line is longer"):
        importers.read(samples.raw(tmp_path / "x.csv", samples.BASE))
