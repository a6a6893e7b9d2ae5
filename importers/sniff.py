"""What a file looks like, in words: for the message that no importer takes it.

| head of the file              | words                                                |
| ----------------------------- | ---------------------------------------------------- |
| known first bytes             | zip, Parquet, SQLite, ...                            |
| gzip                          | what its content looks like                          |
| `version https://git-lfs...`  | a Git-LFS pointer, with what to do                   |
| words of ncu without its CSV  | the console output of Nsight Compute                 |
| a JSON object                 | the tool whose keys it has, else its first keys      |
| other text                    | text                                                 |
"""

from __future__ import annotations

import re

from importers.csv_text import first_row
from importers.files import clean_text
from importers.json_text import GZIP, head_keys, unpacked_head

MAGIC = (
    (b"version https://git-lfs", "a Git-LFS pointer instead of the file (fetch it with `git lfs pull`)"),
    (b"SQLite format 3\x00", "a SQLite database without the tables of Nsight Systems"),
    (b"PK\x03\x04", "a zip archive"),
    (b"NVR\x00", "a report of Nsight Compute (write it as CSV with `ncu --import FILE --csv --page raw`)"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x89HDF", "an HDF5 file"),
)
LOOKALIKES = (
    ({"traceEvents"}, "a Chrome trace without events of the PyTorch profiler"),
    ({"metric", "mean_startup_time"}, "the result of `vllm bench startup`"),
    (
        {"load_summary", "successes"},
        "a report that inference-perf took from Prometheus (import lifecycle_metrics.json)",
    ),
    ({"reports", "global"}, "the validation of inference-perf's reports"),
    ({"aiperf_version", "metrics"}, "server metrics of AIPerf (import profile_export_aiperf.json)"),
    ({"timeslices", "input_config"}, "time slices of AIPerf (import profile_export_aiperf.json)"),
    ({"aggregation_type"}, "a sum over several runs of AIPerf (import each run's profile_export_aiperf.json)"),
    ({"phases", "schema_version"}, "the list of phases of AIPerf (import profile_export_aiperf.json)"),
    ({"benchmarks"}, "a report like GuideLLM's, of a version before 0.2 or of another tool"),
    ({"output_dir", "phases"}, "the list of files of a varcas analysis (import the files)"),
    ({"architectures", "hidden_size"}, "the config.json of a model"),
    ({"model", "tokenizer_class"}, "the tokenizer of a model"),
)
MOST_KEYS = 8
NCU_WORDS = re.compile(rb"^(==PROF==|\[\d+\] \S+@\S+$)", re.MULTILINE)


def describe(head: bytes) -> str:
    """What the first bytes of a file tell.

    >>> describe(b"")
    'an empty file'
    >>> describe(b'{"traceEvents": []}')
    'a Chrome trace without events of the PyTorch profiler'
    """
    if not head:
        return "an empty file"
    if head.startswith(GZIP):
        inner = unpacked_head(head)
        return f"a gzip file of {describe(inner)}" if inner else "a gzip file that cannot be expanded"
    known = next((words for magic, words in MAGIC if head.startswith(magic)), None)
    return known or _console(head) or _json(head) or _text_or_binary(head)


def _console(head: bytes) -> str | None:
    found = NCU_WORDS.search(head)
    return "the console output of Nsight Compute (let it write its table with `--csv`)" if found else None


def _json(head: bytes) -> str | None:
    opening = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if opening not in (b"{", b"["):
        return None
    keys = head_keys(head)
    known = next((words for wanted, words in LOOKALIKES if wanted <= set(keys)), None)
    shown = ", ".join(clean_text(key, 40) for key in keys[:MOST_KEYS])
    kind = "a JSON object" if opening == b"{" else "a JSON list"
    return known or (f"{kind} with the keys {shown}" if shown else kind)


def _text_or_binary(head: bytes) -> str:
    cells = set(first_row(head))
    if {"fits", "basis"} <= cells:
        return "answers of `cli.py predict`, which are predictions"
    if b"\x00" in head:
        return "a binary file of unknown kind"
    try:
        head[:-4].decode("utf-8")
    except UnicodeDecodeError:
        return "a binary file of unknown kind"
    return "text"
