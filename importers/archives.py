"""Archives from strangers: .zip, .tar, .tar.gz, unpacked into a folder within limits, each bad member refused by name.

| in the archive                                               | here                          |
| ------------------------------------------------------------ | ----------------------------- |
| a name that leads out: absolute, "..", a drive, a backslash  | that member refused           |
| links, devices, pipes                                        | that member refused           |
| encrypted (zip)                                              | that member refused           |
| the same name twice                                          | the second one refused        |
| more than 10,000 members, 4 GiB together, 200 times its size | TooLarge: nothing of it stays |
| headers of more than 1 MiB (tar), a directory of more than   | TooLarge                      |
| 4 MiB or zip64                                               |                               |
| damaged, cut off                                             | MalformedFile                 |

What is written is counted as it is written: an archive's own word on sizes is not believed.
"""

from __future__ import annotations

import gzip
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from stat import S_IFMT, S_ISREG
from typing import IO

from importers.files import clean_text, source_name
from importers.json_text import GZIP, unpacked_head
from planner.errors import ImporterError, MalformedFile, TooLarge, UnknownFormat
from planner.quantities import GIB, MIB

ZIP = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
USTAR = slice(257, 262)
MOST_MEMBERS = 10_000
MOST_BYTES = 4 * GIB
MOST_RATIO = 200
FREE_BYTES = 64 * MIB
"""Up to here an archive may expand whatever its size."""
MOST_HEADER = MIB
MOST_DIRECTORY = 4 * MIB
MOST_DEPTH, LONGEST_PART = 32, 200
CHUNK = MIB
DRIVE = re.compile(r"[A-Za-z]:")
_END = struct.Struct("<4s4H2LH")
_LONG_HEADERS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip
_FAULTS = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError,
           NotImplementedError, RuntimeError, struct.error, RecursionError, OverflowError)  # fmt: skip


def is_archive(start: bytes) -> bool:
    """Whether a file with these first bytes is a zip, a tar or a tar in gzip."""
    return start.startswith((ZIP, EMPTY_ZIP)) or unpacked_head(start)[USTAR] == b"ustar"


def unpack(path: Path, start: bytes, folder: Path) -> Iterator[tuple[str, Path | ImporterError]]:
    """Writes an archive's members into a folder.

    start : its first bytes
    folder : an empty one, which the caller removes
    returns : each member's name, and where it lies, or why it was refused
    raises : TooLarge, MalformedFile
    """
    budget = _Budget(source_name(path), max(FREE_BYTES, MOST_RATIO * path.stat().st_size))
    members = _zip(path, folder, budget) if start.startswith((ZIP, EMPTY_ZIP)) else _tar(path, start, folder, budget)
    try:
        yield from members
    except ImporterError:
        raise
    except _FAULTS as error:
        raise MalformedFile(f"{source_name(path)}: damaged or cut off archive. Copy or pack it again.") from error


class _Budget:
    """What an archive may still write."""

    def __init__(self, name: str, most: float) -> None:
        self.name, self.left, self.members = name, min(most, MOST_BYTES), 0

    def member(self) -> None:
        """Counts one member."""
        self.members += 1
        if self.members > MOST_MEMBERS:
            raise TooLarge(f"{self.name} holds more than {MOST_MEMBERS:,} members. Pack the results alone.")

    def spend(self, count: int) -> None:
        """Counts bytes that are about to be written."""
        self.left -= count
        if self.left < 0:
            raise TooLarge(
                f"{self.name} expands to more than {MOST_BYTES / GIB:.0f} GiB or {MOST_RATIO} times its size. "
                "Unpack it yourself and import the files."
            )


def _zip(path: Path, folder: Path, budget: _Budget) -> Iterator[tuple[str, Path | ImporterError]]:
    _check_directory(path)
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            budget.member()
            if member.is_dir():
                continue
            name, mode = _shown(member.filename), member.external_attr >> 16
            if member.flag_bits & 1:
                yield name, UnknownFormat(f"{name} is encrypted. Unpack it with its password and import the file.")
            elif S_IFMT(mode) and not S_ISREG(mode):
                yield name, _no_file(name)
            else:
                target = _target(folder, member.filename)
                if isinstance(target, Path):
                    with archive.open(member) as source:
                        _write(source, target, budget)
                yield name, target


def _tar(path: Path, start: bytes, folder: Path, budget: _Budget) -> Iterator[tuple[str, Path | ImporterError]]:
    opener = gzip.open if start.startswith(GZIP) else Path.open
    with opener(path, "rb") as file, tarfile.open(fileobj=file, mode="r|", tarinfo=_Member) as archive:
        for member in archive:
            budget.member()
            if member.isdir():
                continue
            source = archive.extractfile(member) if member.isreg() else None
            target = _target(folder, member.name) if source else _no_file(_shown(member.name))
            if source and isinstance(target, Path):
                _write(source, target, budget)
            else:
                budget.spend(member.size)
            yield _shown(member.name), target


class _Member(tarfile.TarInfo):
    """A header of a tar whose own size is bounded: names and comments are read into memory whole."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Member:
        """A header of 512 bytes."""
        found = super().frombuf(buf, encoding, errors)
        if found.type in _LONG_HEADERS and found.size > MOST_HEADER:
            raise TooLarge("The archive holds a header of more than 1 MiB. Pack the results again.")
        return found


def _check_directory(path: Path) -> None:
    """A zip's directory is read into memory whole: how long it says it is, from the end of the file."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2**16 - _END.size))
        tail = file.read()
    at = tail.rfind(EMPTY_ZIP)
    if at < 0 or len(tail) < at + _END.size:
        raise MalformedFile(f"{source_name(path)}: the zip archive is cut off. Copy it again.")
    if _END.unpack_from(tail, at)[5] > MOST_DIRECTORY:
        raise TooLarge(f"{source_name(path)} holds too many members, or is a zip64. Unpack it and import the folder.")


def _target(folder: Path, name: str) -> Path | ImporterError:
    """Where a member may be written; the reason if nowhere."""
    parts = PurePosixPath(name).parts
    if DRIVE.match(name) or not parts or len(parts) > MOST_DEPTH or any(not _is_plain(part) for part in parts):
        return UnknownFormat(
            f"{_shown(name)} leads out of the archive, or is no plain name. Pack the files by plain names."
        )
    target = folder.joinpath(*parts)
    if target.exists() or any(parent.is_file() for parent in target.parents):
        return UnknownFormat(f"{_shown(name)} is in the archive twice. Only the first one was looked at.")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _shown(name: str) -> str:
    return clean_text(PurePosixPath(name).as_posix())


def _is_plain(part: str) -> bool:
    return (
        part not in (".", "..", "/")
        and part.isprintable()
        and not set(part) & set("/\\")
        and len(part.encode("utf-8", "replace")) <= LONGEST_PART
        and part.encode("utf-8", "replace").decode("utf-8") == part
    )


def _write(source: IO[bytes], target: Path, budget: _Budget) -> None:
    with target.open("xb") as file:
        while chunk := source.read(CHUNK):
            budget.spend(len(chunk))
            file.write(chunk)


def _no_file(name: str) -> UnknownFormat:
    return UnknownFormat(f"{name} is a link or a device, no file. Pack the file itself.")
