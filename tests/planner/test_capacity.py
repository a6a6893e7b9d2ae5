"""The highest load that keeps the promises: it does, the next does not; chances follow the study's residuals."""

import numpy as np
import pytest

from planner.capacity import RUNG, capacity, probe
from planner.catalogue import find_gpu
from planner.catalogue_models import find_model
from planner.curve import curve
from planner.intervals import sides
from planner.odds import LEVELS, odds
from planner.replica import replica, workload
from planner.scenario import scenario
from planner.slo import Slo, tightest
from planner.steady import with_load
from planner.techniques import Techniques
from tests.planner.demands import CHAT, promised
from tests.planner.questions import LLAMA_8B


@pytest.fixture(scope="module")
def l40s():
    question = scenario(find_model(LLAMA_8B), find_gpu("l40s"), workload(CHAT))
    return replica(question, CHAT, Techniques())


@pytest.fixture(scope="module")
def found(l40s):
    return capacity(l40s, CHAT, promised())


@pytest.fixture(scope="module")
def sure(l40s, found):
    return odds(with_load(l40s.asked, found.rate, l40s.state.at(found.rate, l40s.state.batch)), l40s.room)


def test_a_little_less_keeps_the_promises_and_a_rung_more_breaks_one(l40s, found):
    promises = promised().promises
    assert 0 < found.rate < found.saturation
    assert tightest(promises, probe(l40s, CHAT, found.rate * 0.95, 0).figures)[1] <= 1
    assert tightest(promises, probe(l40s, CHAT, found.rate * RUNG**1.5, 0).figures)[1] > 1
    assert found.promise.label == "p95 TPOT"


def test_the_same_seed_gives_the_same_answer(l40s, found):
    assert capacity(l40s, CHAT, promised()) == found


def test_without_promises_saturation_binds(l40s):
    free = capacity(l40s, CHAT, Slo())
    assert free.promise is None
    assert 0.5 * free.saturation < free.rate < free.saturation


def test_what_one_request_alone_breaks_has_no_rate(l40s):
    none = capacity(l40s, CHAT, promised(tpot=0.001))
    assert none.rate == 0
    assert none.promise.label == "p95 TPOT"
    assert none.share == pytest.approx(none.probes[0].figures["tpot", 0.95] / 0.001)


def test_looser_promises_never_carry_less(l40s):
    rates = [capacity(l40s, CHAT, promised(tpot=limit)).rate for limit in (0.025, 0.03, 0.04, 0.05, 0.08)]
    assert rates == sorted(rates)


def test_the_curve_runs_through_what_was_played(l40s, found):
    line = curve(l40s, found.probes)
    for played in found.probes:
        for key, value in played.figures.items():
            assert float(line.figure(key, np.array(played.rate))) == pytest.approx(value)
    assert np.isinf(line.figure(("ttft", 0.95), np.array(line.top * 1.01)))


def test_less_load_is_surer_and_intervals_hold_their_value(l40s, found, sure):
    line, promises = curve(l40s, found.probes), promised().promises
    chances = [sure.chance(line, promises, share * found.rate) for share in (1.0, 0.9, 0.8, 0.6)]
    assert chances == sorted(chances)
    assert chances[-1] > 0.9
    for key in (("ttft", 0.95), ("tpot", 0.5), ("e2e", 0.99)):
        between = sure.between(line, key, 0.7 * found.rate)
        assert 0 < between.low <= between.value <= between.high


def test_residuals_have_the_studys_ends_and_middle(l40s, sure):
    """TPOT of a measured GPU and family: a twentieth beyond 0.141 above, a twentieth beyond 0.147 below."""
    below, above = sides("tpot", l40s.asked)
    logs = np.log(sure.slow)
    assert logs[LEVELS // 2] == pytest.approx(0)
    assert np.mean(logs > above) == pytest.approx(0.05, abs=0.03)
    assert np.mean(logs < -below) == pytest.approx(0.05, abs=0.03)


def test_slower_steps_carry_less(l40s, found, sure):
    between = sure.capacity(curve(l40s, found.probes), promised().promises, found.rate)
    assert 0 < between.low < between.value < between.high
