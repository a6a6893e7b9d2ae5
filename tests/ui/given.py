"""Runs in the store before a page opens."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
from streamlit.testing.v1 import AppTest

import importers
from store.runs import Store, default_root


def card_tables(app: AppTest, column: str) -> list[pd.DataFrame]:
    """Every table of ui/cards.py on a page that has a column."""
    bodies = [element.proto.body for element in app.get("html")]
    tables = [ElementTree.fromstring(body) for body in bodies if body.startswith("<table")]  # noqa: S314 - ours
    return [pd.DataFrame(rows, columns=names) for names, *rows in map(_texts, tables) if column in names]


def card_table(app: AppTest, column: str) -> pd.DataFrame:
    """The first of them."""
    return card_tables(app, column)[0]


def _texts(table: ElementTree.Element) -> Sequence[list[str]]:
    return [[cell.text or "" for cell in row] for row in table.iter("tr")]


def imported(name: str, content: bytes) -> str:
    """Imports a file of a name and content; returns its run's id."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return Store(default_root()).save(importers.read(path))
