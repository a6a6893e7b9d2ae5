"""Readers of end_to_end.csv: one dataset, one function, a row -> the question to ask and what was measured (READERS).

Engines are predicted as vLLM, SGLang with its own host times, all with the limits that their own benchmark ran under.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tools.accuracy_cases import Row
from tools.end_to_end_asked import (
    NOT_PREDICTED,
    Asked,
    cells_of,
    filled,
    held,
    kv_of,
    room_for,
    short_lengths,
    static_batch,
)
from tools.end_to_end_names import Refused, model_name, split

MLPERF_LENGTHS = {
    "llama2-70b": (222, 219),
    "mixtral-8x7b": (427, 145),
    "llama3.1-405b": (9429, 685),
    "llama3.1-8b": (871, 82),
}
"""Mean prompt and output tokens of MLPerf's datasets; measurements/README.md."""
MLPERF_ROOM = 256
"""Requests that the smallest split of MLPERF_SPLITS should hold: below, its weights are read for too few of them."""
MLPERF_SPLITS = (1, 2, 4, 8)


def inferencex(row: Row) -> Asked:
    """SGLang and TensorRT-LLM in a closed loop, as vllm_serving.csv: lengths 0.8-1.0 of nominal, ten turns."""
    outputs = {"tpot": "tpot_ms", "ttft": "ttft_ms", "output_tput_per_gpu": "output_tokens_per_s"}
    metric = row["metric"].removeprefix("mean_").removeprefix("median_")
    if metric not in outputs:
        raise Refused("same measurement as another row")
    tensor, expert = split(row["notes"])
    random = not row["notes"].startswith("nvidia-internal")
    share = 0.9 if random else 1.0
    load = {
        "concurrency": row["batch_or_concurrency"],
        "input_tokens": f"{share * float(row['input_len']):.0f}",
        "output_tokens": f"{share * float(row['output_len']):.0f}",
        "random_range_ratio": "0.8" if random else "1",
        "requests": f"{10 * float(row['batch_or_concurrency']):.0f}" if random else "",
    }
    kv = "fp8" if _inferencex_fp8_kv(row) else "auto"
    cells = cells_of(row, tensor, quantization=_inferencex_scheme(row), kv_cache=kv, expert_parallel=expert, **load)
    replica = float(tensor) if metric == "output_tput_per_gpu" else 1.0
    name = "trtllm" if row["engine"] in ("trt", "trtllm") else row["engine"]
    return Asked(f"{name} serving {outputs[metric]}", cells, outputs[metric], float(row["value"]) * replica)


def argonne(row: Row) -> Asked:
    """Static batches, prefill included, on A100 and H100 in vLLM and TensorRT-LLM."""
    if row["engine"] not in ("vLLM", "TensorRT-LLM") or not row["gpu"].startswith(("A100", "H100")):
        raise Refused("engine is immature on this hardware, or not modelled")
    if re.search(r"Type=.*(?:Pipeline|PP|EP)", row["notes"]):
        raise Refused("pipeline or expert parallelism")
    if row["dtype_kv"] == "int8":
        raise Refused("KV cache format has no name")
    version = "0.5.0" if row["engine"] == "vLLM" else ""
    kv = "fp8" if row["dtype_kv"] == "fp8" else "auto"
    return static_batch(row, "argonne", kv_cache=kv, engine_version=version)


def dstack(row: Row) -> Asked:
    """Llama-3.1-405B on eight GPUs in vLLM 0.6: static batches, and an open loop."""
    outputs = {"mean_tpot_ms": "tpot_ms", "mean_ttft_ms": "ttft_ms"}
    if row["metric"] == "e2e_latency_static_batch":
        return static_batch(row, "dstack", quantization="fp8", engine_version="0.6.3")
    if row["metric"] not in outputs:
        raise Refused("same measurement as another row")
    found = re.match(r"qps=(\d+) n=(\d+)", row["batch_or_concurrency"])
    load = {"request_rate": found[1], "requests": found[2], "concurrency": "256"} if found else {}
    cells = cells_of(row, row["n_gpus"], quantization="fp8", engine_version="0.6.3", **load)
    output = outputs[row["metric"]]
    return Asked(f"dstack open loop {output}", cells, output, float(row["value"]))


