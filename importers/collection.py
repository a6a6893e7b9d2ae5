"""A file, a folder or an archive: each file in it imported, recognised as known, or refused by name with the reason.

| given                          | here                                                      |
| ------------------------------ | --------------------------------------------------------- |
| a folder                       | every file below it; links are refused, not followed      |
| .zip, .tar, .tar.gz            | unpacked into a temporary folder, which is always removed |
| an archive inside of either    | refused by name                                           |
| the same content twice         | Known, with the name of the first                         |
| a content that the store holds | Known                                                     |
| files of one run               | one run (importers/families.py)                           |

Outcomes come one by one, and a run's files stay in place only until the next is asked for: save it first.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, replace
from os.path import commonpath
from pathlib import Path, PurePosixPath
from typing import Protocol

from importers.archives import MOST_MEMBERS, is_archive, unpack
from importers.families import family_of
from importers.files import clean_text, content_hash, head, source_name
from importers.merging import Told
from planner.errors import ImporterError, PlannerError, TooLarge, UnknownFormat
from planner.measured import Run


class Reader(Protocol):
    """What this module needs of an importer."""

    name: str

    def read(self, path: Path) -> Run:
        """The run that a file holds."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A run, and the files that told it, by their paths within what was given."""

    names: tuple[str, ...]
    run: Run


@dataclass(frozen=True, slots=True)
class Known:
    """A file, or files of one run, that were imported before.

    run_hash : file_hash of the run in the store; None if it was another file of the same collection
    """

    names: tuple[str, ...]
    of: str
    run_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not imported, and why."""

    name: str
    reason: PlannerError


Outcome = Imported | Known | Refused
Identify = Callable[[Path], Reader]
Found = tuple[str, Path | ImporterError]


def read_all(path: Path, known: Container[str], identify: Identify) -> Iterator[Outcome]:
    """Everything that a file, folder or archive holds.

    known : hashes of runs that need not be read again
    identify : the importer of a file
    raises : nothing of the files: what is wrong with each is its outcome
    """
    with tempfile.TemporaryDirectory(prefix="headroom-") as folder:
        try:
            members = sorted(_members(path, Path(folder)), key=lambda member: member[0])
        except ImporterError as error:
            yield Refused(source_name(path), error)
            return
        if not members:
            yield Refused(source_name(path), UnknownFormat(f"{source_name(path)} holds no file."))
        for outcome in _outcomes(members, known, identify):
            yield _named(outcome, source_name(path)) if isinstance(outcome, Imported) else outcome


def _members(path: Path, folder: Path) -> Iterator[Found]:
    if path.is_dir():
        yield from _files_below(path)
        return
    start = head(path)
    if is_archive(start):
        yield from ((name, found) for name, found in unpack(path, start, folder))
    else:
        yield source_name(path), path


def _files_below(folder: Path) -> Iterator[Found]:
    for count, path in enumerate(sorted(folder.rglob("*"))):
        if count >= MOST_MEMBERS:
            raise TooLarge(f"{source_name(folder)} holds more than {MOST_MEMBERS:,} files. Import a folder below it.")
        name = clean_text(path.relative_to(folder).as_posix())
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            yield name, UnknownFormat(f"{name} is a link or a device, no file. Give the file itself.")
        elif path.is_file():
            yield name, path


def _outcomes(members: list[Found], known: Container[str], identify: Identify) -> Iterator[Outcome]:
    seen: dict[str, str] = {}
    groups: dict[tuple[str, ...], list[tuple[str, Path, Reader]]] = {}
    alone = len(members) == 1
    for name, found in members:
        try:
            path = _readable(name, found, nested=not alone)
            digest = content_hash(path)
            if digest in seen or digest in known:
                yield Known((name,), seen.get(digest, "the store"), None if digest in seen else digest)
                continue
            seen[digest] = name
            importer = identify(path)
            groups.setdefault(_key(name, importer), []).append((name, path, importer))
        except UnknownFormat as error:
            yield Refused(name, error if alone else UnknownFormat(_within(name, str(error))))
        except ImporterError as error:
            yield Refused(name, error)
    for group in groups.values():
        yield from _group(group, known)


def _group(group: list[tuple[str, Path, Reader]], known: Container[str]) -> Iterator[Outcome]:
    told: list[Told] = []
    for name, path, importer in group:
        try:
            told.append(Told(name, importer.name, importer.read(path)))
        except ImporterError as error:
            yield Refused(name, error)
    family = family_of(group[0][2].name)
    if len(told) < 2 or family is None:
        yield from (Imported((one.name,), one.run) for one in told)
        return
    for run, files in family.runs(tuple(told)):
        names = tuple(one.name for one in files)
        yield Known(names, "the store", run.file_hash) if run.file_hash in known else Imported(names, run)


def _named(outcome: Imported, given: str) -> Imported:
    """A run of several files goes by the name of the folder that holds them."""
    if len(outcome.names) == 1:
        return outcome
    folder = PurePosixPath(commonpath([PurePosixPath(name).parent for name in outcome.names])).name
    return replace(outcome, run=replace(outcome.run, source_name=f"{folder or given} ({len(outcome.names)} files)"))


def _within(name: str, message: str) -> str:
    """A refusal among many: by the path, and without the list of what would be taken."""
    what, listed, _ = message.partition(". Supported: ")
    return what.replace(PurePosixPath(name).name, name, 1) + ("; no importer takes it." if listed else "")


def _key(name: str, importer: Reader) -> tuple[str, ...]:
    """Files with the same key may be one run."""
    family = family_of(importer.name)
    together = family.key(PurePosixPath(name)) if family else None
    return (name,) if family is None or together is None else (family.members[0], together)


def _readable(name: str, found: Path | ImporterError, *, nested: bool) -> Path:
    if isinstance(found, ImporterError):
        raise found
    if nested and is_archive(head(found)):
        raise UnknownFormat(f"{name} is an archive inside of what was given. Import it by itself.")
    return found
