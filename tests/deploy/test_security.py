"""SECURITY.md: each row names a test, and each name is one of a test that is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))
THREATS = [line for line in TEXT.split("## What is not stopped")[0].splitlines() if line.count(" | ") == 2]


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_test_that_is_named_is_there(path, name):
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_threat_names_what_shows_that_it_is_stopped():
    rows = [line for line in THREATS if not line.startswith(("| threat", "| ---"))]
    assert len(rows) > 25
    assert [row for row in rows if "`tests/" not in row] == []
