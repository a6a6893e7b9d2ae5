"""`buy`: the same question from a shell, as text and as JSON, and a no with its own status."""

import json

from cli import main
from verbs.status import BAD_QUESTION, DONE, NO_ANSWER

CHAT = ["buy", "--model", "meta-llama/Llama-3.1-8B-Instruct", "--gpus", "h100,l40s", "--gpus-per-replica", "1"]
CHAT += ["--rate", "20", "--quantizations", "auto"]


def test_answers_as_text_and_as_json(capsys):
    question = [*CHAT, "--slo-ttft-p95", "1000", "--slo-tpot-p95-ms", "50"]
    assert main(question) == DONE
    said = capsys.readouterr().out
    assert "USD a month" in said
    assert "p95 TTFT" in said
    assert main([*question, "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert told["answer"] == said.splitlines()[0]
    assert [one["gpu"] for one in told["options"]] == ["l40s", "h100-sxm"]
    assert told["question"]["slo_ttft_p95_ms"] == "1000"
    assert told["question"]["headroom"] == "0.2"


def test_a_no_names_the_nearest(capsys):
    assert main([*CHAT, "--slo-tpot-p95", "1"]) == NO_ANSWER
    assert "Nearest: 1 x h100-sxm in auto, if p95 TPOT may take" in capsys.readouterr().out


def test_real_requests_from_a_file(tmp_path, capsys):
    path = tmp_path / "requests.csv"
    path.write_text("prompt_tokens,output_tokens\n" + "300,40\n" * 50, encoding="utf-8")
    assert main([*CHAT, "--requests-csv", str(path), "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["options"]


def test_a_question_without_sense(capsys):
    assert main([*CHAT, "--pay", "never"]) == BAD_QUESTION
    assert "headroom:" in capsys.readouterr().err
