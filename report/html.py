"""A report as one HTML file that opens without a network and is interactive. START HERE: plan_report, run_report.

The file carries Vega's own scripts. Its content security policy lets these scripts run and no other, and lets the page
ask for nothing: what a hostile file name brings along stays text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import vl_convert
from markupsafe import Markup, escape

from charts import palette
from charts.look import FONT, config
from planner.measured import Run
from planner.model import Model
from planner.scenario import Scenario
from report.case import measured, planned
from report.document import Document, of_plan, of_runs
from report.grades import Thresholds, thresholds
from report.origin import product
from report.sections import Chart
from report.sections_inputs import today
from store.runs import Store

TEMPLATES = Path(__file__).parent / "templates"
MARKED = re.compile(r"\\(.)|(\*\*)")


def plan_report(scenario: Scenario, question: str = "asked on the Plan page", held: Thresholds | None = None) -> str:
    """The report of a question of which nothing was measured.

    question : as it was asked, to stand among the inputs: a command, or a link
    held : thresholds; None: those of data/thresholds.yaml
    """
    return page(of_plan(planned(scenario), held or thresholds(), question))


def run_report(
    run: Run, question: str, store: Store, gpu: str | None = None, model: Model | None = None, **cells: str
) -> str:
    """The report of one run.

    run : with its tables
    question : as in plan_report
    gpu, model, cells : the reader's word
    raises : PlannerError where GPU or model are not known
    """
    return page(of_runs(tuple(measured(run, gpu, model, **cells)), thresholds(), question, store))


def page(document: Document) -> str:
    """A document as one file."""
    drawn = [block for section in document.sections for block in section.blocks if isinstance(block, Chart)]
    scripts = [Markup(vl_scripts()), Markup((TEMPLATES / "report.js").read_text(encoding="utf-8"))]  # noqa: S704 - ours
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            document=document,
            scripts=scripts,
            policy=_policy(scripts),
            style=Markup(_style()),  # noqa: S704 - ours
            charts=Markup(_inert([_spec(one) for one in drawn])),  # noqa: S704 - holds no "<"
            drawn={id(one): place for place, one in enumerate(drawn)},
            footer=f"{product()} · {today()}",
        )
    )


def markup(text: str) -> Markup:
    r"""A sentence in the house's Markdown as HTML: bold and escaped characters; all else is text.

    >>> markup(r'**a** \<b>')
    Markup('<strong>a</strong> &lt;b&gt;')
    """
    found, at, bold = Markup(""), 0, False
    for mark in MARKED.finditer(text):
        found += escape(text[at : mark.start()])
        if mark[2]:
            bold = not bold
            found += Markup("<strong>") if bold else Markup("</strong>")
        else:
            found += escape(mark[1])
        at = mark.end()
    return found + escape(text[at:]) + (Markup("</strong>") if bold else Markup(""))


@cache
def vl_scripts() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from the package; no network."""
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    made = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True)  # fmt: skip
    made.filters["markup"] = markup
    made.filters["ident"] = id
    made.filters["kind"] = lambda block: type(block).__name__
    return made


def _policy(scripts: Sequence[str]) -> str:
    """What the page may do: run these scripts, style itself; nothing else, and no request at all."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'"


def _spec(chart: Chart) -> Mapping[str, Any]:
    specs = {theme: {**spec, "config": config(theme)} for theme, spec in chart.specs.items()}
    return {"specs": specs, "datasets": chart.data}


def _inert(value: Any) -> str:
    """JSON that no HTML parser can end early: it holds no "<"."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _style() -> str:
    colours = {
        theme: "".join(f"--{name}:{value[theme]};" for name, value in PAINT.items()) for theme in palette.BACKGROUND
    }
    own = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    dark = f"@media (prefers-color-scheme: dark){{:root{{{colours['dark']}}}}}"
    paper = f"@media print{{:root{{{colours['light']}}}}}"
    return f":root{{--font:{FONT};{colours['light']}}}{dark}{paper}{own}"


PAINT: Mapping[str, Mapping[str, str]] = {
    "background": palette.BACKGROUND,
    "text": palette.TEXT,
    "muted": palette.MUTED,
    "line": palette.LINE,
    "raised": {"light": "#F2F5F9", "dark": "#1A222D"},
    "good": {"light": "#1B6352", "dark": "#58B79F"},
    "bad": {"light": "#B23603", "dark": "#F0835A"},
}
