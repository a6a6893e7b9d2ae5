"""The buyer's whole question: which model and traffic, under which promises and prices, and what may be tried."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from planner.catalogue import gpus
from planner.correction import Correction
from planner.engine import LATEST, Engine
from planner.errors import InvalidWorkload
from planner.model import Model, MoeFfn
from planner.money import Terms, check_terms
from planner.replica import workload
from planner.scenario import Scenario, scenario
from planner.slo import Slo
from planner.techniques import Techniques, check_techniques
from planner.traffic import Traffic, traffic

OWN = "auto"
COUNTS = (1, 2, 4, 8)
BUDGETS = (2048.0, 8192.0, 16384.0)
SEQUENCES = (512.0, 1024.0)
NODE = 8
"""GPUs of one node. Assumed: the usual server; a split over several nodes is not modelled."""
MOST_GPUS = 100_000


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of the search.

    gpus : ids that may be bought
    counts : GPUs of a replica that are tried: tensor_parallel [1]
    schemes : quantizations that are tried; "auto" is the checkpoint's own
    kv_cache : format of keys and values
    budgets, sequences : max_num_batched_tokens, max_num_seqs that are tried for the best options [tokens], [1]
    techniques : adapters are part of the demand; speculation and two pools are tried for the best options
    node : GPUs of one node [1]
    correction : of a calibration; it holds on the GPUs that it was measured on
    """

    model: Model
    traffic: Traffic
    slo: Slo
    terms: Terms = field(default_factory=Terms)
    gpus: tuple[str, ...] = ()
    counts: tuple[int, ...] = COUNTS
    schemes: tuple[str, ...] = (OWN,)
    kv_cache: str = OWN
    budgets: tuple[float, ...] = BUDGETS
    sequences: tuple[float, ...] = SEQUENCES
    techniques: Techniques = field(default_factory=Techniques)
    node: int = NODE
    version: str = LATEST
    seed: int = 0
    correction: Correction | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to build a replica.

    budget : max_num_batched_tokens; None: vLLM's default [tokens]
    sequences : max_num_seqs; None: vLLM's default [1]
    speculating, pools : which of the demand's techniques it uses
    """

    gpu: str
    tensor_parallel: int = 1
    expert_parallel: int = 1
    scheme: str = OWN
    budget: float | None = None
    sequences: float | None = None
    speculating: bool = False
    pools: bool = False


def demand(asked: Demand) -> Demand:
    """A checked question; no GPU named means every one of the catalogue.

    raises : PlannerError naming the field
    """
    check_terms(asked.terms)
    check_techniques(asked.techniques)
    unknown = sorted(set(asked.gpus) - set(gpus()))
    if unknown or not asked.counts or not asked.schemes:
        raise InvalidWorkload(
            f"The search needs GPUs of the catalogue, counts and quantizations; not known: {', '.join(unknown) or '–'}."
        )
    if not 1 <= asked.node <= MOST_GPUS or any(count not in range(1, asked.node + 1) for count in asked.counts):
        raise InvalidWorkload(f"GPUs of a replica must be between 1 and the {asked.node} of a node.")
    return replace(asked, traffic=traffic(asked.traffic), gpus=asked.gpus or tuple(gpus()))


def candidates(asked: Demand, gpu: str) -> tuple[Candidate, ...]:
    """Every way to build a replica of one GPU that the demand allows, without techniques and with vLLM's limits.

    asked : the demand
    gpu : its id
    """
    experts = any(isinstance(layer.ffn, MoeFfn) for layer in asked.model.layers)
    return tuple(
        Candidate(gpu, count, spread, scheme)
        for scheme in asked.schemes
        for count in asked.counts
        for spread in ((1, count) if experts and count > 1 else (1,))
    )


def scenario_of(asked: Demand, built: Candidate) -> Scenario:
    """The scenario of one replica, at no rate yet.

    asked : the demand
    built : the candidate
    raises : PlannerError where this GPU, model or vLLM cannot run it
    """
    found = scenario(
        asked.model,
        gpus()[built.gpu],
        workload(asked.traffic),
        scheme=None if built.scheme == OWN else built.scheme,
        kv_cache=asked.kv_cache,
        tensor_parallel=built.tensor_parallel,
        expert_parallel=built.expert_parallel,
        engine=Engine(version=asked.version, max_num_seqs=built.sequences, max_num_batched_tokens=built.budget),
    )
    holds = asked.correction is not None and built.gpu in asked.correction.gpus
    return replace(found, correction=asked.correction) if holds else found


def techniques_of(asked: Demand, built: Candidate) -> Techniques:
    """What a candidate uses beside plain serving.

    asked : the demand, whose adapters every candidate holds
    built : the candidate
    """
    tried = asked.techniques
    return replace(tried, speculation=tried.speculation if built.speculating else None, pools=built.pools)
