"""What else a kernel's name tells: the number format that it computes in, and the tile that a block of it works on.

| name                                             | format | tile       |
| ------------------------------------------------ | ------ | ---------- |
| nvjet_tst_128x256_64x4_1x2_h_bz_coopA_TNT        | bf16   | 128x256x64 |
| ampere_fp16_s16816gemm_fp16_128x64_ldg8_f2f_tn   | fp16   | 128x64     |
| sm90_xmma_gemm_e4m3bf16..._tilesize64x64x128_... | fp8    | 64x64x128  |
| Cijk_Alik_Bljk_BBS_BH_..._MT128x256x32_...       | bf16   | 128x256x32 |
| void marlin::Marlin<...>                         |        |            |

A tile is rows x columns x depth of the product that one block (or cluster) holds at a time, the depth where it is told.
The format is the narrowest one told: of a product of FP8 or 4-bit weights it is theirs.
"""

from __future__ import annotations

import csv
import re
from functools import cache, lru_cache
from pathlib import Path

from importers.kernels import LONGEST_NAME

FORMATS_FILE = Path(__file__).parent.parent / "data" / "kernel_formats.csv"
_TILES = (
    re.compile(r"tilesize(\d{1,3})x(\d{1,3})x(\d{1,3})"),
    re.compile(r"_MT(\d{1,3})x(\d{1,3})x(\d{1,4})_"),
    re.compile(r"_bt(\d{1,3})x(\d{1,3})x(\d{1,3})_"),
    re.compile(r"_t(\d{1,3})x(\d{1,3})x(\d{1,3})u"),
    re.compile(r"matmul_ogs\w*_(\d{1,3})x(\d{1,3})x(\d{1,3})x\d"),
    re.compile(r"GemmShape<(?:\(int\))?(\d{1,3}), (?:\(int\))?(\d{1,3}), (?:\(int\))?(\d{1,3})>"),
    re.compile(r"(?:nvjet|gemm|fprop|dgrad|wgrad)\w*?_(\d{2,3})x(\d{1,3})_(\d{1,3})x\d"),
    re.compile(r"(?:gemm|fprop|dgrad|wgrad)\w*?_(\d{2,3})x(\d{1,3})_\w*?stages_(\d{1,3})x\d"),
    re.compile(r"(?:gemm|scudnn|fprop|dgrad|wgrad)\w*?_(\d{2,3})x(\d{1,3})(?:_|$)"),
)


@lru_cache(maxsize=65_536)
def number_format(name: str) -> str | None:
    """The format of the numbers that a kernel multiplies or moves; None if its name does not tell.

    name : as a profiler wrote it

    >>> number_format("ampere_bf16_s16816gemm_bf16_128x64_ldg8_f2f_tn"), number_format("vectorized_elementwise_kernel")
    ('bf16', None)
    """
    looked_at = name[:LONGEST_NAME]
    return next((told for pattern, told in formats() if pattern.search(looked_at)), None)


@lru_cache(maxsize=65_536)
def tile(name: str) -> str | None:
    """Rows x columns, and x depth where told, of a matrix product's tile; None if its name does not tell.

    name : as a profiler wrote it

    >>> tile("nvjet_tst_128x256_64x4_1x2_h_bz_coopA_TNT"), tile("volta_sgemm_128x32_nn")
    ('128x256x64', '128x32')
    """
    looked_at = name[:LONGEST_NAME]
    found = next((match for pattern in _TILES if (match := pattern.search(looked_at))), None)
    return "x".join(found.groups()) if found else None


@cache
def formats() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The patterns of data/kernel_formats.csv in their order, each with its format; case does not matter."""
    with FORMATS_FILE.open(encoding="utf-8", newline="") as file:
        return tuple((re.compile(row["pattern"], re.IGNORECASE), row["format"]) for row in csv.DictReader(file))
