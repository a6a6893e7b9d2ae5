"""Who does a verb's heavy work: the processors of this machine, or the workers of a cluster."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from intake.cluster import executor
from settings import settings


def cluster_option(parser: argparse.ArgumentParser, work: str) -> None:
    """Lets a cluster be named; what its workers do completes the sentence."""
    parser.add_argument("--cluster", metavar="ADDRESS", help=f"a dask.distributed scheduler whose workers {work}")


def cluster_of(given: argparse.Namespace) -> str | None:
    """The one that was named, or that the environment names; None: this machine."""
    return given.cluster or settings().dask


@contextmanager
def workers(cluster: str | None) -> Iterator[Executor]:
    """Whoever does it, as an executor; what has not begun is cancelled by who submitted it.

    cluster : address of a scheduler; None: this machine
    raises : ClusterError
    """
    if cluster:
        yield executor(cluster)
        return
    with ProcessPoolExecutor() as pool:
        yield pool


def show(done: int, total: int) -> None:
    """How far it is, where a person looks on."""
    if sys.stderr.isatty():
        print(f"\r{done:,} of {total:,}", end="\n" if done == total else "", file=sys.stderr, flush=True)
