"""Own entries: checked by the catalogue's code, known everywhere by their id, gone when others are taken."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from planner.catalogue import find_gpu, gpus, read_yaml
from planner.catalogue_models import known_model, models
from planner.cost import rent
from planner.errors import PlannerError, UnknownGpu, UnknownModel
from planner.estimate import estimate
from planner.own import own_gpu, own_id, own_model, own_price
from planner.predict import predict, question
from planner.prices import price
from planner.quantities import GIGA, HOUR, Basis
from planner.whose import NONE, Own, count, informed, own

H100 = next(row for row in read_yaml("gpus.yaml")["gpus"] if row["id"] == "h100-sxm")
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
    "num_attention_heads": 32, "num_hidden_layers": 16, "num_key_value_heads": 8, "vocab_size": 128256,
    "max_position_embeddings": 8192, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
}  # fmt: skip
DEAR = {"gpu": "l4", "on_demand_usd_per_hour": {"value": 9.0, "text": "an offer", "date": "2026-11-01"}}


@pytest.fixture(autouse=True)
def catalogue_alone():
    yield
    count(NONE)


def test_an_own_gpu_is_known_by_its_id_and_answers():
    before = estimate(question({"gpu": "h100-sxm", "model": "Qwen/Qwen3-8B"}))
    count(Own(gpus=(own_gpu("Lab GPU", {**H100, "hbm_bandwidth_gb_s": 2 * H100["hbm_bandwidth_gb_s"]}),)))
    found = estimate(question({"gpu": "own-lab-gpu", "model": "Qwen/Qwen3-8B"}))
    assert find_gpu("own-lab-gpu").bandwidth == 2 * H100["hbm_bandwidth_gb_s"] * GIGA
    assert found.tpot.value < before.tpot.value
    assert found.basis is Basis.ASSUMED
    assert find_gpu("NVIDIA H100 80GB HBM3").id == "h100-sxm"
    count(NONE)
    with pytest.raises(UnknownGpu, match="No own GPU"):
        find_gpu("own-lab-gpu")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"hbm_bandwidth_gb_s": -1}, "hbm_bandwidth_gb_s"),
        ({"hbm_bandwidth_gb_s": float("nan")}, "hbm_bandwidth_gb_s"),
        ({"peak_dense_tflop_s": {"bf16": "much"}}, "bf16"),
        ({"peak_dense_tflop_s": 989}, "peak_dense_tflop_s"),
        ({"peak_dense_tflop_s": {"bf16": 989, "power_w": 1}, "power_w": "much"}, "power_w"),
        ({"peak_dense_tflop_s": {1: 989}}, "formats"),
        ({"compute_capability": "99"}, "compute_capability"),
        ({"memory_type": "tape"}, "memory_type"),
        ({"name": ["x"]}, "name"),
        ({"note": "\ud800"}, "note"),
        ({"terms": ["x"]}, "terms"),
        ({"terms": "x" * 10_000}, "terms"),
        ({"source": "x" * 2000}, "source"),
        ({"memory_reported_gib": "80"}, "memory_reported_gib"),
        ({"launch_year": "soon"}, "launch_year"),
    ],
)
def test_a_bad_row_is_refused_by_its_field(change, why):
    with pytest.raises(PlannerError, match=why):
        own_gpu("lab", {**H100, **change})


def test_a_missing_field_a_bad_name_and_no_row_are_refused():
    with pytest.raises(PlannerError, match="power_w"):
        own_gpu("lab", {key: value for key, value in H100.items() if key != "power_w"})
    for name in ("", "../x", "a/b", "<b>"):
        with pytest.raises(PlannerError, match="cannot name a GPU"):
            own_id(name)
    for row in ([], "x", {1: 2}):
        with pytest.raises(PlannerError):
            own_gpu("lab", row)


def test_an_own_model_is_counted_and_known():
    count(Own(models=(own_model("our 4b", CONFIG),)))
    assert "own/our-4b" in models()
    found = estimate(question({"gpu": "l4", "model": "own/our-4b"}))
    assert found.scenario.model.source.basis is Basis.ASSUMED
    assert known_model("own/our-4b").hidden == 4096
    with pytest.raises(UnknownModel, match="No own model"):
        known_model("own/other")


def test_a_config_that_cannot_be_counted_is_refused():
    for config in ({}, {**CONFIG, "hidden_size": "x"}, {"model_type": "unheard_of"}):
        with pytest.raises(PlannerError):
            own_model("x", config)


def test_an_own_price_stands_in_for_one_kind_alone():
    reserved = price(find_gpu("h100-sxm")).reserved
    count(Own(prices={"l4": own_price(DEAR), "h100-sxm": own_price({**DEAR, "gpu": "h100-sxm"})}))
    assert rent(find_gpu("l4"), 1, 1.0).per_hour == pytest.approx(9.0)
    assert price(find_gpu("l4")).on_demand.told == "an offer (2026-11-01)"
    assert price(find_gpu("h100-sxm")).reserved == reserved
    assert price(find_gpu("h100-sxm")).on_demand.value * HOUR == pytest.approx(9.0)


def test_a_price_without_a_source_or_of_nothing_is_refused():
    for row in (
        {**DEAR, "gpu": "no"}, {"gpu": "l4", "on_demand_usd_per_hour": {"value": 9.0}}, {"gpu": "l4", "price": {}},
        {"gpu": "l4", "on_demand_usd_per_hour": 9.0},
        {"gpu": "l4", "on_demand_usd_per_hour": {"value": None, "text": "x"}},
    ):  # fmt: skip
        with pytest.raises(PlannerError):
            own_price(row)


def test_answers_that_were_remembered_follow_the_entries():
    ask = [{"gpu": "own-lab", "model": "Qwen/Qwen3-8B"}]
    assert "No own GPU" in next(predict(ask))["error"]
    count(Own(gpus=(own_gpu("lab", H100),)))
    slow = next(predict(ask))["tpot_ms"]
    count(Own(gpus=(own_gpu("lab", {**H100, "hbm_bandwidth_gb_s": 9000}),)))
    assert next(predict(ask))["tpot_ms"] < slow


def test_entries_travel_to_another_process():
    entries = Own((own_gpu("lab", H100),), (own_model("m", CONFIG),), {"l4": own_price(DEAR)})
    assert pickle.loads(pickle.dumps(entries)) == entries  # noqa: S301 - our own bytes
    count(entries)
    assert own() is entries
    assert "own-lab" in gpus()


def test_threads_of_one_worker_answer_different_people():
    """A cluster's worker does several pieces of work at once: what one person added never counts for another."""
    both = Barrier(2)

    def known() -> bool:
        both.wait(10)
        return "own-lab-gpu" in gpus()

    lab = Own(gpus=(own_gpu("Lab GPU", H100),))
    with ThreadPoolExecutor(2) as worker:
        answers = [worker.submit(informed, entries, known) for entries in (lab, NONE)]
    assert [answer.result() for answer in answers] == [True, False]
    assert own() is NONE
