"""How far an import is, told to whoever asked; who asked may stop it.

| who                    | does                                                                                       |
| ---------------------- | ------------------------------------------------------------------------------------------ |
| app, cli, child process | `with reporting(hook):` around `importers.read` and the store's `save`                    |
| hook                   | shows done / total; raises Cancelled to stop, which leaves nothing behind                  |
| importer               | one `Counter(total)` a file, `add(rows)` after each batch, in `read` and in its tables     |

Done and total are of one unit that the importer chooses (rows, bytes); they only ever make a fraction. Without a hook
nothing is told. The hook belongs to the thread that set it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Progress(Protocol):
    """A hook that an import calls after each batch, several times a second."""

    def __call__(self, done: int, total: int | None) -> None:
        """Hears how much is done, of how much; None if that is not known.

        raises : Cancelled to stop the import
        """


_hook: ContextVar[Progress | None] = ContextVar("importers.progress", default=None)


@contextmanager
def reporting(progress: Progress) -> Iterator[None]:
    """Tells a hook of every import within the block, tables read by the store included.

    >>> heard = []
    >>> with reporting(lambda done, total: heard.append((done, total))):
    ...     Counter(total=4).add(3)
    >>> heard
    [(3, 4)]
    """
    token = _hook.set(progress)
    try:
        yield
    finally:
        _hook.reset(token)


class Counter:
    """What an import has done so far, told each time it grows.

    total : expected in the end; what turns out to be more is told as such, never cut. None if not known
    """

    __slots__ = ("done", "total")

    def __init__(self, total: int | None = None) -> None:
        self.done, self.total = 0, total

    def add(self, more: int) -> None:
        """Adds what was done since.

        raises : Cancelled, if the hook says so
        """
        self.done += more
        hook = _hook.get()
        if hook is not None:
            hook(self.done, self.total)
