"""The run of an export, which may come from a stranger: nothing of it is believed before it is checked.

| in the file                                                     | here                              |
| --------------------------------------------------------------- | --------------------------------- |
| a name that exports.py does not write, a name twice, encryption | MalformedFile                     |
| more than LARGEST, or LOOSEST times what is stored              | TooLarge                          |
| a head, points or kernels with other columns                    | MalformedFile                     |
| tables                                                          | read and written anew, row by row |
| a later version                                                 | SchemaTooNew                      |
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from planner.errors import DamagedRun, MalformedFile, SchemaTooNew, StoreError, TooLarge
from planner.measured import KernelSample, Run
from planner.quantities import GIB, MIB
from store import flat, parquet, parts
from store.choices import Choice, choice_of
from store.exports import MANIFEST, MARK, VERSION
from store.files import reason
from store.local import LOCAL
from store.places import HEAD_FILE, SUFFIX, TABLES, Place
from store.runs import Store

LARGEST = 8 * GIB
"""Bytes that an export may unfold to."""
LOOSEST, ALWAYS = 200, 64 * MIB
"""Bytes unfolded for each byte stored, beyond ALWAYS: CSV of a trace reaches 30."""
LARGEST_JSON, LARGEST_MANIFEST = 64 * MIB, 4 * MIB
MOST_MEMBERS = 64
_MEMBER = re.compile(
    rf"(points|kernel_summary|run|{TABLES}/[a-z][a-z0-9_]{{0,62}})\.(parquet|csv)|{re.escape(MANIFEST)}"
)
_COLUMN = re.compile(r"[^\W\d][^\x00-\x1f\x7f]{0,199}")
_LOCAL_HEADER = struct.Struct("<4s22xHH")
HEAD_BYTES = _LOCAL_HEADER.size + len(MANIFEST)
_FAULTS = (
    zipfile.BadZipFile, zlib.error, pa.ArrowException, EOFError, NotImplementedError, RuntimeError, LookupError,
    TypeError, ValueError, AttributeError, OverflowError,
)  # fmt: skip
"""What damaged or made-up content makes zipfile, json and pyarrow raise."""


@dataclass(frozen=True, slots=True)
class Flat:
    """A table of an export as a stream."""

    schema: pa.Schema
    source: Callable[[], Iterator[pa.RecordBatch]]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Record batches, from the start."""
        return self.source()


def is_export(path: Path) -> bool:
    """Whether a file is an export of ours, by its first bytes; one that cannot be read is not."""
    try:
        with path.open("rb") as file:
            return begins_export(file.read(HEAD_BYTES))
    except OSError:
        return False


def begins_export(head: bytes) -> bool:
    """Whether the first HEAD_BYTES of a file are those of an export of ours."""
    if head.lstrip().startswith(f'{{"{MARK}"'.encode()):
        return True
    if len(head) < _LOCAL_HEADER.size:
        return False
    magic, length, _ = _LOCAL_HEADER.unpack_from(head)
    return (
        magic == b"PK\x03\x04" and length == len(MANIFEST) and head[_LOCAL_HEADER.size :].startswith(MANIFEST.encode())
    )


def restore(store: Store, path: Path) -> str:
    """Saves the run of an export as what it was: the same id, points, kernels, tables and confirmed GPU and model.

    returns : the run's id
    raises : MalformedFile, TooLarge, SchemaTooNew, StoreError
    """
    with opened(path) as (run, choice):
        run_id = store.save(run)
        if choice != Choice():
            store.set_choice(
                run_id,
                gpu=choice.gpu,
                model=choice.model,
                ops=dict(choice.ops) or None,
                patterns=choice.patterns or None,
            )
    return run_id


@contextmanager
def opened(path: Path) -> Iterator[tuple[Run, Choice]]:
    """The run of an export and what was confirmed about it; its tables can be read inside the block.

    raises : MalformedFile, TooLarge, SchemaTooNew
    """
    with tempfile.TemporaryDirectory(prefix="headroom-") as name, _faults_named(path):
        folder = Path(name)
        manifest = _unfolded(path, folder) if zipfile.is_zipfile(path) else _json(path)
        if int(manifest[MARK]) > VERSION:
            raise SchemaTooNew(f"{path.name} was exported by a later Headroom. Update this one.")
        run = _READERS[manifest["form"]](folder, manifest)
        _check(run)
        choice = choice_of(json.dumps(manifest["choice"]).encode())
        yield run, choice


def _unfolded(path: Path, folder: Path) -> dict[str, Any]:
    """The members of the zip in a folder; returns the manifest."""
    (folder / TABLES).mkdir()
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        if len(names) > MOST_MEMBERS or len(set(names)) < len(names) or not all(map(_MEMBER.fullmatch, names)):
            raise ValueError("names that no export has")
        stored, whole = sum(one.compress_size for one in members), sum(one.file_size for one in members)
        if whole > min(LARGEST, max(ALWAYS, LOOSEST * min(stored, path.stat().st_size))):
            raise TooLarge(
                f"{path.name} unfolds from {stored / MIB:.1f} to {whole / MIB:.0f} MiB: more than any export of a run. "
                "Export the run again, as Parquet."
            )
        for member in members:
            with archive.open(member) as source, (folder / member.filename).open("xb") as target:
                shutil.copyfileobj(source, target, MIB)
    if (folder / MANIFEST).stat().st_size > LARGEST_MANIFEST:
        raise ValueError(f"{MANIFEST} is too long")
    return _object((folder / MANIFEST).read_bytes())


