"""Events of a Chrome trace in pieces of any size are those that the json module finds; faults are named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers import chrome_trace, expanding
from importers.chrome_trace import ChromeTrace
from planner.errors import MalformedFile, TooLarge


class Event(msgspec.Struct):
    """What the tests look at."""

    name: str | None = None
    args: msgspec.Raw = msgspec.Raw(b"null")


def read(path: Path, text: str | bytes, *wanted: str) -> tuple[list[Event], ChromeTrace[Event]]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    trace = ChromeTrace(path, Event, frozenset(wanted))
    return [event for events in trace for event in events], trace


@pytest.fixture(params=[1, 7, 64, 2**20])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    size = int(request.param)
    for name in ("CHUNK", "WINDOW", "SMALL"):
        monkeypatch.setattr(chrome_trace, name, size)
    return size


TEXT = st.text(st.sampled_from('ab"\\{}[],: \n\u00e9\u6f22}, {'), max_size=9)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**20) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
EVENTS = st.lists(st.fixed_dictionaries({"name": TEXT, "args": VALUE, "more": VALUE}), max_size=9)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, before=VALUE, after=VALUE, indent=st.sampled_from([None, 0, 2]), ascii_only=st.booleans())
def test_any_events_in_pieces(
    tmp_path: Path, chunk: int, events: Any, before: Any, after: Any, indent: int | None, ascii_only: bool
) -> None:
    whole = {"before": before, "x": [{}, {}], "traceEvents": events, "after": after, "y": [{"a": 1}, {"b": 2}]}
    text = json.dumps(whole, indent=indent, ensure_ascii=ascii_only)
    found, trace = read(tmp_path / "x", text, "before", "after")
    assert [event.name for event in found] == [event["name"] for event in events]
    assert [json.loads(bytes(event.args)) for event in found] == [event["args"] for event in events]
    assert trace.told == {"before": before, "after": after}
    assert (trace.odd, trace.cut_off) == (0, False)
    listed, _ = read(tmp_path / "x", json.dumps(events, indent=indent))
    assert len(listed) == len(events)


def test_every_truncation_gives_the_events_before_it(tmp_path: Path, chunk: int) -> None:
    whole = json.dumps({"a": 1, "traceEvents": [{"name": f"n{place}", "args": {"x": [{}, {}]}} for place in range(5)]})
    for size in range(whole.index("[") + 1, len(whole)):
        found, trace = read(tmp_path / "x", whole[:size])
        assert [event.name for event in found] == [f"n{place}" for place in range(len(found))]
        assert trace.cut_off
        assert len(found) >= whole[:size].count('}, {"name"')


@pytest.mark.parametrize(
    ("text", "names", "odd"),
    [
        ('[{"name": "a", "args": NaN}, {"name": "b", "args": -Infinity}]', ["a", "b"], 0),
        ('[{"name": "a\u0001\tb"}]', ["a\u0001\tb"], 0),
        ('[{"name": 5}, 7, "x", null, [], {"name": "b"}]', ["b"], 5),
        ('[{"name": "\\ud800"}, {"name": "b"}]', ["b"], 1),
        ('[{"name": "a", "args": 1' + "0" * 5000 + '}, {"name": "b"}]', ["a", "b"], 0),
        ('[{"name": "a"} {"name": "b"},,]', ["a", "b"], 0),
        ('\ufeff [{"name": "a"}]', ["a"], 0),
    ],
)
def test_what_other_parsers_refuse(tmp_path: Path, text: str, names: list[str], odd: int) -> None:
    found, trace = read(tmp_path / "x", text)
    assert [event.name for event in found] == names
    assert (trace.odd, trace.cut_off) == (odd, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"traceEvents": [{"name": "a"}, {"name" "b"}, {"name": "c-and-more"}]}', "byte 40"),
        ('{"a" 1, "traceEvents": []}', "no key with its value"),
        ('{"a": tru, "traceEvents": [1234567890]}', "byte 6"),
        ("hello, world, this is no JSON", "neither a JSON object nor a list"),
        ("[" + "[" * 100_000, "nested too deeply"),
        ('{"a": ' + '{"b":' * 100_000, "nested too deeply"),
    ],
)
def test_broken_json_is_named_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(MalformedFile, match=words):
        read(tmp_path / "broken.json", text)


@pytest.mark.parametrize("text", ['[{"name": "', '{"key": "', '[{"args": [1, 2, ['])
def test_an_endless_value_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(chrome_trace, "LONGEST_VALUE", 100_000)
    with pytest.raises(TooLarge, match="a value of more than"):
        read(tmp_path / "x", text + "1, " * 9_000_000)


def test_gzip_that_swells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expanding, "ALWAYS", 2**20)
    with pytest.raises(TooLarge, match="400 times"):
        read(tmp_path / "bomb.json.gz", gzip.compress(b'[{"name": "a"},' + b" " * 30_000_000))


def test_gzip_that_is_cut_or_damaged(tmp_path: Path) -> None:
    whole = gzip.compress(json.dumps([{"name": f"n{place}"} for place in range(20_000)]).encode())
    found, trace = read(tmp_path / "x.gz", whole[: len(whole) // 2])
    assert 0 < len(found) < 20_000
    assert trace.cut_off
    with pytest.raises(MalformedFile, match="gzip stream is damaged"):
        read(tmp_path / "x.gz", whole[:500] + b"\xff" * 200 + whole[700:])