def qwen(row: Row) -> Asked:
    """One request in vLLM; speed = generated tokens / time, prefill included."""
    if row["engine"] != "vLLM":
        raise Refused("engine without CUDA graphs of its own: transformers")
    if row["metric"] != "speed":
        raise Refused("metric is not predicted")
    cells = cells_of(row, row["n_gpus"], mode="batch", engine_version=row["engine_version"], **ALL_MEMORY)
    return Asked("qwen vLLM batch 1 output_tokens_per_s", cells, "output_tokens_per_s", float(row["value"]))


def static_throughput(row: Row) -> Asked:
    """TensorRT-LLM, one static batch: output tokens over the time of the batch, and the first token at batch 1."""
    if row["metric"] == "ttft":
        return static_batch(row, "trtllm static", kv_cache=kv_of(row))
    if "ambiguous" in row["notes"] and row["n_gpus"] != "1":
        raise Refused("total or a GPU's share: the source does not say")
    gpus = float(row["n_gpus"]) if row["metric"].endswith("per_gpu") else 1.0
    cells = cells_of(row, row["n_gpus"], mode="batch", kv_cache=kv_of(row), **room_for(row))
    name = "trtllm static output_tokens_per_s"
    return Asked(name, cells, "output_tokens_per_s", gpus * float(row["value"]))


def max_throughput(row: Row) -> Asked:
    """TensorRT-LLM at an infinite rate: as many in flight as the KV cache holds."""
    cells = filled(cells_of(row, row["n_gpus"], kv_cache=kv_of(row)))
    return Asked("trtllm max load output_tokens_per_s", cells, "output_tokens_per_s", float(row["value"]))


def qserve(row: Row) -> Asked:
    """TensorRT-LLM's baselines in the QServe paper: the largest static batch that fits, lengths 1,024 and 512."""
    cells = filled(cells_of(row, row["n_gpus"], mode="batch"))
    return Asked("qserve's TRT-LLM output_tokens_per_s", cells, "output_tokens_per_s", float(row["value"]))


def lmdeploy(row: Row) -> Asked:
    """TurboMind in a closed loop."""
    outputs = {"output_throughput_total": ("output_tokens_per_s", 1.0), "ttft_mean": ("ttft_ms", 1e3)}
    outputs["itl_p50"] = ("tpot_ms", 1e3)
    if row["metric"] not in outputs:
        raise Refused("metric is not predicted")
    if not row["input_len"].isdigit():
        raise Refused("lengths are not given")
    output, unit = outputs[row["metric"]]
    cells = cells_of(row, row["n_gpus"], **room_for(row))
    return Asked(f"lmdeploy {output}", cells, output, unit * float(row["value"]))


def splitwise(row: Row) -> Asked:
    """Llama-2-70B in the vLLM of 2023, eager and bound by its host."""
    outputs = {"decode_step_latency": "tpot_ms", "prefill_latency": "ttft_ms"}
    if row["metric"] not in outputs:
        raise Refused("same measurement as others of the row" if row["metric"] == "e2e_latency" else NOT_PREDICTED)
    output = outputs[row["metric"]]
    cells = cells_of(row, row["n_gpus"], mode="batch", engine_version="0.2.0", enforce_eager="true", **room_for(row))
    return Asked(f"splitwise {output}", cells, output, float(row["value"]))


def local_decode(row: Row) -> Asked:
    """Desktop engines, one or few sequences on one GPU: tokens per second of the decode, or of the prompt."""
    batch, prompt, output = float(row["batch_or_concurrency"]), *short_lengths(row)
    if row["metric"] not in ("decode_tok_s", "prefill_tok_s"):
        raise Refused(NOT_PREDICTED)
    if row["n_gpus"] != "1" and row["dataset"] != "gptfast_ao_bs1":
        raise Refused("layers are split over GPUs")
    load = {"input_tokens": str(prompt), "output_tokens": str(output), "mode": "batch"}
    cells = cells_of(row, row["n_gpus"], **ALL_MEMORY, **load)
    of_prompt = row["metric"] == "prefill_tok_s"
    tokens = batch * prompt if of_prompt else batch
    metric = "ttft_ms" if of_prompt else "tpot_ms"
    return Asked(f"{row['dataset']} {metric}", cells, metric, 1e3 * tokens / float(row["value"]))


