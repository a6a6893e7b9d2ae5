"""Where the rows of a SQLite table lie in its file: the leaf pages of its tree, found without running any SQL.

| of the file (https://www.sqlite.org/fileformat2.html)  | here                                                   |
| ------------------------------------------------------ | ------------------------------------------------------ |
| header: page size, reserved bytes, text encoding       | `Leaves.page_bytes`, `usable_bytes`, `utf8`            |
| interior pages of the table's tree                     | followed level by level; a page met twice is damage    |
| leaf pages                                             | `Leaves.numbers`, in the order of the rows             |
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from importers.files import source_name
from planner.errors import MalformedFile

Integers = NDArray[np.int64]

HEADER_BYTES = 100
INTERIOR, LEAF = 5, 13
INTERIOR_HEADER = 12
DEEPEST = 20
"""Levels of a tree that SQLite itself follows."""
SMALLEST_PAGE, LARGEST_PAGE = 512, 65_536
UTF8 = 1


@dataclass(frozen=True, slots=True)
class Leaves:
    """The leaf pages of one table.

    page_bytes, usable_bytes : of each page; the rest is reserved [B]
    utf8 : whether texts are UTF-8
    numbers : of the pages, from 1, in the order of the rows [int64]
    """

    path: Path
    page_bytes: int
    usable_bytes: int
    utf8: bool
    numbers: Integers


def leaves(path: Path, root: int) -> Leaves:
    """The leaf pages of the table whose tree begins at a page.

    raises : MalformedFile
    """
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
        told = int.from_bytes(head[16:18], "big")
        page_bytes = LARGEST_PAGE if told == 1 else told
        pages = os.fstat(file.fileno()).st_size // max(page_bytes, 1)
        if page_bytes < SMALLEST_PAGE or page_bytes & (page_bytes - 1) or not pages:
            raise broken(path, "its header tells no size of a page")
        numbers = _descend(path, file, page_bytes, root, pages)
    encoding = int.from_bytes(head[56:60], "big")
    return Leaves(path, page_bytes, page_bytes - head[20], encoding == UTF8, numbers)


def broken(path: Path, what: str) -> MalformedFile:
    """The error for a file whose pages contradict the format."""
    return MalformedFile(
        f"{source_name(path)} cannot be read as SQLite: {what}. It may be cut off or damaged; "
        "export it again with `nsys export --type sqlite`."
    )


def _descend(path: Path, file: BinaryIO, page_bytes: int, root: int, pages: int) -> Integers:
    level = np.array([root], np.int64)
    met = np.zeros(pages + 1, bool)
    met[:2] = True  # there is no page 0, and page 1 holds the schema's own tree
    for _ in range(DEEPEST):
        if level.min() < 0 or level.max() > pages or met[level].any() or len(np.unique(level)) < len(level):
            raise broken(path, "a table's tree names a page that does not exist, or one page twice")
        met[level] = True
        if _page(file, page_bytes, int(level[0]))[0] == LEAF:
            return level
        level = np.concatenate([_children(path, _page(file, page_bytes, int(number))) for number in level])
    raise broken(path, "a table's tree is deeper than SQLite makes them")


def _page(file: BinaryIO, page_bytes: int, number: int) -> bytes:
    file.seek((number - 1) * page_bytes)
    return file.read(page_bytes)


def _children(path: Path, page: bytes) -> Integers:
    cells = int.from_bytes(page[3:5], "big")
    if page[0] != INTERIOR or INTERIOR_HEADER + 2 * cells > len(page):
        raise broken(path, "a page of a table's tree is no page of a table")
    pointers = np.frombuffer(page, ">u2", cells, INTERIOR_HEADER).astype(np.int64)
    if cells and pointers.max() + 4 > len(page):
        raise broken(path, "a page of a table's tree points beyond its end")
    data = np.frombuffer(page, np.uint8)
    left = data[pointers[:, None] + np.arange(4)].astype(np.int64) @ np.array([1 << 24, 1 << 16, 1 << 8, 1])
    return np.append(left, int.from_bytes(page[8:12], "big"))
