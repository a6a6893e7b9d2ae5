"""The bytes of a file that every importer needs: its head, its hash, its name.

| of the file       | here                                                      |
| ----------------- | --------------------------------------------------------- |
| first 64 KiB      | `head`: enough to say what the file is                    |
| all bytes         | `content_hash`: sha256, the identity of the run           |
| name, other texts | `clean_text`: printable, valid UTF-8, at most 200 letters |
| model             | `model_name`: without folders                             |
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePath

from planner.errors import UnknownFormat
from planner.quantities import KIB

HEAD_BYTES = 64 * KIB
FOLDERS = re.compile(r"^([/~.\\]|[A-Za-z]:[/\\])")
LONGEST_TEXT = 200
"""Characters kept of a name that a file gives: names are short, and a hostile one must not fill a page."""


def head(path: Path) -> bytes:
    """The first bytes of a file, at most HEAD_BYTES [B].

    raises : UnknownFormat if it cannot be read
    """
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise UnknownFormat(
            f"{source_name(path)} cannot be read: {error.strerror}. Give the path of a readable file."
        ) from error


def content_hash(path: Path) -> str:
    """The sha256 of a file's content, in hex: the identity of the run that it holds."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnknownFormat(f"{source_name(path)} cannot be read: {error.strerror}.") from error


def source_name(path: Path) -> str:
    """The file's name without its folder, as text that can be stored everywhere."""
    return clean_text(path.name)


def model_name(told: str | None) -> str | None:
    """A model as a file names it, without the folders of a machine.

    >>> model_name("/home/someone/models/llama/"), model_name("org/model"), model_name("")
    ('llama', 'org/model', None)
    """
    if not told or not FOLDERS.match(told):
        return told or None
    return PurePath(told.replace("\\", "/")).name or None


def clean_text(value: str, longest: int = LONGEST_TEXT) -> str:
    r"""Text without lone surrogates and control characters, cut to a length.

    >>> clean_text("a\ud800b\x00\n", 10)
    'a?b'
    """
    encodable = value[:longest].encode("utf-8", "replace").decode("utf-8")
    return "".join(letter for letter in encodable if letter.isprintable()).strip()
