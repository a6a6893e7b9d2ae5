"""Runs on an object store, which cannot rename: all parts are written first, and the head, which makes the run, last.

    root/runs/<first digit>/<run id>.<attempt>.parquet    the head: run.parquet of one attempt to save the run
    root/runs/<first digit>/<run id>.choice.json          what a person confirmed
    root/parts/<run id>.<attempt>/...                     the other files of that attempt, as in a local run's folder
    root/marks/<first digit>                              changes with each run of that digit
    root/calibrations/<name>.json                         small objects (calibrations.py)
    root/index.parquet                                    the heads of all runs, a cache (index.py)

Each attempt writes under a name of its own, so writers never mix their parts; of two attempts that both came through,
the one with the smaller name is the run, for every reader alike, and the other is a leftover. Deletion removes the head
first. Parts without a head are nobody's after STALE. Heads lie in sixteen folders listed at the same time, and again
only when their mark has changed.
"""

from __future__ import annotations

import re
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import fsspec
from fsspec import AbstractFileSystem

from planner.errors import StoreError
from planner.quantities import GIGA
from store.files import ROOT_VARIABLE, Part, reached, reason
from store.leases import STALE
from store.local import INDEX_FILE
from store.places import BESIDE, HEAD_FILE, SUFFIX, TABLES, Place

DIGITS = "0123456789abcdef"
RELIST = 60.0
"""Age after which a folder is listed again whatever its mark says [s]."""
STORES = 256
"""Stores whose listings are kept in memory."""
_HEAD = re.compile(r"([0-9a-f]{12})\.([0-9a-f]{24})\.parquet")
_CHOICE = re.compile(r"([0-9a-f]{12})\.choice\.json")
_PARTS = re.compile(r"([0-9a-f]{12})\.([0-9a-f]{24})")
_VERSIONS = ("ETag", "etag", "LastModified", "last_modified", "mtime", "modified", "created")
"""What file systems call the mark that changes with an object's content, best first."""


