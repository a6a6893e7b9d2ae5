"""One importer claims a file by its content; a refusal says what was seen and what is supported."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import importers
from importers import gpus, ncu, nsys, torch_trace, vllm_bench
from planner.errors import AmbiguousFormat, UnknownFormat
from tests.importers import samples, samples_ncu, samples_torch

SEEN = {
    "a Git-LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
    "an empty file": b"",
    "a gzip file of a JSON object with the keys a": gzip.compress(b'{"a": 1}'),
    "a gzip file that cannot be expanded": b"\x1f\x8bnothing",
    "a zip archive": b"PK\x03\x04rest",
    "a binary file": b"\x00\x01\x02\x03",
    "looks like text": b"hello, world\n",
    "a JSON object with the keys a, b": b'{"a": 1, "b": {"c": 2}}',
    "a JSON list": b"[1, 2]",
    "a Chrome trace without events of the PyTorch profiler": b'{"traceEvents": [{"cat": "dog"}], "x": 1}',
    "GuideLLM's": b'{"metadata": {}, "benchmarks": []}',
    "Prometheus": b'{"load_summary": {}, "successes": {}}',
}


@pytest.mark.parametrize("words", SEEN)
def test_refusals_say_what_was_seen(tmp_path: Path, words: str) -> None:
    path = tmp_path / "report.sqlite"
    path.write_bytes(SEEN[words])
    with pytest.raises(UnknownFormat) as caught:
        importers.identify(path)
    assert words in str(caught.value)
    assert nsys.name.partition(" (")[0] in str(caught.value)


def test_the_name_says_nothing(tmp_path: Path) -> None:
    assert importers.identify(samples.export(tmp_path / "a.json")) is nsys
    assert importers.identify(samples.bench_file(tmp_path / "b.sqlite", samples.result())) is vllm_bench
    assert importers.identify(samples_torch.trace(tmp_path / "c.csv")) is torch_trace
    assert importers.identify(samples_torch.trace(tmp_path / "d.txt", zipped=True)) is torch_trace
    assert importers.identify(samples_ncu.raw(tmp_path / "e.json", samples_ncu.BASE)) is ncu


def test_two_claims_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = samples.bench_file(tmp_path / "b", samples.result())
    monkeypatch.setattr(importers, "IMPORTERS", (vllm_bench, vllm_bench))
    with pytest.raises(AmbiguousFormat, match="several formats"):
        importers.identify(path)


@pytest.mark.parametrize("missing", ["nothing_here", "."])
def test_a_file_that_cannot_be_opened(tmp_path: Path, missing: str) -> None:
    with pytest.raises(UnknownFormat, match="cannot be read"):
        importers.read(tmp_path / missing)


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    first = importers.read(samples.bench_file(tmp_path / "a", samples.result()))
    again = importers.read(samples.bench_file(tmp_path / "b", samples.result()))
    other = importers.read(samples.bench_file(tmp_path / "c", samples.result(burstiness=2.0)))
    assert first.id == again.id != other.id
    assert len(first.file_hash) == 64


def test_gpus_that_differ_or_are_unknown_have_no_id() -> None:
    assert gpus.catalogue_id(["NVIDIA H100 80GB HBM3"] * 2) == "h100-sxm"
    assert gpus.catalogue_id(["NVIDIA H100 80GB HBM3", "no such GPU"]) is None
    assert gpus.catalogue_id([]) is None
