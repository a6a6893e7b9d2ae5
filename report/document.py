"""A report's sections in their order: what was found in short, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from importers.reference import reference_runs
from planner.errors import ScenarioError
from report.case import Case, measured
from report.grades import Thresholds
from report.sections import Section
from report.sections_compare import STUDIES, before_and_after
from report.sections_inputs import inputs
from report.sections_kernels import kernels, steps
from report.sections_measured import bottleneck, measured_against_predicted, roof, utilisation, waterfalls
from report.sections_static import configuration, predicted_answer, rests_on, static_analysis
from report.sections_verdict import advised, checks, deploy, grades
from store.runs import Store
from words.rows import verdict
from words.text import answer_sentence, plain

LOAD_TEST = "load test "


@dataclass(frozen=True, slots=True)
class Document:
    """A report before it is written.

    title : plain text
    opening : sentences in Markdown
    """

    title: str
    opening: tuple[str, ...]
    sections: tuple[Section, ...]


def of_plan(case: Case, held: Thresholds, question: str) -> Document:
    """What the planner says of a question."""
    opening = answer_sentence(case.answer) if case.answer else f"**No.** {plain(case.refusal)}"
    sections = [predicted_answer(case), configuration(case), static_analysis(case), grades([case], held)]
    if case.answer is not None:
        sections += [roof(case), waterfalls(case), bottleneck(case), utilisation(case)]
    sections += [advised(case), deploy(case), rests_on(case), inputs([case], question)]
    return Document(case.name, (opening,), tuple(sections))


def of_runs(cases: Sequence[Case], held: Thresholds, question: str, store: Store) -> Document:
    """What was measured in one or several runs, each beside its prediction.

    cases : in the order asked; the first is "before", advice is given on the last
    question : as in sections_inputs.inputs
    store : that holds the tables of traces
    raises : ScenarioError where there is nothing to report
    """
    if not cases:
        raise ScenarioError("Nothing was measured in these runs: a report needs a figure, or kernels.")
    opening = tuple(verdict(case.run) for case in cases if case.run is not None)
    sections = [grades(cases, held)] if any(_gradable(case) for case in cases) else []
    sections += compared(cases)
    for case in cases:
        named = _named(case) if len(cases) > 1 else ""
        sections += [_under(section, named) for section in _of_run(case, store)]
    sections += [advised(cases[-1]), deploy(cases[-1]), rests_on(cases[-1]), inputs(cases, question)]
    title = cases[0].name if len(cases) == 1 else f"{len(cases)} runs, from {_named(cases[0])} to {_named(cases[-1])}"
    return Document(title, opening, tuple(sections))


def compared(cases: Sequence[Case]) -> list[Section]:
    """Before and after: the runs that were asked for, and the study's own tables that one of them belongs to."""
    names = {_named(case) for case in cases}
    own = [title for title, members in STUDIES.items() if names & set(members) and _is_demo(cases)]
    found = [before_and_after(title, study(title)) for title in own]
    if len(cases) > 1 and not own and all(case.load for case in cases):
        found.append(before_and_after("Before and after", cases))
    return found


def study(title: str) -> list[Case]:
    """The cases of one of the T4 study's comparisons."""
    known = {run.source_name.split(LOAD_TEST)[-1].split(",")[0]: run for run in reference_runs()}
    return [case for member in STUDIES[title] for case in measured(known[member])]


def _of_run(case: Case, store: Store) -> Iterator[Section]:
    yield configuration(case)
    yield static_analysis(case)
    if case.compared:
        yield measured_against_predicted(case)
    if case.run is not None and case.run.kernels:
        yield from kernels(case)
        yield from steps(case, store)
    elif case.answer is not None:
        yield roof(case)
        yield waterfalls(case)
    yield bottleneck(case)
    yield utilisation(case)
    yield checks(case)


def _under(section: Section, named: str) -> Section:
    return Section(f"{section.title} · {named}", section.sentence, section.blocks) if named else section


def _gradable(case: Case) -> bool:
    """Whether it is a load: a trace's kernels say nothing of what users wait for."""
    return bool(case.loads) and not (case.run and case.run.kernels)


def _named(case: Case) -> str:
    return case.name.split(LOAD_TEST)[-1].split(",")[0] if LOAD_TEST in case.name else case.name.rsplit(": ", 1)[-1]


def _is_demo(cases: Sequence[Case]) -> bool:
    known = {run.id for run in reference_runs()}
    return all(case.run is not None and case.run.id in known for case in cases)
