"""Done once, before a server answers: what pages need is loaded, then hidden from the garbage collector.

Streamlit collects garbage after each rerun; with all imports in view that takes tens of milliseconds of each change.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from importlib import import_module
from pkgutil import walk_packages

import ui
from charts.memory import memory_spec
from charts.roofline import roofline_spec
from charts.waterfall import waterfall_spec
from planner.errors import ClusterError
from planner.estimate import estimate
from planner.predict import question
from ui.buying import pool


def warm_up() -> None:
    """Loads modules, catalogue and chart specifications, starts processes, answers one question, freezes what is there.

    A page is a script, not a module: it is run for each visitor, and finds its modules here.
    """
    for module in walk_packages(ui.__path__, "ui."):
        if not module.name.startswith("ui.pages."):
            import_module(module.name)
    estimate(question({"gpu": "h100-sxm", "model": "meta-llama/Llama-3.1-8B-Instruct"}))
    with suppress(ClusterError):  # whoever searches is told; all else works without it
        pool()
    for theme in ("light", "dark"):
        roofline_spec(theme, measured=False)
        memory_spec(theme)
        waterfall_spec(theme)
    gc.collect()
    gc.freeze()
