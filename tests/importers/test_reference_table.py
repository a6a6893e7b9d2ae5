"""CSV tables of measurements: claimed by their header, refused by row and column."""

from __future__ import annotations

import pytest

import importers
from importers import reference_table
from planner.errors import MalformedFile, TooLarge, UnknownFormat
from planner.table import table_rows
from tests.importers.samples import SHARED

HEADER = "gpu,model,quantization,batch,input_tokens,output_tokens,latency_ms\n"
ROW = "H100,meta-llama/Llama-3.1-8B-Instruct,bf16,1,512,1,9.77\n"
MEASUREMENTS = SHARED / "measurements"
TABLES = {
    "lab_decode_sweep.csv": 28,
    "lab_prefill_sweep.csv": 28,
    "t4_awq_static.csv": 4,
    "t4_awq_load_tests.csv": 8,
    "vllm_serving.csv": 390,
}


def written(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_rows_are_kept_as_text_and_what_they_share_is_told(tmp_path):
    run = importers.read(written(tmp_path, "\ufeff" + HEADER + ROW + ROW.replace("H100", "L40S")))
    assert run.tool == "table"
    assert run.gpu_names == ("H100", "L40S")
    assert run.gpu is None
    assert run.model == "meta-llama/Llama-3.1-8B-Instruct"
    assert run.settings == {"quantization": "bf16"}
    assert [row["latency_ms"] for row in table_rows(run)] == ["9.77", "9.77"]


@pytest.mark.parametrize(("name", "count"), TABLES.items())
def test_real_tables_are_read(name, count):
    if not (MEASUREMENTS / name).is_file():
        pytest.skip("real files are not part of the product; they stand in ../shared")
    assert importers.read(MEASUREMENTS / name).summary["rows"] == count


@pytest.mark.parametrize("name", ["kv_cache_logs.csv", "end_to_end.csv", "mamf_stas00.csv"])
def test_other_tables_are_not_claimed(name):
    if not (MEASUREMENTS / name).is_file():
        pytest.skip("real files are not part of the product; they stand in ../shared")
    with pytest.raises(UnknownFormat):
        importers.read(MEASUREMENTS / name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER, "no row"),
        (HEADER + ROW.replace("9.77", "fast"), 'line 2: latency_ms is "fast"'),
        (HEADER + ROW.replace("9.77", "-1"), 'latency_ms is "-1"'),
        (HEADER + ROW.replace("9.77", "1e999"), "must be a number"),
        (HEADER + ROW + ROW.replace("H100", ""), "line 3: gpu is empty"),
        (HEADER.replace("batch", "gpu") + ROW, "same name"),
        (HEADER.encode() + b"\xff\n", "not UTF-8"),
    ],
)
def test_faults_are_named_by_row_and_column(tmp_path, text, said):
    with pytest.raises(MalformedFile, match=said):
        importers.read(written(tmp_path, text))


def test_a_row_with_too_many_or_too_few_cells_is_read(tmp_path):
    run = importers.read(written(tmp_path, HEADER + ROW.strip() + ",more,cells\n" + "H100,m\n"))
    assert [row["latency_ms"] for row in table_rows(run)] == ["9.77", ""]


def test_text_of_a_cell_is_cleaned(tmp_path):
    row = table_rows(importers.read(written(tmp_path, HEADER + ROW.replace("bf16", "b\x00f16" + "x" * 500))))[0]
    assert "\x00" not in row["quantization"]
    assert len(row["quantization"]) <= 200


def test_a_large_table_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reference_table, "MAX_BYTES", 100)
    with pytest.raises(TooLarge, match="MiB"):
        importers.read(written(tmp_path, HEADER + ROW * 5))


def test_an_unknown_gpu_is_said(tmp_path):
    run = importers.read(written(tmp_path, HEADER + ROW.replace("H100", "A100")))
    assert "several: A100" in run.notes[0].text


@pytest.mark.parametrize("text", ["", "\r\r\r", '"gpu,model', "gpu,model\x00,latency_ms", "a,b\n" * 10])
def test_what_is_no_table_is_not_claimed(tmp_path, text):
    assert not reference_table.identify(written(tmp_path, text))
