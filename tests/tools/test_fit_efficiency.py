"""Fitting operators: what was put in comes out, what no roof allows stays out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from planner.catalogue import find_gpu
from planner.efficiency import CACHED, Efficiency
from tools.fit_efficiency import experts, gemm, link, one_processor, reading, stream, table, written
from tools.operator_tables import left_out, operators, roof_seconds, within_roofs

TABLES = Path(__file__).parents[3] / "shared" / "measurements"
H100 = find_gpu("h100-sxm")
COMPUTE, MEMORY, LATENCY = 0.8, 0.9, 4e-6


def measured(kind="gemm", gpu="h100-sxm"):
    """Products of 1 to 8,192 tokens that follow the formula to the last digit."""
    tokens, sides = (values.ravel() for values in np.meshgrid([1.0, 16, 64, 1024, 8192], [4096.0, 8192, 16384]))
    moved, flops = 2 * (sides**2 + 2 * tokens * sides), 2 * tokens * sides**2
    body = np.maximum(flops / (COMPUTE * H100.peaks["bf16"]), moved / (MEMORY * H100.bandwidth))
    return pd.DataFrame(
        {
            "kind": kind, "gpu": gpu, "format": "bf16", "gpus": 1, "rows": tokens, "flops": flops, "bytes": moved,
            "seconds": body + LATENCY, "source": "made up",
        }
    )  # fmt: skip


def test_a_product_gives_its_three_figures_back():
    found = gemm(measured(), H100, {("h100-sxm", "bf16"): MEMORY * H100.bandwidth})
    assert found == pytest.approx({"compute": COMPUTE, "memory": MEMORY, "latency": LATENCY})


def test_a_single_point_gives_a_compute_share_alone():
    point = measured().query("rows == 8192").tail(1)
    assert gemm(point, H100, {}) == pytest.approx({"compute": COMPUTE}, rel=0.02)


def test_one_processor_has_one_compute_share():
    """H100 and H200 differ in memory alone; an H20 has fewer units, an A100 is another chip."""
    shares = {"h100-sxm": 0.5, "h200-sxm": 0.6, "h20": 0.9, "a100-sxm-80gb": 0.7}
    rows = one_processor(
        [{"gpu": gpu, "format": "bf16", "compute": share, "memory": share} for gpu, share in shares.items()]
    )
    assert [row["compute"] for row in rows] == [0.55, 0.55, 0.9, 0.7]
    assert [row["memory"] for row in rows] == [*shares.values()]


@pytest.mark.parametrize("fit", [reading, stream])
def test_a_pass_over_memory_gives_two(fit):
    moved = np.geomspace(1e5, 4e9, 30)
    part = pd.DataFrame({"bytes": moved, "seconds": moved / (MEMORY * H100.bandwidth) + LATENCY})
    assert fit(part, H100) == pytest.approx({"memory": MEMORY, "latency": LATENCY}, rel=0.02)


def test_a_collective_gives_its_link_share():
    sent = np.geomspace(1e3, 4e8, 20)
    part = pd.DataFrame({"bytes": sent, "seconds": sent / (0.7 * H100.link_bandwidth) + LATENCY})
    assert link(part, H100) == pytest.approx({"link": 0.7, "latency": LATENCY})


def test_experts_come_as_shares_of_plain_products():
    """Each further expert takes 9.44 MB at 0.8 of what plain products reach; each further token its FLOPs at 0.5."""
    weights, plain = 3 * 2048 * 768, Efficiency(compute=0.8, memory=0.9)
    active, pairs = np.array([16.0, 64, 128, 8, 8]), np.array([16.0, 64, 128, 8192, 16384])
    part = pd.DataFrame({"rows": pairs / active, "bytes": active * weights * 2, "flops": 2 * pairs * weights})
    reads, works = part.bytes / (0.72 * H100.bandwidth), part.flops / (0.4 * H100.peaks["bf16"])
    found = experts(part.assign(seconds=reads.where(part.rows == 1, works) + 3e-5), H100, plain)
    assert found == pytest.approx({"compute": 0.5, "memory": 0.8})


def test_what_is_above_a_roof_stays_out_and_is_told():
    found = measured()
    found.loc[3, "seconds"] = 0.5 * roof_seconds(found)[3]
    assert len(within_roofs(found)) == len(found) - 1
    assert list(left_out(found)) == ["gemm on h100-sxm (made up): 1 of 15 above a roof"]


@pytest.mark.skipif(not TABLES.is_dir(), reason="the tables of measured operators are not here")
def test_every_table_is_read_and_the_file_is_what_they_give():
    found = operators(TABLES)
    assert set(found.source) == {"aiconfigurator", "llmservingsim", "vidur", "llmcompass", "mamf"}
    assert {"a40", "rtx-a6000", "rtx-3090", "rtx-4090", "mi210", "mi300x"} <= set(found.gpu)
    assert not found.isna().any().any()
    assert (found.seconds > 0).all()
    text = (Path(__file__).parents[2] / "data" / "efficiency.yaml").read_text(encoding="utf-8")
    assert text.endswith("".join(written(table(TABLES))))


@pytest.mark.skipif(not TABLES.is_dir(), reason="shared/measurements is not here")
@pytest.mark.parametrize("gpu", ["rtx-4090", "rtx-pro-6000"])
def test_passes_that_fit_in_the_cache_grow_as_slowly_as_the_planner_says(gpu):
    found = operators(TABLES)
    passes = found[(found.kind == "elementwise") & (found.gpu == gpu) & found.bytes.between(4e6, 72e6)]
    slope = float(np.polyfit(passes.bytes, passes.seconds, 1)[0])
    there = find_gpu(gpu)
    assert 1 / slope / there.bandwidth == pytest.approx(CACHED[there.compute_capability], rel=0.05)
