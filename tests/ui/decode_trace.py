"""An export of Nsight Systems with decode steps of a small dense model: kernels in the order of vLLM's, one unknown."""

from __future__ import annotations

from pathlib import Path

from tests.importers import samples

LAYER = (
    "void vllm::rms_norm_kernel<c10::BFloat16>(...)",
    "nvjet_tst_64x8",
    "void vllm::rotary_embedding_kernel<c10::BFloat16>(...)",
    "void vllm::reshape_and_cache_flash_kernel<c10::BFloat16>(...)",
    "void flash::flash_fwd_splitkv_kernel<__half>(Params)",
    "nvjet_tst_64x8",
    "void vllm::rms_norm_kernel<c10::BFloat16>(...)",
    "nvjet_tst_128x16",
    "void vllm::act_and_mul_kernel<c10::BFloat16>(...)",
    "nvjet_tst_64x8",
    "my_fused_thing",
)
HEAD = ("nvjet_tst_256x16", "void at::native::reduce_kernel<512, 1, at::native::ArgMaxOps<float>>")
LAYERS, STEPS = 32, 5
EACH, GAP, HOST = 20_000, 1_000, 400_000
"""Each kernel, the idle time after it, and after a step [ns]."""
PID, TID = samples.PROCESS << 24, samples.PROCESS << 24 | 77


def decode_trace(path: Path, mark: str = "execute_context_0(0)_generation_8(8)") -> Path:
    """Writes the export; each step has a mark, as vLLM makes it, and its last two kernels lie after it."""
    order = (*LAYER * LAYERS, *HEAD)
    ids = {name: 30 + place for place, name in enumerate(dict.fromkeys(order))}
    kernels, calls, marks, at, correlation = [], [], [], 1_000_000, 0
    for _ in range(STEPS):
        begun = at
        marks.append((at - 90_000, at - 20_000, 59, mark, TID, None))
        for place, name in enumerate(order):
            correlation += 1
            launched = begun - (85_000 - 100 * place if place < len(order) - len(HEAD) else 10_000)
            calls.append((launched, launched + 10, correlation, 9, TID))
            kernels.append((at, at + EACH, 0, 1, 7, correlation, PID, ids[name], ids[name], *[1] * 9, None))
            at += EACH + GAP
        at += HOST
    strings = [*samples.NAMES.items(), *((number, name) for name, number in ids.items())]
    runtime = samples.RUNTIME.replace(")", ", globalTid INTEGER)")
    tables = {"CUPTI_ACTIVITY_KIND_KERNEL": kernels, "StringIds": strings, "NVTX_EVENTS": marks}
    return samples.export(path, (), runtime, CUPTI_ACTIVITY_KIND_RUNTIME=calls, **tables)
