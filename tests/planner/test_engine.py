"""vLLM's defaults by version and GPU."""

from __future__ import annotations

import pytest

from planner.catalogue import find_gpu
from planner.engine import Engine, default_utilization, host_times, release, scheduler_limits
from planner.errors import InvalidWorkload


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("0.9.1", (0, 9)),
        ("v0.12.0", (0, 12)),
        ("0.8.5.post1", (0, 8)),
        ("1.2", (1, 2)),
        ("", (0, 33)),
        ("main", (0, 33)),
    ],
)
def test_release(version, found):
    assert release(version) == found


@pytest.mark.parametrize(
    ("gpu", "version", "limits"),
    [("h100-sxm", "0.9.0", (8192, 1024)), ("h200-sxm", "0.33.0", (8192, 1024)), ("b200", "0.28.0", (16384, 1024)),
     ("b200", "0.12.0", (8192, 1024)), ("a100-sxm-80gb", "0.33.0", (2048, 256)), ("l40s", "0.33.0", (2048, 256)),
     ("t4", "0.9.0", (2048, 256))],
)  # fmt: skip
def test_scheduler_limits_of_the_api_server(gpu, version, limits):
    assert scheduler_limits(find_gpu(gpu), release(version)) == limits


def test_utilization_rose_in_0_20():
    assert default_utilization((0, 19)) == 0.9
    assert default_utilization((0, 20)) == 0.92


def test_gaps_are_filled_and_settings_kept():
    filled = Engine(max_num_seqs=7).with_defaults(find_gpu("h100-sxm"))
    assert (filled.max_num_seqs, filled.max_num_batched_tokens) == (7, 8192)
    assert filled.gpu_memory_utilization == 0.92
    assert filled.host == host_times((0, 33))


def test_host_times_by_version():
    assert host_times((0, 9)) is host_times((0, 8))
    assert host_times((0, 9)).step > host_times((0, 10)).step
    assert host_times((0, 33)).step == host_times((0, 9)).step
    assert host_times((0, 33)).hidden_step > 0


@pytest.mark.parametrize(
    ("version", "asynchronous", "caching"),
    [
        ("0.7.3", False, False),
        ("0.9.1", False, True),
        ("0.13.0", False, True),
        ("0.14.0", True, True),
        ("", True, True),
    ],
)
def test_async_scheduling_and_prefix_caching_by_version(version, asynchronous, caching):
    filled = Engine(version=version).with_defaults(find_gpu("h100-sxm"))
    assert (filled.async_scheduling, filled.prefix_caching) == (asynchronous, caching)
    told = Engine(version=version, async_scheduling=not asynchronous, prefix_caching=not caching)
    kept = told.with_defaults(find_gpu("h100-sxm"))
    assert (kept.async_scheduling, kept.prefix_caching) == (not asynchronous, not caching)


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_num_seqs", 0), ("max_num_batched_tokens", float("nan")), ("gpu_memory_utilization", 1.1),
     ("max_model_len", -5)],
)  # fmt: skip
def test_a_setting_out_of_range_is_named(field, value):
    with pytest.raises(InvalidWorkload, match=rf"--{field.replace('_', '-')}. is .*between"):
        Engine(**{field: value}).with_defaults(find_gpu("h100-sxm"))
