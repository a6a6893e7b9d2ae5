"""Files that other tools write, as Runs. One tool, one file here: path in, Run out.

| importer                                | claims                                                      |
| --------------------------------------- | ----------------------------------------------------------- |
| nsys                                    | Nsight Systems' SQLite exports, of every version            |
| ncu                                     | Nsight Compute's CSV: raw and details pages, summaries      |
| torch_trace                             | traces of the PyTorch profiler, gzipped or not              |
| vllm_bench                              | results of `vllm bench serve` and benchmark_serving.py      |
| vllm_sweep                              | summaries of `vllm bench sweep`                             |
| vllm_offline                            | results of `vllm bench latency` and `vllm bench throughput` |
| sglang, sglang_batch                    | SGLang's bench_serving; its one-batch and offline runs      |
| guidellm, guidellm_csv                  | GuideLLM's reports                                          |
| aiperf, aiperf_csv, aiperf_records      | AIPerf and GenAI-Perf; AIPerf's requests                    |
| inference_perf, inference_perf_requests | inference-perf's reports; its requests                      |
| llmperf, inferencex, locust, varcas     | the tools of these names                                    |
| table                                   | our own plain CSV of load points or requests                |
| reference_table                         | CSVs with gpu, model and measured columns: lab, T4, predict |

An importer is a module with `name`, `identify(path) -> bool` (reads the head only; a file's name says nothing) and
`read(path) -> Run`. A run's tables open the file only while they are iterated, so nothing has to be closed; the file
must stay in place until the store has written them.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Protocol, cast

from importers import (
    aiperf,
    aiperf_csv,
    aiperf_records,
    collection,
    guidellm,
    guidellm_csv,
    inference_perf,
    inference_perf_requests,
    inferencex,
    llmperf,
    locust,
    ncu,
    nsys,
    reference_table,
    sglang,
    sglang_batch,
    table,
    torch_trace,
    varcas,
    vllm_bench,
    vllm_offline,
    vllm_sweep,
)
from importers.collection import Outcome
from importers.files import head, source_name
from importers.sniff import describe
from planner.errors import AmbiguousFormat, UnknownFormat
from planner.measured import Run


class Importer(Protocol):
    """What a module of this package offers."""

    name: str

    def identify(self, path: Path) -> bool:
        """Whether the file is of this format, from its head."""

    def read(self, path: Path) -> Run:
        """The run that the file holds."""


_TRACES = (nsys, ncu, torch_trace)
_LOAD_TESTS = (
    vllm_bench, vllm_sweep, vllm_offline, sglang, sglang_batch, guidellm, guidellm_csv, aiperf, aiperf_csv,
    aiperf_records, inference_perf, inference_perf_requests, llmperf, inferencex, locust, varcas, table,
    reference_table,
)  # fmt: skip
IMPORTERS: tuple[Importer, ...] = tuple(cast(Importer, module) for module in (*_TRACES, *_LOAD_TESTS))


def identify(path: Path) -> Importer:
    """The one importer that claims a file by its content.

    path : the file
    raises : UnknownFormat with what the file looks like; AmbiguousFormat if several claim it
    """
    start = head(path)
    claiming = [importer for importer in IMPORTERS if importer.identify(path)]
    if len(claiming) == 1:
        return claiming[0]
    names = ", ".join(dict.fromkeys(importer.name.partition(" (")[0] for importer in claiming or IMPORTERS))
    if claiming:
        raise AmbiguousFormat(f"{source_name(path)} looks like several formats: {names}. Report this file as a bug.")
    raise UnknownFormat(f"{source_name(path)} looks like {describe(start)}. Supported: {names}.")


def read(path: Path) -> Run:
    """The run that a file holds, whatever tool wrote it.

    path : the file; must stay in place while the run's tables are read
    raises : UnknownFormat, AmbiguousFormat, MalformedFile, TooLarge
    """
    return identify(path).read(path)


def read_all(path: Path, known: Container[str] = ()) -> Iterator[Outcome]:
    """Everything that a file, a folder or an archive (.zip, .tar, .tar.gz) holds; each run must be saved at once.

    known : hashes of runs that need not be read again (Run.file_hash)
    returns : Imported, Known or Refused for each file
    """
    return collection.read_all(path, known, identify)
