"""A run as one file to take along: Parquet or CSV in a zip, or JSON. restore.py makes the same run of any of them.

    headroom.json                   first in the zip: what this is, the confirmed GPU and model; for CSV all of the head
    run.parquet, points.parquet,    the run's own files, byte by byte; or as CSV, without run.csv
    kernel_summary.parquet, tables/...

JSON is one object: the same manifest with the rows of each table under "tables". Parquet is the form without loss of
anything; CSV and JSON hold flat tables, without metadata but the units.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from planner.errors import StoreError, nearest
from planner.measured import Note, Run, Severity
from store import flat, parts
from store.choices import read_choice
from store.files import Part, reached, reason
from store.parquet import Stored
from store.places import HEAD_FILE, SUFFIX, TABLES, Place
from store.runs import Store

MARK, VERSION = "headroom_run", 1
MANIFEST = "headroom.json"
SUMMARY_BYTES = 2 * 2**20
"""Largest table that a summary keeps, as Parquet [B]."""


def write(store: Store, run_id: str, target: Path, form: str) -> None:
    """Writes a run with all its tables into a file, whole or not at all.

    run_id : an id or the first digits of one
    target : replaced if it is there
    form : one of FORMS
    raises : RunNotFound, DamagedRun; StoreError if the form is unknown or the file cannot be written
    """
    if form not in FORMS:
        raise StoreError(f'A run cannot be exported as "{form}". Choose one of: {nearest(form, FORMS)}.')
    place = store.place(run_id)
    named = [parts.POINTS_FILE, parts.KERNELS_FILE, *(f"{TABLES}/{name}{SUFFIX}" for name in store.tables(run_id))]
    try:
        with _replaced(target) as file:
            FORMS[form](place, {name: place.part(name) for name in named}, file)
    except OSError as error:
        raise StoreError(f"{target.name} cannot be written: {reason(error)}.") from error


def write_summary(run: Run, target: Path) -> str:
    """Writes what a run says, but for its largest tables, into a file small enough to send.

    run : fresh from an importer
    returns : the id of the run that the file holds; another than the whole run has, where a table is left out
    raises : StoreError if the file cannot be written; ImporterError if a table turns out damaged
    """
    with tempfile.TemporaryDirectory(prefix="headroom-") as folder:
        whole, short = Store(Path(folder, "whole")), Store(Path(folder, "short"))
        run_id = short.save(_summary(whole, whole.save(run)))
        write(short, run_id, target, "parquet")
    return run_id


def _summary(store: Store, run_id: str) -> Run:
    run, place = store.run(run_id), store.place(run_id)
    sizes = {name: place.files.size(place.table(name).path) for name in store.tables(run_id)}
    kept = {name: Stored(place.table(name)) for name, size in sizes.items() if size <= SUMMARY_BYTES}
    left_out = ", ".join(sorted(sizes.keys() - kept.keys()))
    if not left_out:
        return replace(run, tables=kept)
    text = f"A summary of a larger file, without its tables {left_out}. Import the file itself to have them."
    return replace(
        run,
        file_hash=hashlib.sha256(f"summary of {run.file_hash}".encode()).hexdigest(),
        notes=(Note(Severity.INFO, text), *run.notes),
        tables=kept,
    )


def _parquet(place: Place, files: Mapping[str, Part], file: IO[bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(MANIFEST, _text(_manifest(place, "parquet")))
        for name, part in {HEAD_FILE: place.head_part(), **files}.items():
            with (
                reached(),
                part.files.open(part.path, "rb") as source,
                archive.open(name, "w", force_zip64=True) as member,
            ):
                shutil.copyfileobj(source, member, 2**20)


def _csv(place: Place, files: Mapping[str, Part], file: IO[bytes]) -> None:
    tables = {_plain_name(name): Stored(part) for name, part in files.items()}
    manifest = _manifest(place, "csv") | {
        "head": _head(place),
        "tables": {name: {"columns": flat.described(table.schema)} for name, table in tables.items()},
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, _text(manifest))
        for name, table in tables.items():
            with archive.open(f"{name}.csv", "w", force_zip64=True) as member:
                flat.write_csv(member, table.schema, table)


def _json(place: Place, files: Mapping[str, Part], file: IO[bytes]) -> None:
    file.write(_text(_manifest(place, "json") | {"head": _head(place)})[:-1] + b', "tables": {')
    for number, (name, part) in enumerate(files.items()):
        table = Stored(part)
        file.write(b"," * bool(number) + _text(_plain_name(name)) + b': {"columns": ')
        file.write(_text(flat.described(table.schema)) + b', "rows": [')
        rows = (_text(row) for batch in table for row in flat.json_rows(batch))
        file.writelines(b",\n" * bool(at) + row for at, row in enumerate(rows))
        file.write(b"]}")
    file.write(b"}}\n")


FORMS: Mapping[str, Callable[[Place, Mapping[str, Part], IO[bytes]], None]] = {
    "parquet": _parquet,
    "csv": _csv,
    "json": _json,
}
ENDINGS = {"parquet": ".zip", "csv": ".zip", "json": ".json"}


def _manifest(place: Place, form: str) -> dict[str, Any]:
    return {MARK: VERSION, "form": form, "id": place.id, "choice": asdict(read_choice(place))}


def _head(place: Place) -> dict[str, Any]:
    """The head of a run as JSON can hold it: its numbers as `flat` writes them."""
    row = parts.row_of(parts.read_head(place))
    for name in ("settings", "summary"):
        row[name] = [{**item, "number": flat.finite(item["number"])} for item in row[name]]
    return row


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _plain_name(name: str) -> str:
    return name.removesuffix(SUFFIX)


@contextmanager
def _replaced(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes the target's place when all of it is written."""
    temporary = target.with_name(f".{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            yield file
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