@dataclass(frozen=True, slots=True)
class ObjectShelf:
    """A prefix of an object store.

    url : as fsspec writes it, "s3://bucket/prefix"
    """

    url: str

    @property
    def address(self) -> str:
        """The URL."""
        return self.url

    def places(self, beginning: str = "") -> list[Place]:
        """Every run that has a head; of all runs, folders that nobody changed since they were listed are not again."""
        if beginning:
            return self._found(self._ls(self._heads(beginning[0]), beginning))
        marks = {_name(entry): _version(entry) for entry in self._ls(f"{self._root}/marks")}
        now, known = time.monotonic(), _listings(self.url)
        old = [digit for digit in DIGITS if digit not in known or not known[digit].holds(marks.get(digit, ""), now)]
        for digit, entries in zip(old, self._listed(old), strict=True):
            known[digit] = _Listing(marks.get(digit, ""), now, self._found(entries))
        return [place for digit in DIGITS for place in known[digit].places]

    def tables(self, place: Place) -> list[str]:
        """Names of the tables of a run."""
        return sorted(_name(entry).removesuffix(SUFFIX) for entry in self._ls(f"{place.folder}/{TABLES}"))

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A temporary folder of this machine: what cannot be read to its end is never sent."""
        with tempfile.TemporaryDirectory(prefix="headroom-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def publish(self, staged: Path, run_id: str) -> None:
        """Sends the parts, then the head; takes both back if an earlier attempt turns out to have come through."""
        attempt = f"{time.time_ns():016x}{secrets.token_hex(4)}"
        folder, head = self._folder(run_id, attempt), self._head(run_id, attempt)
        parts = [path for path in staged.rglob("*") if path.is_file() and path != staged / HEAD_FILE]
        try:
            with reached():
                self._files.put(
                    [str(path) for path in parts], [f"{folder}/{path.relative_to(staged).as_posix()}" for path in parts]
                )
                self._files.put_file(str(staged / HEAD_FILE), head)
        except BaseException:  # cancelled, too: what was sent is taken back, as far as the store can be reached
            with suppress(StoreError):
                self._discard([head])
                self._discard([folder], recursive=True)
            raise
        if [place.head for place in self.places(run_id)] != [head]:
            self._discard([head])
            self._discard([folder], recursive=True)
        self._mark(run_id)

    def keep_choice(self, place: Place, content: bytes) -> None:
        """Replaces what was confirmed about a run: one object."""
        self._put(content, self._choice(place.id))
        self._mark(place.id)

    def remove(self, place: Place) -> None:
        """Removes the heads, which are the run, then all else."""
        attempts = [attempt for run_id, attempt in self._attempts(place.id[0]) if run_id == place.id]
        if not attempts:
            raise FileNotFoundError(place.head)
        self._discard([*(self._head(place.id, attempt) for attempt in attempts), self._choice(place.id)])
        self._mark(place.id)
        self._discard([self._folder(place.id, attempt) for attempt in attempts], recursive=True)

    def notes(self, folder: str, beginning: str = "") -> list[str]:
        """Names of the small objects of a folder beside the runs, and of its folders."""
        return [_name(entry) for entry in self._ls(f"{self._root}/{folder}", beginning)]

    def note(self, folder: str, name: str) -> Part:
        """One of these objects."""
        return Part("", self._files, f"{self._root}/{folder}/{name}")

    def keep_note(self, folder: str, name: str, content: bytes) -> None:
        """Replaces one: one object."""
        self._put(content, f"{self._root}/{folder}/{name}")

    def drop_note(self, folder: str, name: str) -> None:
        """Removes one."""
        self._discard([f"{self._root}/{folder}/{name}"])

    def drop_notes(self, folder: str) -> None:
        """Removes a folder of them."""
        self._discard([f"{self._root}/{folder}"], recursive=True)

    def keep_file(self, folder: str, name: str, path: Path) -> str:
        """Sends a large file."""
        with reached():
            self._files.put_file(str(path), f"{self._root}/{folder}/{name}")
        return f"{self.url.rstrip('/')}/{folder}/{name}"

    def index(self) -> Part:
        """The index beside the runs."""
        return Part("", self._files, f"{self._root}/{INDEX_FILE}")

    def keep_index(self, written: Path) -> None:
        """Replaces the index: one object."""
        with reached():
            self._files.put_file(str(written), f"{self._root}/{INDEX_FILE}")

    def check(self) -> None:
        """Asks for a short listing."""
        self._ls(f"{self._root}/marks")

    def size(self) -> int:
        """Bytes of all objects [B]."""
        with suppress(FileNotFoundError), reached():
            return int(self._files.du(self._root))
        return 0

    def erase(self) -> None:
        """Removes the heads, which are the runs, then all else."""
        for kept in ("runs", "marks", "parts", *BESIDE, INDEX_FILE):
            self._discard([f"{self._root}/{kept}"], recursive=True)
        _listings(self.url).clear()

    def sweep(self) -> int:
        """Removes parts without a head, and heads of attempts that came second, once they are old."""
        kept = {place.head for place in self.places()}
        second = [head for one in self._attempts(DIGITS) if _stale(one[1]) and (head := self._head(*one)) not in kept]
        self._discard(second)
        written = [match for entry in self._ls(f"{self._root}/parts") if (match := _PARTS.fullmatch(_name(entry)))]
        orphans = [
            self._folder(match[1], match[2])
            for match in written
            if _stale(match[2]) and self._head(match[1], match[2]) not in kept
        ]
        self._discard(orphans, recursive=True)
        return len(second) + len(orphans)

    @property
    def _files(self) -> AbstractFileSystem:
        return _opened(self.url)[0]

    @property
    def _root(self) -> str:
        return _opened(self.url)[1]

    def _found(self, entries: list[dict[str, Any]]) -> list[Place]:
        """The runs of a listing: of each, the head of its first attempt."""
        choices = {match[1]: entry for entry in entries if (match := _CHOICE.fullmatch(_name(entry)))}
        heads: dict[str, tuple[str, dict[str, Any]]] = {}
        for entry in entries:
            if match := _HEAD.fullmatch(_name(entry)):
                head = (match[2], entry)
                heads[match[1]] = min(heads.get(match[1], head), head, key=lambda one: one[0])
        return [self._place(run_id, *heads[run_id], choices.get(run_id)) for run_id in sorted(heads)]

    def _place(self, run_id: str, attempt: str, head: dict[str, Any], choice: dict[str, Any] | None) -> Place:
        version = "/".join(_version(entry) for entry in (head, choice) if entry)
        path = self._choice(run_id) if choice else None
        return Place(run_id, version, self._files, self._head(run_id, attempt), self._folder(run_id, attempt), path)

    def _heads(self, digit: str) -> str:
        return f"{self._root}/runs/{digit}"

    def _head(self, run_id: str, attempt: str) -> str:
        return f"{self._heads(run_id[0])}/{run_id}.{attempt}{SUFFIX}"

    def _choice(self, run_id: str) -> str:
        return f"{self._heads(run_id[0])}/{run_id}.choice.json"

    def _folder(self, run_id: str, attempt: str) -> str:
        return f"{self._root}/parts/{run_id}.{attempt}"

    def _attempts(self, digits: str) -> list[tuple[str, str]]:
        """Run and attempt of every head, the second ones of a race too."""
        entries = [entry for listed in self._listed(digits) for entry in listed]
        return [(match[1], match[2]) for entry in entries if (match := _HEAD.fullmatch(_name(entry)))]

    def _listed(self, digits: Iterable[str]) -> list[list[dict[str, Any]]]:
        with ThreadPoolExecutor(len(DIGITS)) as pool:
            return list(pool.map(self._ls, map(self._heads, digits)))

    def _ls(self, folder: str, beginning: str = "") -> list[dict[str, Any]]:
        with suppress(FileNotFoundError), reached():
            if beginning:
                return list(self._files.find(folder, detail=True, prefix=beginning).values())
            return list(self._files.ls(folder, detail=True))
        return []

    def _mark(self, run_id: str) -> None:
        """Says that something changed, after it did: readers who saw the old mark look again."""
        self._put(secrets.token_bytes(8), f"{self._root}/marks/{run_id[0]}")

    def _put(self, content: bytes, path: str) -> None:
        with tempfile.NamedTemporaryFile(prefix="headroom-") as file:
            file.write(content)
            file.flush()
            with reached():
                self._files.put_file(file.name, path)

    def _discard(self, paths: Iterable[str], *, recursive: bool = False) -> None:
        for path in paths:
            with suppress(FileNotFoundError), reached():
                self._files.rm(path, recursive=recursive)


@dataclass(frozen=True, slots=True)
class _Listing:
    """The runs of one folder of heads, as they were when its mark was read."""

    mark: str
    when: float
    places: list[Place]

    def holds(self, mark: str, now: float) -> bool:
        """Whether nothing was marked since; a writer who died before marking is seen a little later."""
        return self.mark == mark and now - self.when < RELIST


@lru_cache(maxsize=STORES)
def _listings(url: str) -> dict[str, _Listing]:  # noqa: ARG001 - the key of the cache
    return {}


@lru_cache(maxsize=STORES)
def _opened(url: str) -> tuple[AbstractFileSystem, str]:
    """The file system of a URL, which sees what other processes write, and the path in it."""
    try:
        files, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise StoreError(
            f"{ROOT_VARIABLE} names a {url.split(':', 1)[0]} store, which needs a package: {reason(error)}. "
            "For s3: pip install -r requirements-s3.txt."
        ) from error
    except ValueError as error:
        raise StoreError(
            f"{ROOT_VARIABLE} cannot be used: {reason(error)}. Give a folder, or a URL that fsspec knows."
        ) from error
    return files, re.sub("//+", "/", root).rstrip("/")


def _name(entry: dict[str, Any]) -> str:
    return str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]


def _version(entry: dict[str, Any]) -> str:
    return next((str(entry[key]) for key in _VERSIONS if entry.get(key)), "")


def _stale(attempt: str) -> bool:
    """Whether an attempt began long ago, by the time that its name begins with."""
    return time.time() - int(attempt[:16], 16) / GIGA > STALE
