"""GPU metrics that Nsight Systems samples (`--gpu-metrics-devices`): DRAM bandwidth and tensor activity over time.

| theirs                                                       | ours                                          | unit |
| ------------------------------------------------------------ | --------------------------------------------- | ---- |
| GPU_METRICS.timestamp                                        | timestamp_ns                                  | ns   |
| .typeId, lowest byte                                         | device                                        |      |
| .typeId, metricId -> TARGET_INFO_GPU_METRICS.metricName      | metric; its unit stands in its name           |      |
| .value                                                       | value                                         |      |
| mean of "DRAM Read Bandwidth [Throughput %]", ...            | Run.summary `dram_read_percent_<device>`, ... | %    |
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from importers.arrow import Stream, array, field, grouped, numbers
from importers.files import clean_text
from importers.nsys_file import METRIC_NAMES, METRICS, Export
from importers.nsys_names import MOST_NAMES
from importers.nsys_rows import NO_ID
from importers.sqlite import damage_named
from importers.sqlite_tree import Integers

DEVICE_MASK = 255
SUMMED = {
    "DRAM Read": "dram_read_percent",
    "DRAM Write": "dram_write_percent",
    "Tensor Active": "tensor_active_percent",
    "SMs Active": "sms_active_percent",
}
"""Beginnings of names -> key of the mean in the summary; the names behind them differ by GPU and version."""
SCHEMA = pa.schema(
    [
        field("timestamp_ns", pa.int64(), "ns"),
        field("device", pa.int64()),
        field("metric", pa.dictionary(pa.int32(), pa.string())),
        field("value", pa.int64()),
    ]
)
_COLUMNS = ("timestamp", "typeId", "metricId", "value")


Key = tuple[int, int]
"""typeId and metricId; NO_ID for a typeId that the export does not tell."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """What an export's samples are of.

    names : of the metrics
    """

    names: Mapping[Key, str]

    @classmethod
    def of(cls, export: Export) -> Metrics:
        """The metrics that an export names.

        raises : MalformedFile, TooLarge
        """
        if not export.has(METRIC_NAMES, "metricId", "metricName"):
            return cls({})
        kind = "typeId" if export.has(METRIC_NAMES, "typeId") else str(NO_ID)
        sql = f"SELECT {kind} AS kind, metricId, metricName FROM {METRIC_NAMES} LIMIT {MOST_NAMES}"  # noqa: S608
        return cls({(row["kind"], row["metricId"]): clean_text(str(row["metricName"])) for row in export.rows(sql)})

    def table(self, export: Export) -> Stream:
        """The samples as the table `gpu_metrics`."""

        def source() -> Iterator[pa.RecordBatch]:
            with damage_named(export.path):
                for batch in export.batches(METRICS, *_COLUMNS):
                    yield self._renamed(batch)

        return Stream(SCHEMA, source)

    def summary(self, export: Export) -> dict[str, float]:
        """How many samples there are, and the means of the metrics that say how busy a GPU was [%].

        raises : MalformedFile
        """
        if METRICS not in export:
            return {}
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        samples = 0
        for batch in export.batches(METRICS, *_COLUMNS):
            samples += batch.num_rows
            values = numbers(batch.column("value"))
            for key, rows in _series(batch):
                ours = next((SUMMED[start] for start in SUMMED if self.names.get(key, "").startswith(start)), None)
                if ours is not None:
                    total = sums[f"{ours}_{key[0] & DEVICE_MASK}"]
                    total[0] += int(values[rows].sum())
                    total[1] += len(rows)
        means = {key: total / count for key, (total, count) in sorted(sums.items())}
        return {"gpu_metric_samples": samples, **means}

    def _renamed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        codes = np.zeros(batch.num_rows, np.int32)
        words: list[str] = []
        for key, rows in _series(batch):
            codes[rows] = len(words)
            words.append(self.names.get(key, f"metric {key[1]}"))
        metric = pa.DictionaryArray.from_arrays(array(codes), pa.array(words, pa.string()))
        device = pa.array(numbers(batch.column("typeId")) & DEVICE_MASK)
        columns = [batch.column("timestamp"), device, metric, batch.column("value")]
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _series(batch: pa.RecordBatch) -> Iterator[tuple[Key, Integers]]:
    """The samples of each metric."""
    metrics = numbers(batch.column("metricId"), NO_ID)
    for kind, rows in grouped(numbers(batch.column("typeId"), NO_ID)):
        for metric, own in grouped(metrics[rows]):
            yield (kind, metric), rows[own]
