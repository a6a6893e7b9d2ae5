"""Questions from a terminal: loads, and how their latencies spread."""

from __future__ import annotations

import json

import pytest

from cli import main
from planner.predict import DISTRIBUTIONS
from tests.planner.questions import LLAMA_8B

ASKED = ["plan", "--gpu", "h100-sxm", "--model", LLAMA_8B]


@pytest.fixture
def requests_csv(tmp_path):
    path = tmp_path / "requests.csv"
    rows = "".join(f"{at * 0.05:.2f},{200 + 13 * at},{20 + at % 7}\n" for at in range(60))
    path.write_text("arrival_s,prompt_tokens,output_tokens\n" + rows, encoding="utf-8")
    return str(path)


def answer(capsys, *words):
    assert main([*ASKED, "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)["answer"]


def test_percentiles_are_in_the_answer_and_rise(capsys):
    found = answer(capsys, "--request-rate", "20", "--requests", "100", "--random-range-ratio", "0.5")
    for name in DISTRIBUTIONS:
        ranks = [found[f"{name}_ms_p{rank}"] for rank in (50, 90, 95, 99)]
        assert ranks == sorted(ranks)
    assert found["itl_ms_p99"] > found["itl_ms_p50"]


def test_percentiles_are_a_table_in_the_text(capsys):
    assert main([*ASKED, "--batch", "8", "--output-tokens", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.split()[:2] == ["percentile", "50"])
    assert [line.split()[0] for line in lines[at + 1 : at + 3]] == ["TTFT", "end"]


def test_recorded_requests_are_played(capsys, requests_csv):
    found = answer(capsys, "--requests-csv", requests_csv)
    assert found["e2e_ms_p99"] > found["e2e_ms_p50"] > found["ttft_ms_p50"] > 0
    assert main([*ASKED, "--requests-csv", requests_csv]) == 0
    assert "60 requests at their recorded times" in capsys.readouterr().out


def test_the_same_recording_gives_the_same_answer(capsys, requests_csv):
    one, two = (answer(capsys, "--requests-csv", requests_csv) for _ in range(2))
    assert one == two


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--batch", "4"], "leave out concurrency"),
        (["--request-rate", "4", "--input-tokens", "8"], "leave out input_tokens, request_rate"),
        (["--max-model-len", "512"], "exceed the context limit of 512"),
    ],
)
def test_what_contradicts_a_recording_is_refused(capsys, requests_csv, words, said):
    assert main([*ASKED, "--requests-csv", requests_csv, *words]) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_is_no_recording_is_refused(capsys, tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    assert main([*ASKED, "--requests-csv", str(path)]) == 2
    assert "no column prompt_tokens" in capsys.readouterr().err
