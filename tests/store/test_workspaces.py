"""Workspaces: who enters which, nothing of one is reached from another, and all of it can be deleted."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from planner.errors import PlannerError, QuotaExceeded, ReadOnly, RunNotFound, StoreError
from planner.measured import Run
from planner.quantities import GIB
from settings import settings
from store import Store, calibrations, index
from store.rules import Rules
from store.workspaces import Workspace, every_workspace, workspaces
from tests.settings.test_settings import LOGIN
from tests.store.samples import sample
from tests.store.test_calibrations import sample as fitted


def run(number: int = 1) -> Run:
    return sample(hashlib.sha256(str(number).encode()).hexdigest())


NOW = 1_800_000_000.0
TOLD = settings(LOGIN | {"HEADROOM_TEAM_CLAIM": "groups", "HEADROOM_USER_RUNS": "2"})


def claims(subject: str = "ann", **more: object) -> dict[str, object]:
    return {"is_logged_in": True, "iss": "https://id.example.com", "sub": subject, "iat": NOW, **more}


def of(subject: str, root: Path | str, **more: object) -> Store:
    return workspaces(claims(subject, **more), TOLD, NOW)[0].store(root)


def test_without_a_login_there_is_one_and_it_is_the_store(tmp_path: Path) -> None:
    (only,) = workspaces(claims(), settings({}), NOW)
    assert only.store(tmp_path) == Store(tmp_path)
    (shown,) = workspaces({}, settings({"HEADROOM_MODE": "demo"}), NOW)
    assert shown.store(tmp_path) == Store(tmp_path, Rules(writable=False))


@pytest.mark.parametrize(
    "who",
    [
        {},
        claims(is_logged_in=False),
        claims(is_logged_in="yes"),
        claims(sub=""),
        claims(iss=None),
        claims(iat=NOW - 24 * 3600),
        claims(iat="later"),
    ],
)
def test_who_did_not_log_in_looks_at_the_demo(who: dict[str, object]) -> None:
    (shown,) = workspaces(who, TOLD, NOW)
    assert (shown.name, shown.rules.writable) == ("demo", False)


def test_people_have_one_each_and_one_for_each_team() -> None:
    ann = workspaces(claims(groups=["lab", "ops", 3, "", "lab"]), TOLD, NOW)
    bob = workspaces(claims("bob", groups="lab"), TOLD, NOW)
    assert [one.title for one in ann] == ["My runs", "lab", "ops"]
    assert ann[0].name != bob[0].name
    assert ann[1].name == bob[1].name
    other = workspaces(claims(iss="https://evil.example.com", groups="lab"), TOLD, NOW)
    assert not {one.name for one in other} & {one.name for one in ann}


@pytest.mark.parametrize("subject", ["../../etc", "a/b", "demo", "\0", "x" * 10_000, 'a","b'])
def test_no_name_escapes(subject: str, tmp_path: Path) -> None:
    for one in workspaces(claims(subject, groups=[subject]), TOLD, NOW):
        assert Path(one.store(tmp_path).root).parent == tmp_path / "workspaces"
        assert str(one.store("s3://bucket/prefix/").root).startswith(f"s3://bucket/prefix/workspaces/{one.name}")


@pytest.mark.parametrize(
    "name", ["..", "user-../x", "team-" + "a" * 31, "user-" + "A" * 32, "demo/..", "user-" + "a" * 32 + "\n"]
)
def test_a_name_that_is_none_of_ours_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no workspace"):
        Workspace(name, "x").store(tmp_path)


def test_nothing_of_one_is_reached_from_another(anywhere: Store) -> None:
    ann, bob = of("ann", anywhere.root), of("bob", anywhere.root)
    run_id = ann.save(run())
    calibrations.save(ann, fitted())
    assert [one.id for one in ann.runs()] == [run_id]
    for other in (bob, anywhere):
        assert other.runs() == []
        assert calibrations.names(other) == []
        for act in (other.run, other.tables, other.size, other.choice, other.delete):
            for name in (run_id, run_id[:1], f"../{ann.root}/{run_id}", str(ann.root)):
                with pytest.raises(RunNotFound):
                    act(name)
    assert bob.save(run()) == run_id
    bob.delete(run_id)
    assert ann.run(run_id).id == run_id


def test_a_demo_is_for_looking_at(anywhere: Store) -> None:
    run_id = anywhere.save(run())
    shown = Store(anywhere.root, Rules(writable=False))
    assert shown.run(run_id).id == run_id
    for change in (
        lambda: shown.save(run(2)),
        lambda: shown.delete(run_id),
        lambda: shown.set_choice(run_id, gpu="t4"),
        lambda: calibrations.save(shown, fitted()),
        lambda: calibrations.delete(shown, "x"),
        shown.erase,
    ):
        with pytest.raises(ReadOnly):
            change()
    assert [one.id for one in anywhere.runs()] == [run_id]


def test_room_is_limited_in_runs_and_bytes(anywhere: Store) -> None:
    ann = of("ann", anywhere.root)
    first = ann.save(run(1))
    ann.save(run(2))
    assert ann.save(run(1)) == first
    with pytest.raises(QuotaExceeded, match="2 runs"):
        ann.save(run(3))
    ann.delete(first)
    ann.save(run(3))
    narrow = Store(f"{anywhere.root}/narrow", Rules(size=100))
    with pytest.raises(QuotaExceeded, match="GiB"):
        narrow.save(run(1))
    wide = Store(f"{anywhere.root}/wide", Rules(size=GIB))
    wide.save(run(1))


def test_all_of_it_can_be_deleted(anywhere: Store) -> None:
    ann, bob = of("ann", anywhere.root), of("bob", anywhere.root)
    for store in (ann, bob):
        store.save(run(1))
        store.set_choice(store.save(run(2)), gpu="t4")
        calibrations.save(store, fitted())
        store.shelf.keep_note("jobs/0123456789abcdef", "head.json", b"{}")
        store.shelf.keep_note("quarantine", "x", b"secret-project")
    assert len(ann.runs()) == 2
    before = files(anywhere)
    ann.erase()
    assert ann.runs() == []
    assert calibrations.names(ann) == []
    assert not index._known(ann.shelf.address).entries
    assert str(bob.root) in [str(one.root) for one in every_workspace(anywhere.root)]
    left = files(anywhere)
    assert left
    assert left == {path for path in before if str(bob.root).split("/")[-1] in path}
    ann.erase()
    assert len(bob.runs()) == 2
    assert ann.save(run(1)) == run(1).id


def files(store: Store) -> set[str]:
    """Every file below the root of a store, by its path."""
    if isinstance(store.root, Path):
        return {str(path) for path in store.root.rglob("*") if path.is_file()}
    return set(store.shelf._files.find(store.shelf._root))


def test_a_quota_is_an_answer() -> None:
    assert issubclass(QuotaExceeded, PlannerError)
