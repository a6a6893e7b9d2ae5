"""Work done ahead on threads: the next results are made while one is used. Order is kept, and little is held.

Decoding and writing large tables spend their time in numpy and Arrow, which let other threads run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(items: Iterable[Item], work: Callable[[Item], Result], threads: int = 1) -> Iterator[Result]:
    """The results of some work on each item, in the items' order.

    items : taken on the caller's own thread, at most `threads` more than results were used
    threads : with one, the work on two items never overlaps
    raises : what taking an item or the work on it raises

    >>> list(ahead([1, 2, 3], lambda number: number * number, threads=2))
    [1, 4, 9]
    """
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
