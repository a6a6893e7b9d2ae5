"""The house's own rules, read from the code with `ast`: who imports whom, sizes, docstrings, units, prints."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PURE = ("planner", "settings", "importers", "store", "measure", "intake", "words", "charts", "report")
ROOMS = (*PURE, "ui", "verbs", "tools", "tests")
FRONTS = ("app", "cli")
READERS = {"settings", "planner", "importers", "store"}
MAY_IMPORT = {
    "planner": {"planner"},
    "importers": {"importers", "planner"},
    "settings": {"settings", "planner"},
    "store": {"store", "settings", "planner"},
    "measure": {"measure", "planner"},
    "intake": {"intake", *READERS},
    "words": {"words", "planner"},
    "charts": {"charts", "words", "planner"},
    "report": {"report", "charts", "words", "planner", "importers", "store"},
    "ui": {"ui", "report", "charts", "words", "intake", "measure", *READERS},
    "app": {"ui", "report", "charts", "words", "intake", "measure", *READERS},
    "verbs": {"verbs", "report", "words", "intake", "measure", *READERS},
    "cli": {"verbs", "planner"},
    "tools": {"tools", "report", "intake", "measure", *READERS},
}
DOCUMENTED = ("planner", "settings", "importers", "store", "intake", "words", "report")
LONGEST_FILE, LONGEST_BODY = 300, 40
UNIT_NUMBERS = {1e9, 1e12, 2**30, 2**20, 2**40}
NAMES_OF_DOCSTRINGS = {"returns", "raises", "valid", "source"}
NUMERIC = re.compile(r"\b(float|Number|int|FloatArray)\b")
UNIT = re.compile(r"\[[^\]]+\]")


def files(*rooms: str) -> list[Path]:
    found = [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    return found + [path for front in FRONTS if front in rooms and (path := ROOT / f"{front}.py").is_file()]


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


EVERYTHING = files(*ROOMS, *FRONTS)
PRODUCT = [path for path in EVERYTHING if not name_of(path).startswith("tests")]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PRODUCT, ids=shown)
def test_imports_point_down_only(path):
    room = name_of(path).split(".")[0]
    ours = {name.split(".")[0] for name in imported(path)} & {*ROOMS, *FRONTS}
    assert ours <= MAY_IMPORT[room], f"{shown(path)} may import {sorted(MAY_IMPORT[room])}, not {sorted(ours)}"


def test_no_file_imports_itself_over_others():
    """Imports for types count too: what two files need of each other belongs into a third below both."""
    known = {name_of(path): imported(path) for path in PRODUCT}
    arrows = {
        name: {other for other in found & known.keys() if not f"{name}.".startswith(f"{other}.")}
        for name, found in known.items()
    }  # a file names its own package with each neighbour that it imports from it
    order = TopologicalSorter(arrows)
    order.prepare()


@pytest.mark.parametrize("path", files("planner"), ids=shown)
def test_the_planner_knows_numpy_and_yaml_alone(path):
    others = {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names)
    assert others <= {"planner", "numpy", "yaml", *(["scipy"] if path.name == "fit.py" else [])}


def test_who_does_not_fit_pays_nothing_for_scipy():
    probe = "import sys, cli, planner.estimate, store.runs; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("path", files(*PURE), ids=shown)
def test_only_pages_know_streamlit(path):
    assert "streamlit" not in {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", PRODUCT, ids=shown)
def test_files_and_bodies_are_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{shown(path)} has {lines} lines: one idea a file"
    for function in functions(path):
        start = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
        length = (function.end_lineno or 0) - start.lineno + 1
        assert length <= LONGEST_BODY, f"{shown(path)}: {function.name} has {length} lines"


@pytest.mark.parametrize("path", files(*DOCUMENTED), ids=shown)
def test_everything_public_is_documented(path):
    if path.name != "__init__.py" or tree(path).body:
        assert ast.get_docstring(tree(path)), f"{shown(path)} opens without saying what it is"
    for node in _public(tree(path).body):
        assert ast.get_docstring(node), f"{shown(path)}: {node.name} has no docstring"


@pytest.mark.parametrize("path", files("planner"), ids=shown)
def test_documented_names_are_parameters_and_have_units(path):
    for node in _public(tree(path).body):
        if isinstance(node, ast.ClassDef):
            continue
        text, arguments = ast.get_docstring(node) or "", _arguments(node)
        told = documented(text)
        strange = set(told) - set(arguments) - NAMES_OF_DOCSTRINGS
        assert not strange, f"{shown(path)}: {node.name} documents {sorted(strange)}, which it does not take"
        for name in set(told) & set(arguments):
            if NUMERIC.search(arguments[name]):
                assert UNIT.search(told[name]) or UNIT.search(text), f"{shown(path)}: {node.name}: {name} has no unit"


@pytest.mark.parametrize("path", files("planner"), ids=shown)
def test_units_are_converted_with_named_constants(path):
    if path.name == "quantities.py":
        return
    for node in ast.walk(tree(path)):
        value = _number(node)
        assert value not in UNIT_NUMBERS, f"{shown(path)}:{node.lineno}: take the constant of quantities.py"


@pytest.mark.parametrize("path", PRODUCT, ids=shown)
def test_no_prints_and_no_bare_excepts(path):
    prints = path.name == "cli.py" or name_of(path).startswith(("tools", "verbs"))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            assert prints, f"{shown(path)}:{node.lineno} prints"
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"{shown(path)}:{node.lineno}"


def test_the_reader_of_docstrings():
    text = "Sum.\n\n    c = a + b\n\na, b : lengths [m]\n    also of\n    curves\nreturns : [m]"
    assert documented(text) == {"a": "lengths [m] also of curves", "b": "lengths [m] also of curves", "returns": "[m]"}


def documented(text: str) -> dict[str, str]:
    """Name -> text of the lines "name : text" or "a, b : text", with what is indented under them."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in text.splitlines():
        head = re.match(r"([a-z_][a-z_0-9]*(?:, [a-z_][a-z_0-9]*)*) : (.*)", line)
        if head:
            names = head[1].split(", ")
            found |= dict.fromkeys(names, head[2])
        elif names and line.startswith("    "):
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
        else:
            names = []
    return found


def _public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body)


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, str]:
    listed = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
    return {one.arg: ast.unparse(one.annotation) if one.annotation else "" for one in listed if one is not None}


def _number(node: ast.AST) -> float | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base, power = _number(node.left), _number(node.right)
        return base**power if base in (2, 10, 1024) and power is not None and 0 <= power <= 60 else None
    return None


@pytest.mark.parametrize("path", files("tests"), ids=shown)
def test_no_test_runs_a_loop_of_its_own_in_the_main_thread(path):
    """A browser test before it may have left one running there: tests/loops.py."""
    alone = {"tests.loops", "tests.server.stops", "tests.test_house"}
    assert name_of(path) in alone or "asyncio.run(" not in path.read_text(encoding="utf-8")
