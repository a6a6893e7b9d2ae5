"""Run by the Python that has torch, not by ours: `python decode_probe.py FOLDER cuda 1 8 32`. Traces decode steps.

A few layers of Llama-3.1-8B in bfloat16 with their KV caches, one step for each batch under PyTorch's profiler: the
ranges are named as vLLM names its own, so that an importer tells the steps. config.json says what was run; rotary
embeddings are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SHAPES = {
    "cuda": {"hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8,
             "vocab_size": 128256, "num_hidden_layers": 4},
    "cpu": {"hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4, "num_key_value_heads": 2,
            "vocab_size": 1024, "num_hidden_layers": 2},
}  # fmt: skip
HEAD_DIM = {"cuda": 128, "cpu": 64}
CONTEXT = {"cuda": 1024, "cpu": 64}
"""Of every sequence [tokens]."""
WARM_UP, STEPS = 5, 5


def main(folder: Path, device: str, batches: list[int]) -> None:
    """Writes config.json and, for each batch, a trace decode_b{batch}.json.gz."""
    import torch  # noqa: PLC0415 - of the other Python

    folder.mkdir(parents=True, exist_ok=True)
    shapes, head_dim = SHAPES[device], HEAD_DIM[device]
    about = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16",
             "head_dim": head_dim, "hidden_act": "silu", "tie_word_embeddings": False, "rms_norm_eps": 1e-5,
             "max_position_embeddings": 131072, "rope_theta": 500000.0, **shapes}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(about, indent=2), encoding="utf-8")
    layers = [_layer(torch, device, shapes, head_dim) for _ in range(shapes["num_hidden_layers"])]
    head = _weights(torch, device, shapes["hidden_size"], shapes["vocab_size"])
    with torch.inference_mode():
        for batch in batches:
            _traced(torch, device, layers, head, batch, folder / f"decode_b{batch}.json.gz")


def _traced(torch: Any, device: str, layers: list[Any], head: Any, batch: int, target: Path) -> None:
    """Some steps of a batch under the profiler, after a warm-up."""
    caches = [_caches(torch, device, layer, batch) for layer in layers]
    state = torch.randn(batch, head.shape[0], device=device, dtype=torch.bfloat16)
    for _ in range(WARM_UP):
        _step(torch, layers, caches, head, state)
    kinds = torch.profiler.ProfilerActivity
    activities = [kinds.CPU, kinds.CUDA] if device == "cuda" else [kinds.CPU]
    with torch.profiler.profile(activities=activities, record_shapes=True) as profiler:
        for _ in range(STEPS):
            with torch.profiler.record_function(f"execute_context_0(0)_generation_{batch}({batch})"):
                _step(torch, layers, caches, head, state)
            if device == "cuda":
                torch.cuda.synchronize()
    profiler.export_chrome_trace(str(target))


def _step(torch: Any, layers: list[Any], caches: list[Any], head: Any, state: Any) -> Any:
    for layer, (keys, values) in zip(layers, caches, strict=True):
        state = state + _attention(torch, layer, keys, values, _norm(torch, state))
        gate, up = (_norm(torch, state) @ layer["up"]).chunk(2, dim=-1)
        state = state + (torch.nn.functional.silu(gate) * up) @ layer["down"]
    return (_norm(torch, state) @ head).argmax(dim=-1)


def _attention(torch: Any, layer: Any, keys: Any, values: Any, state: Any) -> Any:
    """One new token of each sequence against its KV cache; its own key and value take the last place."""
    batch, each = state.shape[0], layer["head_dim"]
    shared = layer["kv_heads"] * each
    queries, key, value = (state @ layer["qkv"]).split([layer["heads"] * each, shared, shared], dim=-1)
    keys[:, :, -1] = key.view(batch, -1, each)
    values[:, :, -1] = value.view(batch, -1, each)
    found = torch.nn.functional.scaled_dot_product_attention(
        queries.view(batch, layer["heads"], 1, each), keys, values, enable_gqa=True
    )
    return found.reshape(batch, -1) @ layer["output"]


def _norm(torch: Any, state: Any) -> Any:
    return torch.nn.functional.rms_norm(state, state.shape[-1:])


def _layer(torch: Any, device: str, shapes: dict[str, int], head_dim: int) -> dict[str, Any]:
    hidden, heads, kv_heads = (shapes[name] for name in ("hidden_size", "num_attention_heads", "num_key_value_heads"))
    return {
        "heads": heads, "kv_heads": kv_heads, "head_dim": head_dim,
        "qkv": _weights(torch, device, hidden, (heads + 2 * kv_heads) * head_dim),
        "output": _weights(torch, device, heads * head_dim, hidden),
        "up": _weights(torch, device, hidden, 2 * shapes["intermediate_size"]),
        "down": _weights(torch, device, shapes["intermediate_size"], hidden),
    }  # fmt: skip


def _caches(torch: Any, device: str, layer: dict[str, Any], batch: int) -> tuple[Any, Any]:
    shape = (batch, layer["kv_heads"], CONTEXT[device], layer["head_dim"])
    keys, values = (torch.randn(shape, device=device, dtype=torch.bfloat16) for _ in range(2))
    return keys, values


def _weights(torch: Any, device: str, rows: int, columns: int) -> Any:
    return torch.randn(rows, columns, device=device, dtype=torch.bfloat16) / rows**0.5


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], [int(word) for word in sys.argv[3:]])