def _json(path: Path) -> dict[str, Any]:
    if path.stat().st_size > LARGEST_JSON:
        raise TooLarge(
            f"{path.name} has {path.stat().st_size / MIB:.0f} MiB; JSON is read up to {LARGEST_JSON // MIB} MiB. "
            "Export the run as Parquet."
        )
    return _object(path.read_bytes())


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict):
        raise TypeError("no JSON object")
    return found


def _of_parquet(folder: Path, _: Mapping[str, Any]) -> Run:
    place = Place(folder.name, "", LOCAL, str(folder / HEAD_FILE), str(folder), None)
    for name, schema in _FIXED.items():
        _check_schema(name, parquet.scanned(place.part(name)).schema, schema)
    tables = {path.stem: parquet.Stored(place.table(path.stem)) for path in sorted((folder / TABLES).iterdir())}
    return replace(
        parts.read_head(place), points=parts.read_points(place), kernels=parts.read_kernels(place), tables=tables
    )


def _of_csv(folder: Path, manifest: Mapping[str, Any]) -> Run:
    def source(name: str, schema: pa.Schema) -> Callable[[], Iterator[pa.RecordBatch]]:
        return lambda: flat.read_csv(folder / f"{name}.csv", schema)

    schemas = {name: flat.schema_of(table["columns"]) for name, table in manifest["tables"].items()}
    return _run(manifest, {name: Flat(schema, source(name, schema)) for name, schema in schemas.items()})


def _of_json(_: Path, manifest: Mapping[str, Any]) -> Run:
    def source(rows: list[list[Any]], schema: pa.Schema) -> Callable[[], Iterator[pa.RecordBatch]]:
        return lambda: iter([flat.batch_of(rows, schema)])

    schemas = {name: flat.schema_of(table["columns"]) for name, table in manifest["tables"].items()}
    return _run(
        manifest,
        {name: Flat(schema, source(manifest["tables"][name]["rows"], schema)) for name, schema in schemas.items()},
    )


_READERS: Mapping[str, Callable[[Path, Mapping[str, Any]], Run]] = {
    "parquet": _of_parquet,
    "csv": _of_csv,
    "json": _of_json,
}


def _run(manifest: Mapping[str, Any], streams: Mapping[str, Flat]) -> Run:
    head = dict(manifest["head"])
    for name in ("settings", "summary"):
        head[name] = [{**item, "number": flat.number(item["number"])} for item in head[name]]
    run = parts.run_of(_rows(pa.RecordBatch.from_pylist([head], schema=parts.RUN_SCHEMA))[0])
    named = {name.removesuffix(SUFFIX): schema for name, schema in _FIXED.items()}
    for name in ("points", "kernel_summary"):
        _check_schema(name, streams[name].schema, named[name])
    rows = {name: [row for batch in streams[name] for row in _rows(batch)] for name in ("points", "kernel_summary")}
    return replace(
        run,
        points=parts.points_of(rows["points"]),
        kernels=parts.kernels_of(rows["kernel_summary"]),
        tables={name.removeprefix(f"{TABLES}/"): stream for name, stream in streams.items() if name not in named},
    )


_FIXED = {
    HEAD_FILE: parts.RUN_SCHEMA,
    parts.POINTS_FILE: parts.POINTS_SCHEMA,
    parts.KERNELS_FILE: parts.KERNELS_SCHEMA,
}


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    return batch.to_pylist()


def _check_schema(name: str, found: pa.Schema, wanted: pa.Schema) -> None:
    """Refuses other columns than ours, but for those that runs of earlier versions lack."""
    older = pa.schema([field for field in wanted if field.name in found.names or field.name not in parts.LATER])
    if not found.equals(older):
        raise ValueError(f"{name} has other columns")


def _check(run: Run) -> None:
    """Refuses what no importer makes."""
    wanted = (run.tool, run.tool_version, run.source_name, run.file_hash)
    cells = [cell for point in run.points for cell in (point.metric, point.statistic, point.value)]
    required = [name for name in KernelSample.__slots__ if name not in parts.LATER]
    cells += [getattr(kernel, name) for kernel in run.kernels for name in required]
    if None in (*wanted, *cells) or not re.fullmatch(r"[0-9a-f]{64}", run.file_hash):
        raise ValueError("a value that every run has is missing")
    for table in run.tables.values():
        if not all(map(_COLUMN.fullmatch, table.schema.names)):
            raise ValueError("columns with names that no table has")


@contextmanager
def _faults_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.EINVAL:  # a place before the beginning of the file
            raise StoreError(f"{path.name} cannot be unfolded: {reason(error)}. Make room on this machine.") from error
        raise MalformedFile(f"{path.name} is no whole export of a run: its directory is damaged.") from error
    except (DamagedRun, *_FAULTS) as error:
        raise MalformedFile(
            f"{path.name} is no whole export of a run: {' '.join(str(error).split())[:200]}. It may have been cut off "
            "or changed; export the run again."
        ) from error
