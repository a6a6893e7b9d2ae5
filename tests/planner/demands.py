"""Short ways to ask the buyer's question."""

from __future__ import annotations

from typing import Any

from planner.catalogue_models import find_model
from planner.demand import Demand
from planner.option import Option
from planner.slo import Promise, slo
from planner.traffic import Traffic
from tests.planner.questions import LLAMA_8B

CHAT = Traffic(20.0, 427, 145, spread=1.0)


def promised(ttft: float = 1.0, tpot: float = 0.05, **reserve: Any):
    return slo([Promise("ttft", 0.95, ttft), Promise("tpot", 0.95, tpot)], **reserve)


def wanted(rate: float = 20.0, model: str = LLAMA_8B, **more: Any) -> Demand:
    """A demand on two GPUs, one to a replica, without a closer look at other limits."""
    settings: dict[str, Any] = {
        "gpus": ("h100-sxm", "l40s"),
        "counts": (1,),
        "budgets": (),
        "sequences": (),
        "slo": promised(),
    }
    asked = Traffic(rate, CHAT.prompt_tokens, CHAT.output_tokens, spread=CHAT.spread)
    return Demand(find_model(model), **{"traffic": asked, **settings, **more})


def options(found) -> list[Option]:
    return [one.result for one in found if isinstance(one.result, Option)]
