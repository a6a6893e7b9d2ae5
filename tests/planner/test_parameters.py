"""Counts of weights by role, by hand."""

from __future__ import annotations

import pytest

from planner.catalogue_models import find_model, models
from planner.parameters import ROLES, active_parameters, parameter_count, parameters_by_role
from tests.planner.questions import LLAMA_8B, MIXTRAL


def test_llama_by_role():
    assert dict(parameters_by_role(find_model(LLAMA_8B))) == dict.fromkeys(ROLES, 0) | {
        "embedding": 128256 * 4096,
        "lm_head": 128256 * 4096,
        "attention": 32 * (4096 * 6144 + 4096 * 4096),
        "ffn": 32 * 3 * 4096 * 14336,
        "other": 65 * 4096,
    }


def test_mixtral_uses_two_of_eight_experts():
    model = find_model(MIXTRAL)
    expert = 32 * 3 * 4096 * 14336
    assert parameter_count(model) == 46_702_792_704
    assert active_parameters(model) == 46_702_792_704 - 6 * expert - 32000 * 4096


@pytest.mark.parametrize("name", sorted(models()))
def test_roles_add_up_and_no_token_uses_more_than_there_is(name):
    model = models()[name]
    assert sum(parameters_by_role(model).values()) == parameter_count(model)
    assert 0 < active_parameters(model) <= parameter_count(model)
