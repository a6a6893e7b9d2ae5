"""What can be taken along from Plan: each chart with its table, the command, and what was assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from planner.command import serve_command
from planner.estimate import Estimate
from planner.waterfall import Part
from report import planned
from report.images import Drawing
from report.note import note
from report.tables import Row, Tables
from words.text import memory_sentence

Taken = tuple[Drawing, Tables]


@dataclass(frozen=True, slots=True)
class PlanFiles:
    """One answer on its way out.

    found : the answer
    values : the question's columns
    link : path and query of the question
    """

    found: Estimate
    values: Mapping[str, str]
    link: str

    def roofline(self) -> Taken:
        """The roofline and every op."""
        drawing = planned.roofline_drawing(self.found, planned.planned_origin(self.found, link=self.link))
        return self._taken(drawing, "Ops", planned.op_rows(self.found))

    def memory(self) -> Taken:
        """Memory of each GPU."""
        room = self.found.memory
        said = memory_sentence(room, self.found.scenario.workload)
        drawing = planned.memory_drawing(room, planned.planned_origin(self.found, said, self.link))
        return self._taken(drawing, "Memory", planned.memory_rows(room))

    def waterfall(self, said: str, step: str, parts: Sequence[Part]) -> Taken:
        """A step taken apart.

        said : of it, as Markdown
        step : "prefill" or "decode"
        parts : of the step [s]
        """
        origin = planned.planned_origin(self.found, said, self.link)
        drawing = planned.waterfall_drawing(parts, f"{step.capitalize()} step", origin)
        return self._taken(drawing, "Parts", planned.part_rows(step, parts))

    def texts(self) -> None:
        """Buttons for the command and for what was assumed."""
        with st.container(horizontal=True):
            for label, name, make in (
                ("The command", "vllm-serve.sh", partial(_script, self.found)),
                ("What was assumed", "headroom-assumed.txt", partial(note, self.found, self.link)),
            ):
                st.download_button(label, make, name, "text/plain", key=f"plan-{name}", on_click="ignore")

    def _taken(self, drawing: Drawing, name: str, rows: Sequence[Row]) -> Taken:
        return drawing, planned.tables_of(self.found, name, rows, drawing.origin, self.values)


def _script(found: Estimate) -> str:
    return f"#!/bin/sh\n{serve_command(found.scenario)}\n"
