"""A real vLLM server of a tiny random model, loaded by its own client: `make test-vllm`. Each start takes 40 s."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli import main
from measure.server import free_port, healthy
from verbs.status import BAD_QUESTION, DONE

ROOT = Path(__file__).parents[2]
TINY = ROOT.parent / "shared" / "loadtests" / "tiny_llama"
VLLM = os.environ.get("HEADROOM_VLLM", "")
CPU = ("VLLM_CPU_KVCACHE_SPACE=1", "VLLM_CPU_OMP_THREADS_BIND=nobind", "OMP_NUM_THREADS=2", "HF_HUB_OFFLINE=1")
QUICK = ("load_format=dummy", "dtype=bfloat16", "max_model_len=2048", "max_num_seqs=32")

pytestmark = [
    pytest.mark.skipif(not VLLM, reason="HEADROOM_VLLM names no vllm program: make test-vllm installs one"),
    pytest.mark.skipif(not TINY.is_dir(), reason="../shared, which has the tiny model, is not here"),
]


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    return shutil.copytree(TINY, tmp_path / "tiny_llama")


@pytest.fixture(autouse=True)
def leaves_no_engine():
    """vLLM's engines and workers, which call themselves so, end with their server however that ended."""
    before = engines()
    yield
    wait_for(lambda: engines() <= before, 60)


def engines():
    return set(subprocess.run(["pgrep", "-f", "^VLLM::"], capture_output=True, text=True, check=False).stdout.split())


def words(model, folder, *more):
    settings = [word for text in QUICK for word in ("--set", text)]
    environment = [word for text in (*CPU, "VLLM_NO_USAGE_STATS=1") for word in ("--env", text)]
    lengths = ("--prompt", "64", "--output", "16", "--requests", "16")
    return ["measure", "serve", "--model", str(model), "--vllm", VLLM, "--out", str(folder), *lengths,
            *settings, *environment, *more]  # fmt: skip


def test_from_the_start_of_the_server_to_the_run_in_the_store(model, tmp_path, capsys):
    folder = tmp_path / "made"
    assert main(words(model, folder, "--concurrency", "1,4")) == DONE
    run = capsys.readouterr().out.split("Imported as run ")[1].split(".")[0]
    assert main(["show", run, "--json"]) == DONE
    shown = json.loads(capsys.readouterr().out)
    assert shown["settings"]["max_num_seqs"] == 32
    assert {point.get("concurrency") for point in shown["points"]} == {1, 4}
    results = [json.loads(line) for line in (folder / "result.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(result["failed"] == 0 and result["completed"] == 16 for result in results)
    assert float(results[0]["kv_cache_tokens"]) == 2_097_152, "1 GiB over 512 bytes a token"
    assert "enable_prefix_caching=False" in (folder / "server.log").read_text(encoding="utf-8", errors="replace")


def test_killed_between_points_it_leaves_no_server_and_goes_on(model, tmp_path):
    folder, port = tmp_path / "made", free_port(None)
    asked = words(model, folder, "--concurrency", "1,4", "--port", str(port))
    with (tmp_path / "said").open("wb") as said:
        running = subprocess.Popen([sys.executable, str(ROOT / "cli.py"), *asked], stdout=said, stderr=said)
        first = folder / "points" / "concurrency-1-prompt-64-output-16.json"
        wait_for(first.exists, 240)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    wait_for(lambda: not healthy(f"http://127.0.0.1:{port}"), 60)
    before = first.stat().st_mtime_ns
    assert main(asked) == DONE
    assert first.stat().st_mtime_ns == before
    assert len((folder / "result.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_a_server_killed_while_it_is_loaded_is_told_and_nothing_measured_is_lost(model, tmp_path):
    folder, port = tmp_path / "made", free_port(None)
    asked = words(model, folder, "--concurrency", "1,2", "--port", str(port))
    running = subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), *asked], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    wait_for((folder / "points" / "concurrency-1-prompt-64-output-16.json").exists, 240)
    subprocess.run(["pkill", "-KILL", "-f", f"serve {model} .*--port {port}"], check=True)
    _, told = running.communicate(timeout=240)
    assert running.returncode == BAD_QUESTION
    assert "no request was answered" in told
    assert not (folder / "points" / "concurrency-2-prompt-64-output-16.json").exists()
    assert (folder / "points" / "concurrency-1-prompt-64-output-16.json").exists()


def test_a_model_that_does_not_load_is_told_in_vllms_words(model, tmp_path, capsys):
    (model / "config.json").write_text('{"architectures": ["NoSuchModel"], "model_type": "llama"}', encoding="utf-8")
    assert main(words(model, tmp_path / "made", "--concurrency", "1")) == BAD_QUESTION
    assert "The server ended" in capsys.readouterr().err


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)
