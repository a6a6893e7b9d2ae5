"""JSON read part by part: what is asked for comes out, what nobody asks for costs nothing, each bomb has its limit."""

from __future__ import annotations

import gzip
import json
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers import json_parts, json_text
from importers.failures import failure_class
from importers.json_parts import Objects, objects
from planner.errors import MalformedFile, TooLarge
from tests.importers.samples import SECRET


def parsed(folder: Path, text: str | bytes) -> Objects:
    path = folder / "any.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return objects(path)


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}\n{"a": 2}\n', '{"a": 1} {"a": 2}', '{"a": 1}{"a": 2}', '[{"a": 1}, {"a": 2}]', '{\n"a": 1\n}\n{"a":2}'],
)
def test_several_objects_however_they_stand(tmp_path: Path, text: str) -> None:
    assert [part.number("a") for part in parsed(tmp_path, text).parts] == [1.0, 2.0]


def test_braces_in_a_text_part_nothing(tmp_path: Path) -> None:
    text = json.dumps({"a": "x}\n{y", "b": "}{"}) + "\n" + json.dumps({"a": "}{"})
    assert [part.text("a") for part in parsed(tmp_path, text).parts] == ["x}{y", "}{"]


def test_not_finite_is_missing_and_counted(tmp_path: Path) -> None:
    found = parsed(tmp_path, '{"a": NaN, "b": [Infinity, -Infinity, 1], "c": "NaN of Infinity"}')
    (part,) = found.parts
    assert (found.not_finite, part.number("a"), part.text("c")) == (3, None, "NaN of Infinity")
    assert part.numbers("b").to_pylist() == [None, None, 1.0]  # type: ignore[union-attr]


def test_gzip_is_expanded(tmp_path: Path) -> None:
    (part,) = parsed(tmp_path, gzip.compress(b'{"a": 1}')).parts
    assert part.number("a") == 1.0
    with pytest.raises(MalformedFile, match="gzip"):
        parsed(tmp_path, gzip.compress(b'{"a": 1}' * 99)[:-20])


def test_a_gzip_bomb_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "MAX_BYTES", 10_000)
    with pytest.raises(TooLarge, match="MiB"):
        parsed(tmp_path, gzip.compress(b'{"a": "' + b" " * 1_000_000 + b'"}'))


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, '{"a": ' + "[" * 5000 + "]" * 5000 + "}"])
def test_deep_nesting(tmp_path: Path, text: str) -> None:
    with pytest.raises(MalformedFile):
        parsed(tmp_path, text)


@pytest.mark.parametrize("text", ["", "[]", "[1]", "3", '{"a": 1', '{"a": 1}]', "null", '{"a" 1}'])
def test_no_object_or_cut_off(tmp_path: Path, text: str) -> None:
    with pytest.raises(MalformedFile, match=r"any\.json"):
        parsed(tmp_path, text)


def test_limits_of_lists_and_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_ITEMS", "MOST_KEYS", "MOST_NUMBERS"):
        monkeypatch.setattr(json_parts, name, 20)
    (part,) = parsed(tmp_path, json.dumps({"a": [1] * 30, "b": [[1]] * 30})).parts
    for ask in (part.numbers, part.items):
        with pytest.raises(TooLarge, match="20"):
            ask("a")
    with pytest.raises(TooLarge, match="20"):
        part.number_lists("b")
    with pytest.raises(TooLarge, match="keys"):
        parsed(tmp_path, json.dumps({f"k{place}": 0 for place in range(30)}))


def test_a_value_too_long_to_be_one_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_parts, "MOST_VALUE_BYTES", 10)
    (part,) = parsed(tmp_path, '{"a": "0123456789", "b": 1}').parts
    assert (part.text("a"), part.number("b")) == (None, 1.0)


def test_odd_values_are_missing(tmp_path: Path) -> None:
    (part,) = parsed(tmp_path, '{"a": 1e999, "b": ' + "9" * 5000 + ', "c": true, "d": {"e": 1}, "f": [1]}').parts
    assert [part.number(key) for key in "abcdf"] == [None] * 5
    assert part.part("d").number("e") == 1.0
    assert part.part("d", "x", "y").number("e") is None
    assert part.small() == {"a": None, "b": None, "c": True}


NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**12), 10**12))


@given(rows=st.lists(st.lists(NUMBERS, max_size=5), max_size=5))
def test_lists_of_numbers_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[float | None]]) -> None:
    (part,) = parsed(tmp_path_factory.mktemp("x"), json.dumps({"rows": rows, "flat": [*chain(*rows)]})).parts
    assert part.number_lists("rows").to_pylist() == rows  # type: ignore[union-attr]
    assert part.numbers("flat").to_pylist() == [*chain(*rows)]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (f"Cannot connect to host {SECRET}:8000", "connection"),
        ("Traceback ... asyncio.exceptions.TimeoutError", "timeout"),
        ("HTTP Error 429", "rate_limited"),
        ("This model's maximum context length is 4096 tokens", "too_long"),
        ("Internal Server Error", "server_error"),
        ("Never received a valid chunk to calculate TTFT.", "bad_answer"),
        ("Bad Request", "bad_request"),
        ("x" * 5000 + " 503", "server_error"),
        ("?", "other"),
    ],
)
def test_classes_of_failures(message: str, name: str) -> None:
    assert failure_class(message) == name
