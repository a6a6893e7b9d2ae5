"""Thresholds: the studies' table, its edges, and files that are refused by row and field."""

import pytest

from planner.errors import BadRow
from report.grades import Grade, thresholds


def held(metric):
    return next(one for one in thresholds().each if one.metric == metric)


@pytest.mark.parametrize(
    ("metric", "value", "grade"),
    [
        ("output_throughput", 206.8, Grade.GOOD),
        ("output_throughput", 173.6, Grade.BETWEEN),
        ("output_throughput", 99.4, Grade.BAD),
        ("ttft", 0.099, Grade.GOOD),
        ("ttft", 0.5, Grade.BETWEEN),
        ("ttft", 0.803, Grade.BAD),
        ("tpot", 0.0407, Grade.GOOD),
        ("tpot", 0.279, Grade.BAD),
        ("gpu_utilisation", 0.8, Grade.GOOD),
        ("gpu_utilisation", 0.97, Grade.BETWEEN),
        ("gpu_utilisation", 0.49, Grade.BAD),
        ("gpu_utilisation", 1.0, Grade.BAD),
    ],
)
def test_the_studys_table(metric, value, grade):
    assert held(metric).grade(value) is grade


def test_thresholds_in_words():
    assert held("ttft").good == "at most 100 ms"
    assert held("gpu_utilisation").bad == "below 50 % or above 99.5 %"


ROW = "{metric: ttft, statistic: median, unit: ms, good: [null, 100]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thresholds: []", "at least one row"),
        ("- 1", "list"),
        (f"thresholds:\n- {ROW}, bad_over: 3}}", "the fields"),
        (f"thresholds:\n- {ROW}, bad_above: 50}}", "row 1: good must lie between"),
        (f"thresholds:\n- {ROW}, bad_above: .nan}}", "bad_above holds"),
        ("thresholds:\n- {metric: joy, statistic: mean, unit: ms, good: [1, 2]}", "metric 'joy' must be one of"),
        ("thresholds:\n- {metric: ttft, statistic: mean, unit: s, good: [1, 2]}", "unit 's' must be one of ms"),
        ("thresholds:\n- {metric: ttft, statistic: mean, unit: ms, good: 5}", "good must be"),
        ("thresholds: [", "Copy data/thresholds.yaml"),
        ("a: !!python/object/apply:os.system [ls]", "Copy data/thresholds.yaml"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path, text, said):
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadRow, match=said.replace("[", r"\[")):
        thresholds(path)


def test_a_missing_or_huge_file_is_refused(tmp_path):
    with pytest.raises(BadRow, match="Copy data"):
        thresholds(tmp_path / "none.yaml")
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * 200_000)
    with pytest.raises(BadRow, match="too many"):
        thresholds(huge)
