"""The studies' tables, rebuilt: their published figures, ours beside them; the document names every command."""

import re
import shlex
from pathlib import Path

import pytest

from cli import _parser, main
from report.grades import Graded, thresholds
from report.studies import decode_sweep, load_test, phases_on_the_roof, prefill_sweep, studies
from verbs.status import DONE

DOC = Path(__file__).parents[2] / "docs" / "studies.md"
COMMANDS = re.findall(r"`python cli\.py ([^`]+)`", DOC.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sections():
    return {section.title.rsplit(": ", 1)[-1]: section for section in studies(thresholds())}


def rows(section, place=0):
    tables = [block for block in section.blocks if hasattr(block, "rows")]
    return [dict(zip(tables[place].columns, row, strict=True)) for row in tables[place].rows]


@pytest.mark.parametrize(
    ("title", "figure", "change"),
    [
        ("Batch 1 against 8 at 20 requests/s", "Output tokens/s", "+348 %"),
        ("Batch 1 against 8 at 20 requests/s", "TTFT, median", "+28 %"),
        ("Batch 1 against 8 at 20 requests/s", "TPOT, median", "+50 %"),
        ("Batch 1 against 8 at 50 requests/s", "Output tokens/s", "+388 %"),
        ("Batch 1 against 8 at 50 requests/s", "End to end, median", "+31 %"),
        ("Baseline, easy wins, chunked prefill", "TPOT, median", "−85 %"),
        ("Baseline, easy wins, chunked prefill", "End to end, median", "−35 %"),
    ],
)
def test_the_changes_are_those_that_the_study_published(sections, title, figure, change):
    table = sections[title].blocks[0]
    found = next(row for row in table.rows if row[0] == figure)
    assert found[3] == change


def test_phases_stand_beside_ours():
    found = rows(phases_on_the_roof())
    assert [row["FLOP/B: theirs"] for row in found] == ["366.55", "1210.94", "3.06", "3.00"]
    assert [row["Bound: theirs"] for row in found] == ["compute", "compute", "memory", "memory"]


def test_the_load_test_is_as_published():
    told = dict(load_test().blocks[0].rows)
    assert told["ttft, median"] == "803 ms"
    assert told["tpot, p99"] == "343 ms"


def test_every_batch_of_the_lab_stands_beside_its_theory():
    found = rows(decode_sweep())
    assert len(found) == 28
    first = next(row for row in found if row["GPU"].startswith("H200") and row["Batch"] == "1")
    assert first["Measured"] == "5.78 ms"
    assert first["Theory: weights / bandwidth"] == "3.35 ms"


def test_the_labs_prefill_cannot_have_computed_its_prompts():
    found = rows(prefill_sweep())
    assert len(found) == 28
    longest = [row for row in found if row["Prompt"] == "4,096"]
    assert all(float(row["Of peak, if whole"].removesuffix(" %").replace(",", "")) > 400 for row in longest)
    for row in rows(prefill_sweep(), 1):
        assert float(row["At peak, at least"]) > 5 * float(row["Theirs"])


def test_the_grades_are_the_studys(sections):
    found = {row["Figure"]: row for row in rows(sections["Good or bad"])}
    graded = [cell for cell in found["TPOT p50"].values() if isinstance(cell, Graded)]
    assert {(cell.text, str(cell.grade)) for cell in graded} >= {("279 ms", "bad"), ("34.5 ms", "good")}
    assert "not told" in found["TTFT p50"].values()


def test_one_command_prints_them_all(capsys, sections):
    assert main(["studies"]) == DONE
    said = capsys.readouterr().out
    assert all(f"{section.title}\n{'=' * len(section.title)}\n" in said for section in sections.values())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_document_is_understood(command):
    assert _parser().parse_args(shlex.split(command)).act


def test_the_document_names_every_script_of_the_studies():
    text = DOC.read_text(encoding="utf-8")
    for script in ("roofline_static.py", "roofline_dynamic.py", "visualize_roofline.py", "run_roofline_analysis.py",
                   "batch_size_optimization.py", "week03_roofline.py"):  # fmt: skip
        assert script in text
    assert len(COMMANDS) >= 10
