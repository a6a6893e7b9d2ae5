"""Recorded requests from a CSV: what is read, and what is refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers import request_table
from importers.request_table import read_requests
from planner.errors import InvalidWorkload, MalformedFile, PlannerError, TooLarge, UnknownFormat
from planner.recorded import MAX_RECORDED

HEAD = "prompt_tokens,output_tokens"


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "requests.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_columns_in_any_order_and_others_passed_over(written):
    text = "user, output_tokens,arrival_s,prompt_tokens,prefix_cached_tokens\r\na,3,1.5,8,4\r\n\r\nb,2,1.0,16,0\r\n"
    found = read_requests(written("\ufeff" + text))
    assert (found.prompts, found.outputs, found.cached, found.arrivals) == ((16, 8), (2, 3), (0, 4), (0.0, 0.5))


def test_lengths_alone_have_no_arrivals(written):
    found = read_requests(written(f"{HEAD}\n8,2\n"))
    assert (found.arrivals, found.cached) == (None, (0,))


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("", MalformedFile, "no column prompt_tokens and no output_tokens in its first row, which gives nothing"),
        ("prompt,output_tokens\n1,2\n", MalformedFile, "no column prompt_tokens in its first row, which gives prompt"),
        (f"{HEAD}\n", InvalidWorkload, "0 requests"),
        (f"{HEAD}\n8,two\n", MalformedFile, 'line 2: output_tokens is "two": it must be a number'),
        (f"{HEAD},arrival_s\n8,2,0\n8,2\n", MalformedFile, 'line 3: arrival_s is ""'),
        (f"{HEAD}\n8,0\n", InvalidWorkload, "output_tokens of request 1 is 0"),
        (f"{HEAD}\n8,nan\n", InvalidWorkload, "output_tokens of request 1 is nan"),
        (f'{HEAD}\n8,"2\n', UnknownFormat, "cannot be read as a CSV in UTF-8"),
        (b"\xff\xfe\x00", UnknownFormat, "cannot be read as a CSV in UTF-8"),
    ],
)
def test_a_fault_is_named(written, text, error, said):
    with pytest.raises(error, match=said):
        read_requests(written(text))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UnknownFormat, match="cannot be read"):
        read_requests(tmp_path / "nowhere.csv")


def test_too_many_requests_and_too_many_bytes_are_refused(written, monkeypatch):
    with pytest.raises(TooLarge, match="more than 100,000 requests"):
        read_requests(written(f"{HEAD}\n" + "8,2\n" * (MAX_RECORDED + 1)))
    monkeypatch.setattr(request_table, "LARGEST", 10)
    with pytest.raises(TooLarge, match="MiB"):
        read_requests(written(f"{HEAD}\n8,2\n"))


@settings(max_examples=80)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused_by_name(tmp_path_factory, rubbish, headed):
    path = tmp_path_factory.mktemp("fuzz") / "requests.csv"
    path.write_bytes((HEAD.encode() + b"\n" if headed else b"") + rubbish)
    try:
        found = read_requests(path)
    except PlannerError as refusal:
        told = str(refusal)
    else:
        told = "" if found.prompts else "nothing was read"
    assert len(told) < 2000
    assert told != "nothing was read"
