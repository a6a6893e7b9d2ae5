"""Files whose right explanation is known: who uploads them without knowing it must read it on Explain and Evidence."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from importers.reference import reference_runs
from planner.catalogue import DATA
from planner.quantities import MILLISECOND
from planner.words import duration
from tests.ui.decode_trace import EACH, GAP, HEAD, HOST, LAYER, LAYERS, decode_trace
from tests.ui.given import imported
from tests.ui.test_pages import opened, text
from words.text import plain

TABLES = DATA / "reference"
SHARED = Path(__file__).parents[3] / "shared"
TRACE = SHARED / "traces" / "nsys" / "nsys-ai__3dc0af94__tests_fixtures_h100_2gpu_1s.sqlite"
LOAD = SHARED / "loadtests" / "vllm_bench" / "serve_inf_detailed.json"
PAGES = ("explain", "evidence")


def page_of(path, name="explain"):
    app = opened(name, run=imported(path.name, path.read_bytes()))
    assert not app.exception
    return app


def said(path, name="explain"):
    return text(page_of(path, name)).replace("\\", "")


def numbers(app):
    """What the checks list as numbers, below their sentences."""
    tables = [frame.value for frame in app.dataframe if "What was found" in frame.value]
    return " ".join(sentence for table in tables for sentence in table["What was found"])


def rows(name):
    with (TABLES / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", PAGES)
def test_the_labs_prompts_were_found_in_the_prefix_cache(name):
    found = said(TABLES / "lab_prefill_sweep.csv", name)
    assert "Impossible: More FLOP/s than the GPU has** · 14 points" in found
    assert "10.6 times the dense bf16 peak of A100 PCIe 80GB (312 TFLOP/s)" in found
    assert "prefix-cache hits" in found
    costs = [float(cost) for cost in re.findall(r"(?:H200|H100|80GB|L40S) (1\.\d+) µs", found)]
    assert len(costs) == 4
    assert 1.2 <= min(costs) < max(costs) <= 1.7
    assert "work of the host that grows with the prompt" in found
    assert "--no-enable-prefix-caching" in found


@pytest.mark.parametrize("name", PAGES)
def test_the_labs_batch_of_512_ran_in_two_waves(name):
    found = said(TABLES / "lab_decode_sweep.csv", name)
    taken = {(row["gpu"], row["batch"]): float(row["latency_per_output_token_ms"]) for row in
             rows("lab_decode_sweep.csv")}  # fmt: skip
    for gpu in ("L40S", "A100 PCIe 80GB"):
        ratio = taken[gpu, "512"] / taken[gpu, "256"]
        assert f"{gpu}, batch 512, prompt 128, output 64.** Batch 512 takes " in found
        assert f"{ratio:.2f} times the" in found
    assert "two waves of the batch limit of 256" in found
    assert "H200, batch 512" not in found


@pytest.mark.parametrize("name", PAGES)
def test_the_t4_load_tests_count_requests_that_were_not_completed(name):
    app = page_of(TABLES / "t4_awq_load_tests.csv", name)
    listed = f"{text(app)} {numbers(app)}".replace("\\", "")
    assert "173.6 output tokens/s over 20.26 requests/s are 8.57 output tokens a request" in listed
    assert "22.2 output tokens/s over 19.35 requests/s are 1.15 output tokens a request" in listed
    assert "the request rate counts requests sent (20.26 of 20 asked for), not completed" in listed
    assert "TTFT has a p99 of 50.7 s and a median of 803 ms, 63.1 times less" in listed


def test_the_t4s_reported_intensities_are_held_against_its_ops():
    found = said(TABLES / "t4_awq_static.csv")
    assert "Reported are 3.06 FLOP/B for the decode; its ops make 3.452" in found


def test_a_trace_of_decode_steps_says_where_their_time_goes(tmp_path):
    found = said(decode_trace(tmp_path / "decode.sqlite"))
    kernels = len(LAYER) * LAYERS + len(HEAD)
    period = (kernels * (EACH + GAP) + HOST) * 1e-9
    assert f"takes **{duration(period)}** from its start to the next one's" in found
    assert "The largest part beyond the floor: **kernels: element-wise passes**" in found
    assert "**Not matched**, 9.04 % of kernel time: my_fused_thing" in found


@pytest.mark.skipif(not TRACE.is_file(), reason="shared/traces is not here")
@pytest.mark.parametrize("name", PAGES)
def test_a_trace_of_another_program_is_told_as_such(name):
    found = said(TRACE, name)
    assert "86.5 % of kernel time is in matrix products of 32-bit numbers; bf16 was chosen, which has none" in found
    assert "the traced program is no LLM in vLLM, or runs with dtype float32" in found


@pytest.mark.skipif(not LOAD.is_file(), reason="shared/loadtests is not here")
def test_a_load_test_of_a_slower_machine_is_not_explained_by_the_model():
    """A tiny model on a CPU, taken for an 8B on an H100: most of its time is not that of the model."""
    told = json.loads(LOAD.read_text())["mean_tpot_ms"] * MILLISECOND
    found = said(LOAD)
    match = re.search(r"\*\*TPOT\*\* is \*\*(\S+ \S+)\*\*, \*\*(\S+) times\*\* its floor of (\S+) ms", found)
    assert match is not None
    assert match[1] == duration(told)
    assert float(match[2]) == pytest.approx(told / (float(match[3]) * MILLISECOND), rel=0.01)
    assert "The largest part beyond the floor: **not explained**" in found


def test_a_prediction_far_above_the_measurement_explains_nothing():
    """The T4 study does not tell its lengths: with those that are taken instead, requests would wait for minutes."""
    run = next(run for run in reference_runs() if run.source_name.endswith("load test b8, T4"))
    found = text(opened("explain", run=run.id))
    assert re.search(r"\*\*TTFT\*\* is \*\*19.8 s\*\*. The planner expects \*\*\d+ s\*\*, most of it queueing", found)
    assert "lengths, load or settings are not those that were measured" in found
    assert "374 wait" in found


def test_names_of_files_are_shown_as_text(tmp_path):
    path = tmp_path / "a_b *c*.csv"
    path.write_bytes((TABLES / "lab_decode_sweep.csv").read_bytes())
    assert plain("a_b *c*.csv") in text(page_of(path))
