"""The bytes of a file, expanded on the way if it is gzipped; a file that swells too far is refused.

| in the file                             | here                                                 |
| --------------------------------------- | ---------------------------------------------------- |
| gzip (RFC 1952), one member or several  | its content                                          |
| the end of a gzip stream is missing     | what there is, and `cut_off`                         |
| a gzip stream that does not add up      | MalformedFile                                        |
| more than 400 times its own size        | TooLarge, once that is more than 64 MiB              |
| anything else                           | as it is                                             |
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO

from importers.files import source_name
from importers.json_text import GZIP
from planner.errors import MalformedFile, TooLarge, UnknownFormat
from planner.quantities import MIB

MOST_TIMES = 400
"""Profiles of real runs shrink 10 to 60 times."""
ALWAYS = 64 * MIB
"""What any file may expand to [B]."""


class Expanding:
    """A file that is read in pieces.

    cut_off : whether a gzip stream ended before its end
    """

    __slots__ = ("_file", "_given", "_path", "_raw", "cut_off")

    def __init__(self, path: Path) -> None:
        self._path, self._given, self.cut_off = path, 0, False
        try:
            self._raw: IO[bytes] = path.open("rb")
        except OSError as error:
            raise UnknownFormat(f"{source_name(path)} cannot be read: {error.strerror}.") from error
        zipped = self._raw.read(len(GZIP)) == GZIP
        self._raw.seek(0)
        self._file: IO[bytes] = gzip.GzipFile(fileobj=self._raw) if zipped else self._raw  # type: ignore[assignment]

    def __enter__(self) -> Expanding:
        """Open already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closes the file."""
        self._raw.close()

    @property
    def position(self) -> int:
        """How much of the file itself was read [B]."""
        return 0 if self._raw.closed else self._raw.tell()

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; none at the end.

        raises : MalformedFile, TooLarge
        """
        try:
            piece = self._file.read(size)
        except EOFError:
            self.cut_off = True
            return b""
        except (zlib.error, OSError) as error:
            raise MalformedFile(
                f"{source_name(self._path)}: the gzip stream is damaged after {self._given} bytes. Copy it again."
            ) from error
        self._given += len(piece)
        if self._file is not self._raw and self._given > ALWAYS and self._given > MOST_TIMES * self._raw.tell():
            raise TooLarge(
                f"{source_name(self._path)}: the gzip file expands to more than {MOST_TIMES} times its size. "
                "No profile does; if it is one, give it expanded."
            )
        return piece
