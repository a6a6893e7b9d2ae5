"""Verdicts: grades by thresholds, what the physics checks say, what to change next, and the command to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from planner.advice import GOALS, advice
from planner.checks import CHECKS, evidence, findings, title
from planner.checks.report import WORDS, grouped
from planner.command import serve_command
from planner.estimate import Estimate
from planner.loads import CENTRES
from planner.words import digits
from report.case import ASKED, Case
from report.grades import UNITS, Grade, Graded, Threshold, Thresholds
from report.sections import Cell, Command, Section, Table, Words, table_of
from report.sections_measured import busy
from words.advice import advice_row, headline
from words.text import plain

RATIOS = ("Gain", "Tokens/s", "First token", "Per token", "Cost")
PREDICTED: Mapping[str, Callable[[Estimate], float]] = {
    "output_throughput": lambda found: found.output_tokens_per_second,
    "gpu_utilisation": busy,
}
PERCENTILES = {"mean": "value", "median": "p50"}


def grades(cases: Sequence[Case], held: Thresholds) -> Section:
    """Each case's figures held against the thresholds; what was not measured is predicted, and says so."""
    rows = [
        (one.name, f"good: {one.good}; bad: {one.bad}", *(_graded(case, one) for case in cases)) for one in held.each
    ]
    cells = [cell for row in rows for cell in row if isinstance(cell, Graded)]
    counts = {grade: sum(cell.grade is grade for cell in cells) for grade in Grade}
    bad = {str(row[0]) for row in rows for cell in row if isinstance(cell, Graded) and cell.grade is Grade.BAD}
    said = f"**{counts[Grade.GOOD]} good**, {counts[Grade.BETWEEN]} between, **{counts[Grade.BAD]} bad**"
    said += f": {plain(', '.join(sorted(bad)))}." if bad else "."
    note = plain(f"Thresholds: {held.source}. Others: cli.py report --thresholds FILE.")
    return Section(
        "Good or bad", said, (Table("", ("Figure", "Threshold", *(_short(case) for case in cases)), tuple(rows), note),)
    )


def checks(case: Case) -> Section:
    """What the physics checks find in the measurement."""
    heading = "Physics checks: is this measurement possible?"
    if case.run is None:
        return Section(heading, "Nothing was measured here.")
    gpu, phase = case.scenario.deployment.gpu.id, "decode"
    cells = {name: text for name, (text, who) in case.told.items() if who == "you"}
    found = findings(evidence(case.run, gpu, case.scenario.model, phase, **cells))
    if not found:
        return Section(heading, f"{len(CHECKS)} checks found nothing wrong.")
    rows = [
        {
            "": WORDS[group[0].severity],
            "Check": title(group[0].check),
            "Points": len(group),
            "The farthest": f"{group[0].subject}: {group[0].sentence}",
            "Likely cause": group[0].cause,
            "To settle it": group[0].experiment,
        }
        for group in grouped(found)
    ]
    said = f"**{len(rows)}** of {len(CHECKS)} checks found something: {plain(str(rows[0]['Check']).lower())}."
    return Section(heading, said, (table_of("", rows),))


def advised(case: Case) -> Section:
    """What to change next for more tokens a second, each change tried by the planner."""
    found = advice(case.scenario)
    rows = [
        {name: _times(name, value) for name, value in advice_row("throughput", each, found.before).items()}
        for each in found.better
    ]
    no = "; ".join(plain(change.text) for change, _ in found.refused)
    refused = [Words(f"Not possible on this GPU, with this model or engine: {no}.")] if no else []
    note = f"Each change is tried alone, for {GOALS['throughput'].label}; ratios are after over before."
    told = [table_of("", rows, note)] if rows else []
    return Section("What to change next", headline(found), (*told, *refused))


def deploy(case: Case) -> Section:
    """The command for the configuration as it is, and what was assumed to make it."""
    rows = tuple((ASKED.get(name, name), text, who) for name, (text, who) in case.told.items())
    told = (Table("What it rests on", ("Setting", "Value", "Told by"), rows),) if rows else ()
    said = (
        "The configuration that this report describes, as one command. Flags that equal vLLM's defaults are left out."
    )
    return Section("Configuration to deploy", said, (Command(serve_command(case.scenario)), *told))


def _graded(case: Case, held: Threshold) -> Cell:
    value, how = _value(case, held)
    if value is None:
        return "not told"
    scale = UNITS[held.unit]
    return Graded(f"{digits(value / scale)} {held.unit}{how}", held.grade(value))


def _value(case: Case, held: Threshold) -> tuple[float | None, str]:
    """As measured, in the planner's unit, and a word where it is not what was asked for; without a run, as predicted.

    No load test tells how busy the GPU was: that is always the prediction's.
    """
    if case.load is None or held.metric == "gpu_utilisation":
        return _predicted(case.answer, held)
    own = case.load.value(held.metric, held.statistic)
    if own is not None:
        return own, ""
    usual = case.load.value(held.metric, *CENTRES)
    return usual, "" if held.metric == "output_throughput" else " (mean)"


def _predicted(found: Estimate | None, held: Threshold) -> tuple[float | None, str]:
    if found is None:
        return None, ""
    if held.metric in PREDICTED:
        return PREDICTED[held.metric](found), " (predicted)"
    figure = getattr(found, held.metric)
    return getattr(figure, PERCENTILES.get(held.statistic, held.statistic), None), " (predicted)"


def _times(name: str, value: object) -> object:
    return f"× {value:.2f}" if name in RATIOS and isinstance(value, float) else value


def _short(case: Case) -> str:
    return case.name.rsplit(": ", 1)[-1] if case.run else "Predicted"
