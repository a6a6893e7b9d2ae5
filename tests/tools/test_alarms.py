"""No false alarm on sound runs, and the runs that are left out as faulty are left out for what the checks find."""

from __future__ import annotations

import pytest

from tools.alarms import KNOWN, SHARED, alarms, as_told, end_to_end, imported, load_tests, serving, traces

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="real files are not part of the product; they stand in ../shared"
)


@pytest.mark.parametrize(("count", "fewest"), [(traces, 30), (load_tests, 20), (serving, 331)])
def test_sound_runs_raise_no_alarm(count, fewest):
    found = count()
    assert found.measured >= fewest
    assert [(one.check, one.subject) for one in found.alarms] == []


def test_seven_alarms_in_the_studies_are_real():
    """Six batches of Argonne's that the KV cache holds in part, and one row 20 times faster than its neighbours:
    Qwen2-72B on four H100, 1,024 -> 1,024 tokens in 0.96 s between 9.99 s for 512 and 43.4 s for 2,048."""
    found = end_to_end()
    assert found.measured > 7000
    assert sorted(one.check for one in found.alarms) == ["decode_floor", *["waves"] * 6]
    assert all("KV cache holds" in one.cause for one in found.alarms if one.check == "waves")
    assert next(one for one in found.alarms if one.check == "decode_floor").subject.startswith("h100-sxm, Qwen2-72B")


def test_what_is_left_out_is_found():
    for part in KNOWN:
        for path, run in imported(SHARED / "loadtests"):
            if part in str(path.relative_to(SHARED)):
                assert alarms(as_told(run)), f"{path.name} is left out for nothing"
