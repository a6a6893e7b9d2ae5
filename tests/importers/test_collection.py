"""Folders and archives: each file imported, known or refused by name; what was made to harm stays outside."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import importers
from importers import archives
from importers.collection import Imported, Known, Outcome, Refused
from planner.errors import TooLarge
from tests.importers import load_samples, samples
from tests.importers.load_samples import SAMPLES, sample
from tests.importers.test_fuzz import QUIET

TEXT = SAMPLES["llmperf"][1].encode()


def all_of(path: Path, known: Iterable[str] = ()) -> list[Outcome]:
    return list(importers.read_all(path, set(known)))


def imported(outcomes: Iterable[Outcome]) -> dict[tuple[str, ...], str]:
    return {tuple(sorted(one.names)): one.run.tool for one in outcomes if isinstance(one, Imported)}


def refused(outcomes: Iterable[Outcome]) -> dict[str, str]:
    return {one.name: str(one.reason) for one in outcomes if isinstance(one, Refused)}


def rows(run: object, table: str) -> list[dict[str, object]]:
    stream = run.tables[table]  # type: ignore[attr-defined]
    return pa.Table.from_batches(list(stream), stream.schema).to_pylist()


def folder_of_everything(folder: Path) -> Path:
    for name in SAMPLES:
        sample(folder, name, f"{name}/{name}")
    (folder / "notes.txt").write_text("hello")
    sample(folder, "llmperf", "copy/again")
    return folder


def packed(folder: Path, kind: str) -> Path:
    return Path(shutil.make_archive(str(folder.parent / "packed"), kind, folder))


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "gztar"])
def test_every_file_has_its_outcome(tmp_path: Path, kind: str) -> None:
    folder = folder_of_everything(tmp_path / "runs")
    before = set(Path(tempfile.gettempdir()).glob("headroom-*"))
    outcomes = all_of(folder if kind == "folder" else packed(folder, kind))
    assert {name for names in imported(outcomes) for name in names} == {f"{name}/{name}" for name in SAMPLES} - {
        "llmperf/llmperf"
    } | {"copy/again"}
    assert refused(outcomes) == {"notes.txt": "notes.txt looks like text; no importer takes it."}
    (known,) = [one for one in outcomes if isinstance(one, Known)]
    assert (known.names, known.of) == (("llmperf/llmperf",), "copy/again")
    assert set(Path(tempfile.gettempdir()).glob("headroom-*")) == before


def test_what_the_store_holds_is_known(tmp_path: Path) -> None:
    sample(tmp_path / "x", "locust_stats", "a_stats.csv")
    sample(tmp_path / "x", "locust_history", "a_stats_history.csv")
    sample(tmp_path / "x", "inferencex", "b.json")
    first = all_of(tmp_path / "x")
    hashes = [one.run.file_hash for one in first if isinstance(one, Imported)]
    again = all_of(packed(tmp_path / "x", "zip"), hashes)
    assert [type(one) for one in again] == [Known, Known]
    assert {one.run_hash for one in again if isinstance(one, Known)} == set(hashes)


def test_a_file_by_itself_and_one_that_is_missing(tmp_path: Path) -> None:
    assert imported(all_of(sample(tmp_path, "varcas"))) == {("varcas",): "varcas"}
    assert "cannot be read" in refused(all_of(tmp_path / "no"))["no"]
    (tmp_path / "empty").mkdir()
    assert "holds no file" in refused(all_of(tmp_path / "empty"))["empty"]


def one_run(folder: Path, **files: str) -> Imported:
    for name, text in files.items():
        path = folder / "session" / name.replace("__", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (found,) = all_of(folder)
    assert isinstance(found, Imported)
    assert found.run.source_name == f"session ({len(files)} files)"
    return found


def test_locust_family(tmp_path: Path) -> None:
    texts = {f"run_{kind}__csv": SAMPLES[f"locust_{kind}"][1] for kind in ("stats", "failures", "exceptions")}
    run = one_run(tmp_path, **texts, run_stats_history__csv=SAMPLES["locust_history"][1]).run
    assert {point.concurrency for point in run.points} == {2}
    assert run.summary["exceptions"] == 2
    assert len(rows(run, "history")) == 9


def test_stages_of_inference_perf(tmp_path: Path) -> None:
    stages = {
        f"stage_{place}_lifecycle_metrics__json": json.dumps(load_samples.lifecycle_report(2.0 + place))
        for place in (0, 1, 10)
    }
    run = one_run(
        tmp_path,
        **stages,
        summary_lifecycle_metrics__json=json.dumps(load_samples.lifecycle_report(None)),
        per_request_lifecycle_metrics__json=SAMPLES["inference_perf_requests"][1],
    ).run
    assert [point.request_rate for point in run.points if (point.metric, point.statistic) == ("ttft", "mean")] == [
        2,
        3,
        12,
    ]
    assert len(rows(run, "requests")) == 3
    assert "request_rate" not in run.settings
    assert run.summary["requests"] == 3
    assert not any("mixes every stage" in note.text for note in run.notes)


def test_aiperf_with_its_requests(tmp_path: Path) -> None:
    run = one_run(
        tmp_path,
        profile_export_aiperf__json=json.dumps(
            load_samples.aiperf_result(usage_completion_tokens={"unit": "tokens", "avg": 5.0})
        ),
        profile_export__jsonl=SAMPLES["aiperf_requests"][1],
    ).run
    found = {(point.metric, point.statistic): point for point in run.points}
    assert found["tpot_client_tokens", "mean"].value == pytest.approx(0.09)
    assert found["tpot", "mean"].value == pytest.approx(0.4 / 3)
    assert found["tpot", "mean"].concurrency == 4
    assert len(rows(run, "itl")) == 14


def test_guidellm_llmperf_and_varcas_families(tmp_path: Path) -> None:
    run = one_run(
        tmp_path / "l",
        x_summary__json=SAMPLES["llmperf"][1],
        x_individual_responses__json=SAMPLES["llmperf_requests"][1],
    ).run
    assert (run.model_name, len(rows(run, "requests"))) == (load_samples.MODEL, 4)
    names = ("varcas", "varcas_static", "varcas_dynamic")
    run = one_run(tmp_path / "v", **{f"{name}__json": SAMPLES[name][1] for name in names}).run
    assert (run.gpu, run.model_name, len(rows(run, "requests"))) == ("t4", "Llama-2-7B-AWQ", 5)
    assert {"tpot", "decode_arithmetic_intensity"} <= {point.metric for point in run.points}
    assert len([point for point in run.points if point.metric == "tpot"]) == 2


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path) -> None:
    for name in "lv":
        (tmp_path / name).mkdir()


def test_a_sweep_is_one_run_for_each_server(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    for server in (4, 32):
        for load in (1, 8):
            one = samples.result(max_concurrency=load, max_num_seqs=server, run_number=0, burstiness=1.0 + server / 100)
            folder = sweep / f"SERVE--max_num_seqs={server}-BENCH--max_concurrency={load}"
            folder.mkdir(parents=True)
            (folder / "run=0.json").write_text(json.dumps(one))
            (folder / "summary.json").write_text(json.dumps([one], indent=4))
    found = [one for one in all_of(sweep) if isinstance(one, Imported)]
    assert [len(one.names) for one in found] == [4, 4]
    assert [one.run.settings["max_num_seqs"] for one in found] == [4, 32]
    for one in found:
        assert {point.concurrency for point in one.run.points} == {1, 8}
        assert [row["result"] for row in rows(one.run, "requests")] == [0, 0, 0, 1, 1, 1]


def test_results_that_only_share_a_folder_stay_apart(tmp_path: Path) -> None:
    for load in (1, 8):
        (tmp_path / f"{load}.json").write_text(json.dumps(samples.result(max_concurrency=load)))
        one = load_samples.aiperf_result(request_throughput={"unit": "requests/sec", "avg": float(load)})
        (tmp_path / f"profile_export_c{load}_aiperf.json").write_text(json.dumps(one))
        test = load_samples.varcas_test()
        test["metrics"]["ttft_p50_ms"] = float(load)
        (tmp_path / f"varcas{load}.json").write_text(json.dumps(test))
    assert sorted(map(len, imported(all_of(tmp_path)))) == [1] * 6


def zipped(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def tarred(path: Path, *members: tarfile.TarInfo, data: bytes = TEXT) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            member.size = len(data) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(data) if member.isreg() else None)
    return path


OUTSIDE = [
    "../out.json",
    "/out.json",
    "a/../../out.json",
    "C:\\out.json",
    "C:out",
    "a\\..\\out",
    "a/\x01b",
    "x" * 300,
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_out(tmp_path: Path, name: str) -> None:
    for path in (
        zipped(tmp_path / "a.zip", (name, TEXT), ("good.json", TEXT)),
        tarred(tmp_path / "a.tgz", tarfile.TarInfo(name), tarfile.TarInfo("good.json")),
    ):
        outcomes = all_of(path)
        assert imported(outcomes) == {("good.json",): "LLMPerf"}
        assert ["no plain name" in reason for reason in refused(outcomes).values()] == [True]
    assert not (tmp_path.parent / "out.json").exists()
    assert not Path("/out.json").exists()


def test_links_devices_and_pipes(tmp_path: Path) -> None:
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
    members = [tarfile.TarInfo(f"member{place}") for place in range(len(kinds))]
    for member, kind in zip(members, kinds, strict=True):
        member.type, member.linkname = kind, "/etc/passwd"
    outcomes = all_of(tarred(tmp_path / "a.tgz", *members, tarfile.TarInfo("good.json")))
    assert imported(outcomes) == {("good.json",): "LLMPerf"}
    assert len(refused(outcomes)) == len(kinds)
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "link or a device" in refused(all_of(zipped(tmp_path / "a.zip", (link, b"/etc/passwd"))))["link"]
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to("/etc/passwd")
    assert "link or a device" in refused(all_of(tmp_path / "folder"))["link"]


def test_encrypted_members_are_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("secret.json", TEXT), ("good.json", TEXT + b" "))
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + offset] |= 1
    path.write_bytes(data)
    outcomes = all_of(path)
    assert "encrypted" in refused(outcomes)["secret.json"]
    assert imported(outcomes) == {("good.json",): "LLMPerf"}


def test_an_archive_in_an_archive_is_refused_by_name(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", ("a.json", TEXT)).read_bytes()
    outcomes = all_of(zipped(tmp_path / "outer.zip", ("inner.zip", inner), ("b.json", TEXT)))
    assert "archive inside" in refused(outcomes)["inner.zip"]
    assert imported(outcomes) == {("b.json",): "LLMPerf"}


def test_the_same_name_twice(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped(tmp_path / "a.zip", ("a.json", TEXT), ("a.json", b"other"), ("a.json/b", b"x"))
    assert {name: "twice" in reason for name, reason in refused(all_of(path)).items()} == {
        "a.json": True,
        "a.json/b": True,
    }


def test_bombs_are_too_large_and_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1000)
    before = set(Path(tempfile.gettempdir()).glob("headroom-*"))
    zeros = bytes(5_000_000)
    for path in (
        zipped(tmp_path / "a.zip", ("z", zeros)),
        tarred(tmp_path / "a.tgz", tarfile.TarInfo("z"), data=zeros),
    ):
        assert "times its size" in refused(all_of(path))[path.name]
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    many = zipped(tmp_path / "many.zip", *((f"{place}", b"") for place in range(9)))
    assert "more than 3 members" in refused(all_of(many))["many.zip"]
    assert set(Path(tempfile.gettempdir()).glob("headroom-*")) == before


def test_headers_and_directories_too_large_to_hold(tmp_path: Path) -> None:
    long = tarfile.TarInfo("x")
    long.pax_headers = {"comment": "y" * 2_000_000}
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(long)
    assert "header" in refused(all_of(path))["a.tar"]
    path = zipped(tmp_path / "a.zip", ("a", b""))
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.rfind(b"PK\x05\x06") + 12, 2**32 - 1)
    path.write_bytes(data)
    assert "zip64" in refused(all_of(path))["a.zip"]


def test_a_header_that_lies_about_its_size(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.json", TEXT * 50))
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.find(b"PK\x01\x02") + 24, 10)
    path.write_bytes(data)
    assert all(isinstance(one, Refused) for one in all_of(path))


ZIPPED, TARRED = io.BytesIO(), io.BytesIO()
with zipfile.ZipFile(ZIPPED, "w", zipfile.ZIP_DEFLATED) as _zip, tarfile.open(fileobj=TARRED, mode="w") as _tar:
    for _name in ("llmperf", "locust_stats", "varcas"):
        _zip.writestr(f"folder/{_name}", SAMPLES[_name][1])
        _member = tarfile.TarInfo(f"folder/{_name}")
        _member.size = len(SAMPLES[_name][1].encode())
        _tar.addfile(_member, io.BytesIO(SAMPLES[_name][1].encode()))


@settings(QUIET, max_examples=300)
@given(
    kind=st.sampled_from(["zip", "tar", "tgz", "flipped tgz"]),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=8),
    kept=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_damaged_archives(tmp_path: Path, kind: str, flips: list[tuple[float, int]], kept: float) -> None:
    data = bytearray(ZIPPED.getvalue() if kind == "zip" else TARRED.getvalue())
    if kind == "flipped tgz":
        data = bytearray(gzip.compress(data))
    for place, mask in flips:
        data[int(place * (len(data) - 1))] ^= mask
    path = tmp_path / "damaged"
    whole = bytes(data[: max(4, int(len(data) * kept))])
    path.write_bytes(gzip.compress(whole) if kind == "tgz" else whole)
    for outcome in all_of(path):
        if isinstance(outcome, Imported):
            for stream in outcome.run.tables.values():
                assert all(batch.schema == stream.schema for batch in stream)


def test_a_folder_of_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importers.collection.MOST_MEMBERS", 3)
    for place in range(6):
        (tmp_path / str(place)).write_text("x")
    (outcome,) = all_of(tmp_path)
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.reason, TooLarge)
