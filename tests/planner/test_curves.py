"""Predicted lines pass where the points were asked; measured points stand beside them."""

from __future__ import annotations

import pytest

from planner.catalogue_models import find_model
from planner.curves import axis_of, lines, on_one_line, places
from planner.estimate import estimate
from planner.loads import loads
from planner.measured import MeasuredPoint, Run
from planner.overlay import compare, scenario_of
from tests.planner.questions import LLAMA_8B

MODEL = find_model(LLAMA_8B)
H200 = "h200-sxm"


def sweep(batches=(1, 4, 16, 64), output=16.0, **more):
    points = [MeasuredPoint("tpot", "mean", 0.005 * b**0.1, b, None, 128.0, output, **more) for b in batches]
    return Run("test", "1", "test.json", "0" * 64, points=tuple(points), settings={"max_num_seqs": 256.0})


def test_the_axis_is_what_varies():
    assert axis_of(loads(sweep())) == "concurrency"
    assert axis_of(loads(sweep((8, 8)))) is None
    prompts = [MeasuredPoint("ttft", "mean", 0.1, 1.0, None, tokens) for tokens in (64.0, 512.0)]
    assert axis_of(loads(Run("t", "1", "t", "0" * 64, points=tuple(prompts)))) == "prompt_tokens"


def test_loads_sent_otherwise_are_on_another_line():
    mixed = Run("t", "1", "t", "0" * 64, points=(*sweep().points, *sweep((2, 8), output=500.0).points))
    assert [one.run.points[0].concurrency for one in on_one_line(loads(mixed), "concurrency")] == [1, 4, 16, 64]


def test_the_line_is_the_estimate_at_every_measured_place():
    run = sweep()
    found = on_one_line(loads(run), "concurrency")
    known = {line.metric: line for line in lines(found, "concurrency", H200, MODEL)}
    assert set(known) == {"step_time", "tpot"}
    tpot = known["tpot"]
    assert (tpot.low < tpot.value).all()
    assert (tpot.value < tpot.high).all()
    predicted = {comparison.point.concurrency: comparison.predicted for comparison in compare(run, H200, MODEL)}
    on_line = dict(zip(tpot.x.tolist(), tpot.value.tolist(), strict=True))
    assert [on_line[batch] for batch in predicted] == pytest.approx(list(predicted.values()), rel=1e-9)
    assert [dot.value for dot in tpot.dots] == [point.value for point in run.points]
    step = estimate(scenario_of(run, H200, MODEL, concurrency="16", input_tokens="128", output_tokens="16")).decode
    line = known["step_time"]
    assert dict(zip(line.x.tolist(), line.value.tolist(), strict=True))[16] == pytest.approx(step.seconds, rel=1e-9)


def test_bounds_of_the_tool_are_the_points_own():
    found = on_one_line(loads(sweep(low=0.001, high=0.01)), "concurrency")
    (dot, *_) = next(line for line in lines(found, "concurrency", H200, MODEL) if line.metric == "tpot").dots
    assert (dot.low, dot.high) == (0.001, 0.01)


def test_what_does_not_fit_leaves_the_line():
    points = [MeasuredPoint("ttft", "mean", 1.0, 1.0, None, tokens, 2.0) for tokens in (128.0, 5_000_000.0)]
    found = loads(Run("t", "1", "t", "0" * 64, points=tuple(points)))
    line = next(line for line in lines(found, "prompt_tokens", H200, MODEL) if line.metric == "ttft")
    assert line.x.max() < 5_000_000
    assert len(line.dots) == 2


def test_places_are_the_measured_ones_and_some_between():
    assert set(places([1, 512])) > {1, 512}
    assert len(places(list(range(1, 1000)))) < 40
    assert all(place == round(place) for place in places([1, 3, 900]))
