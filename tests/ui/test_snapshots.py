"""The main charts are drawn as they were; a wanted change is taken with `make snapshots`, and looked at."""

import difflib

import pytest

from tests.ui.snapshots import FOLDER, SNAPSHOTS, drawn

FEW = 20


@pytest.fixture(scope="module")
def now():
    return drawn()


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_chart_is_drawn_as_it_was(name, now):
    before = (FOLDER / f"{name}.svg").read_bytes()
    if now[name] != before:
        lines = difflib.unified_diff(before.decode().splitlines(), now[name].decode().splitlines(), "kept", "now", n=0)
        pytest.fail("\n".join([f"{name}.svg differs; make snapshots takes it", *list(lines)[:FEW]]))


def test_no_snapshot_is_left_over():
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(SNAPSHOTS)
