"""The tree of errors is the one that its docstring draws."""

from __future__ import annotations

import inspect
import re

from planner import errors


def test_the_drawn_tree_is_the_real_one():
    whole_lines = re.sub(r",\n +│ +", ", ", errors.__doc__ or "")
    for base, kinds in re.findall(r"[├└] (\w+) {2,}(.+)", whole_lines):
        drawn = {kind.strip() for kind in kinds.split(",")}
        parent = getattr(errors, base)
        assert {kind.__name__ for kind in parent.__subclasses__() if kind.__module__ == errors.__name__} == drawn
        assert parent.__base__ is errors.PlannerError


def test_every_error_is_a_planner_error_and_says_what_it_is():
    own = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
    for kind in own:
        assert issubclass(kind, errors.PlannerError)
        assert kind.__doc__


def test_nearest_names_those_alike_or_the_first_ones():
    assert errors.nearest("l40", ["h100-sxm", "l40s", "l4"]).startswith("l4")
    assert errors.nearest("????", ["a", "b", "c"], count=2) == "a, b"