def mlc(row: Row) -> Asked:
    """MLC's comparison: 16-bit rows of MLC and vLLM in tensor parallel over PCIe; four bits mean five formats."""
    if row["dtype_weights"] != "fp16" or row["engine"] not in ("vLLM", "MLC-LLM", "MLC LLM"):
        raise Refused("weight format has no scheme")
    cells = cells_of(row, row["n_gpus"], mode="batch", **ALL_MEMORY)
    return Asked("mlc_llm_perf_bench tpot_ms", cells, "tpot_ms", 1e3 / float(row["value"]))


def mlperf(row: Row) -> Asked:
    """Offline; assumed: fp8 (nvfp4 on Blackwell), the smallest split with room, replicas on the rest."""
    name = model_name(row["model"])
    lengths = MLPERF_LENGTHS.get(row["model"].removesuffix("-datacenter") if "llama3.1-8b" in row["model"] else name)
    if lengths is None:
        raise Refused("model is not in the catalogue")
    blackwell = re.search(r"B[23]00|PRO 6000", row["gpu"]) is not None
    formats = {"quantization": "nvfp4" if blackwell else "fp8", "kv_cache": "fp8"}
    load = {"input_tokens": str(lengths[0]), "output_tokens": str(lengths[1])}
    gpus = int(row["n_gpus"])
    splits = [size for size in MLPERF_SPLITS if gpus % size == 0]
    asked = {size: cells_of(row, str(size), **formats, **load) for size in splits}
    rooms = {size: held(cells) for size, cells in asked.items()}
    tensor = next((size for size in splits if rooms[size] >= MLPERF_ROOM), splits[-1])
    share = float(row["value"]) * tensor / gpus
    return Asked("mlperf offline output_tokens_per_s", filled(asked[tensor]), "output_tokens_per_s", share)


def no_lengths(row: Row) -> Asked:
    """Sources that do not give prompt and output lengths."""
    raise Refused(f"lengths are not given: {row['dataset']}")


READERS: Mapping[str, Callable[[Row], Asked]] = {
    "inferencex_silicon_agg": inferencex,
    "inferencex_app_dsr1": inferencex,
    "argonne_llm_inference_bench": argonne,
    "dstack_h100_mi300x_405b": dstack,
    "qwen_speed_benchmark": qwen,
    "trtllm_static_batch": static_throughput,
    "trtllm_max_throughput": max_throughput,
    "qserve_a100_l40s": qserve,
    "lmdeploy_a100": lmdeploy,
    "splitwise_perf_model": splitwise,
    "mlc_llm_perf_bench": mlc,
    "mlperf_inference_llm": mlperf,
    "fastertransformer_a100": lambda row: static_batch(row, "fastertransformer"),
    "autoawq_rtx4090": local_decode,
    "gptfast_ao_bs1": local_decode,
    "llamacpp_xiongjiedai": local_decode,
    "exllamav2_bs1": local_decode,
    "nmvllm_a10g_l4_nightly": no_lengths,
}
ALL_MEMORY = {"gpu_memory_utilization": "0.98"}
"""Where the batch is one, how much memory is set aside moves nothing but whether it fits."""


def _inferencex_fp8_kv(row: Row) -> bool:
    """Recipes say; where they do not, NVIDIA's own checkpoints and TensorRT-LLM's gpt-oss recipe keep it in fp8."""
    told = row["dtype_kv"]
    if row["dataset"] == "inferencex_app_dsr1":
        return not (row["engine"] == "sglang" and row["gpu"].startswith("H200"))
    return told == "recipe: fp8" or (told == "unspecified" and not row["model"].startswith("Qwen/"))


def _inferencex_scheme(row: Row) -> str:
    if "gpt-oss" in row["model"]:
        return ""
    return {"fp4": "nvfp4", "fp8": "fp8"}[row["dtype_weights"].split()[0]] if "Qwen3" not in row["model"] else ""
