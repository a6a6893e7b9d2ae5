"""The whole way of a measurement, with a program that stands in for vLLM; the real one is in tests/vllm."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli import main
from measure import guard
from measure.binary import find
from measure.load import Client, command
from measure.points import Lengths, loop_points, prompt_points, rate_points
from measure.server import Server, Serving, free_port, healthy
from measure.server import command as serve_command
from measure.serverlog import facts, last_words
from measure.session import Session
from planner.errors import InvalidWorkload, OtherSession, PlannerError, ServerFailed, ToolMissing
from verbs.status import BAD_QUESTION, DONE

ROOT = Path(__file__).parents[2]
FAKE = Path(__file__).parent / "fake_vllm.py"
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.fixture
def vllm(tmp_path, monkeypatch):
    """The stand-in, run by this Python."""
    program = tmp_path / "vllm"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    return str(program)


def words(vllm, folder, *more):
    return ["measure", "serve", "--model", LLAMA, "--vllm", vllm, "--out", str(folder), "--gpu", "h100-sxm", *more]


def results(folder):
    return [json.loads(line) for line in (folder / "result.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_load_test_is_made_imported_and_set_beside_the_prediction(vllm, tmp_path, capsys):
    folder = tmp_path / "made"
    assert main(words(vllm, folder, "--concurrency", "4,1", "--set", "max_num_seqs=64")) == DONE
    said = capsys.readouterr().out
    assert "Imported as run" in said
    assert "tpot mean" in said
    made = results(folder)
    assert [result["max_concurrency"] for result in made] == [1, 4]
    assert {result["kv_cache_tokens"] for result in made} == {"12345"}
    assert {result["max_num_seqs"] for result in made} == {"64"}
    assert len({result["seed_used"] for result in made}) == 2, "no two points send the same prompts"


def test_what_is_there_is_not_measured_again(vllm, tmp_path):
    folder = tmp_path / "made"
    assert main(words(vllm, folder, "--concurrency", "1,4")) == DONE
    kept = folder / "points" / "concurrency-1-prompt-512-output-128.json"
    other = folder / "points" / "concurrency-4-prompt-512-output-128.json"
    before = kept.stat().st_mtime_ns
    other.unlink()
    assert main(words(vllm, folder, "--concurrency", "1,4")) == DONE
    assert kept.stat().st_mtime_ns == before
    assert len(results(folder)) == 2


def test_another_question_in_the_same_folder_is_refused(vllm, tmp_path, capsys):
    folder = tmp_path / "made"
    assert main(words(vllm, folder, "--concurrency", "1")) == DONE
    assert main(words(vllm, folder, "--concurrency", "2")) == BAD_QUESTION
    assert "another measurement" in capsys.readouterr().err


def test_killed_in_the_middle_it_leaves_no_server_and_goes_on_later(vllm, tmp_path):
    folder = tmp_path / "made"
    asked = words(vllm, folder, "--concurrency", "1,2,4", "--port", str(free_port(None)))
    running = subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), *asked],
        env={**os.environ, "FAKE_SECONDS": "0.7"},
        start_new_session=True,
    )
    wait_for(lambda: list((folder / "points").glob("concurrency-1-*.json")))
    url = f"http://127.0.0.1:{asked[-1]}"
    assert healthy(url)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    wait_for(lambda: not healthy(url))
    assert not (folder / "result.jsonl").exists()
    first = (folder / "points" / "concurrency-1-prompt-512-output-128.json").stat().st_mtime_ns
    assert main(asked) == DONE
    assert (folder / "points" / "concurrency-1-prompt-512-output-128.json").stat().st_mtime_ns == first
    assert len(results(folder)) == 3


@pytest.mark.parametrize("by", ["id", "name"])
def test_what_a_killed_program_leaves_behind_ends_too(tmp_path, by):
    """A child in a session of its own, whose parent is killed: as vLLM's engine when its server is.

    By name, as `pkill -f "vllm serve"` does it: that must not hit the guard as well, or nobody ends the child.
    """
    script = "setsid sleep 60 & echo $! > child; echo $$ > self; wait"
    with (tmp_path / "said").open("wb") as said:
        guarded = guard.start(["sh", "-c", f"cd {tmp_path}; {script}", "serve", str(tmp_path)], said)
    wait_for(lambda: (tmp_path / "self").exists() and (tmp_path / "self").read_text())
    if by == "name":
        subprocess.run(["pkill", "-KILL", "-f", f"serve {tmp_path}$"], check=True)
    else:
        os.kill(int((tmp_path / "self").read_text()), signal.SIGKILL)
    wait_for(lambda: guarded.poll() is not None)
    assert guard.end(guarded) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "child").read_text()), 0)


@pytest.mark.parametrize(("fault", "told"), [("start", "no architectures"), ("load", "connection refused")])
def test_a_server_or_client_that_fails_says_why(vllm, tmp_path, monkeypatch, capsys, fault, told):
    monkeypatch.setenv("FAKE_FAIL", fault)
    assert main(words(vllm, tmp_path / "made", "--concurrency", "1")) == BAD_QUESTION
    assert told in capsys.readouterr().err


def test_a_port_in_use_is_named(vllm, tmp_path, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(words(vllm, tmp_path / "made", "--concurrency", "1", "--port", port)) == BAD_QUESTION
    assert f"Port {port} is in use" in capsys.readouterr().err


def test_a_running_server_that_does_not_answer_is_named(vllm, tmp_path, capsys):
    more = ("--no-manage-vllm", "--url", f"http://127.0.0.1:{free_port(None)}")
    assert main(words(vllm, tmp_path / "made", "--concurrency", "1", *more)) == BAD_QUESTION
    assert "does not answer" in capsys.readouterr().err


def test_no_vllm_is_said_with_what_to_do():
    with pytest.raises(ToolMissing, match="--vllm PATH"):
        find("/nowhere/vllm")


def test_a_flag_that_this_version_lacks_is_refused_by_name(vllm):
    with pytest.raises(ToolMissing, match="--swap-space"):
        serve_command(find(vllm), Serving("model", {"swap_space": 4}), 8000)


def test_the_prefix_cache_is_off_unless_asked_for(vllm):
    assert "--no-enable-prefix-caching" in serve_command(find(vllm), Serving("model"), 8000)
    assert "--enable-prefix-caching" in serve_command(find(vllm), Serving("model", prefix_caching=True), 8000)


def test_the_client_ignores_the_end_of_sequence_and_is_greedy(vllm, tmp_path):
    client = Client(find(vllm), Server("http://x", {}), "model", None, {"gpu": "h100-sxm"})
    line = " ".join(command(client, loop_points(Lengths(8, 4), [2], None, 1)[0], tmp_path / "a.json"))
    assert "--ignore-eos" in line
    assert "--temperature 0" in line
    assert line.endswith("--metadata gpu=h100-sxm")


def test_points_have_seeds_of_their_own_and_enough_requests():
    loop = loop_points(Lengths(128, 64), [64, 1, 1], None, 5)
    assert [(point.concurrency, point.requests, point.seed) for point in loop] == [(1, 16, 5), (64, 256, 6)]
    assert [point.requests for point in rate_points(Lengths(8, 8), [0.5, 20], 60, 1)] == [30, 1200]
    assert [point.output_tokens for point in prompt_points([64, 128], 8, 1)] == [1, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: loop_points(Lengths(8, 8), [], None, 1),
        lambda: loop_points(Lengths(8, 8), [0], None, 1),
        lambda: loop_points(Lengths(0, 8), [1], None, 1),
        lambda: loop_points(Lengths(8, 8, 1.0), [1], None, 1),
    ],
)
def test_loads_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InvalidWorkload):
        wrong()


def test_an_unreadable_result_counts_as_missing(tmp_path):
    session = Session(tmp_path, loop_points(Lengths(8, 4), [1, 2], None, 1))
    session.open({})
    session.file(session.points[0]).write_text('{"completed": 1', encoding="utf-8")
    assert session.missing() == session.points
    with pytest.raises(OtherSession):
        session.open({"other": 1})


def test_the_smallest_of_several_gpus_counts():
    log = "GPU KV cache size: 2,000 tokens\nGPU KV cache size: 1,900 tokens\nAvailable KV cache memory: 12.5 GiB"
    assert facts(log) == {"kv_cache_tokens": 1900, "kv_cache_gib": 12.5}


def test_the_lines_of_a_log_that_say_an_error_come_first():
    assert last_words("INFO fine\nValueError: no such model\nINFO bye") == "ValueError: no such model"


def test_an_address_that_is_no_server_is_refused(vllm, tmp_path, capsys):
    more = ("--no-manage-vllm", "--url", "file:///etc/passwd")
    assert main(words(vllm, tmp_path / "made", "--concurrency", "1", *more)) == BAD_QUESTION
    assert "no address of a server" in capsys.readouterr().err
    assert issubclass(ServerFailed, PlannerError)


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_profile_brings_its_rate_and_lengths(vllm, tmp_path):
    folder = tmp_path / "made"
    assert main(words(vllm, folder, "--profile", "chat_medium", "--duration", "2")) == DONE
    made = results(folder)
    assert [(one["request_rate"], one["num_prompts"]) for one in made] == [(20.0, 40)]
    assert made[0]["total_input_tokens"] == 40 * 427


def test_a_profile_nobody_knows_lists_the_known(vllm, tmp_path, capsys):
    assert main(words(vllm, tmp_path / "made", "--profile", "chat_mediun")) == BAD_QUESTION
    assert "chat_short, chat_medium, chat_high" in capsys.readouterr().err


def test_a_loop_lasts_as_long_as_asked(vllm, tmp_path):
    """The stand-in's turn takes one second: 6 s are 6 turns; 1 s would be one, but four are the fewest."""
    for seconds, requests in ((6, 48), (1, 32)):
        folder = tmp_path / f"made-{seconds}"
        assert main(words(vllm, folder, "--concurrency", "8", "--duration", str(seconds))) == DONE
        assert [one["num_prompts"] for one in results(folder)] == [requests]
        assert not list((folder / "points").glob("turn*.json"))


def test_the_decode_sweep_prints_what_it_subtracted(vllm, tmp_path, capsys):
    asked = [
        "measure",
        "decode",
        "--model",
        LLAMA,
        "--vllm",
        vllm,
        "--out",
        str(tmp_path / "made"),
        "--gpu",
        "h100-sxm",
    ]
    assert main([*asked, "--batches", "1,4"]) == DONE
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["1", "686.3", "ms", "50.0", "ms", "10.100", "ms", "99"] in lines
    assert ["4", "705.2", "ms", "50.0", "ms", "10.400", "ms", "385"] in lines
