"""How the published weights are stored: quantization_config or hf_quant_config.json -> Checkpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from planner.families.fields import Fields
from planner.model import Checkpoint, DenseFfn, Layer, MoeFfn

DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32", "half": "fp16", "float": "fp32"}
ALWAYS = frozenset({"embedding", "lm_head", "router"})
Stored: TypeAlias = tuple[Checkpoint, tuple[str, ...]]
"""A checkpoint, and what of it the planner does not model, in a sentence each."""

NOT_WEIGHTS = re.compile(r"norm|bias|\bgate\b|router|index|conv|vision|visual|mm_proj|multi_modal|mtp|layernorm")
ROLES = {
    "shared_experts": re.compile(r"shared_expert"),
    "attention": re.compile(r"self_attn|linear_attn|(?:mixer|attention)\.(?:[qkvo]|in|out)_proj"),
    "experts": re.compile(r"experts"),
    "ffn": re.compile(r"mlp|feed_forward"),
    "lm_head": re.compile(r"lm_head"),
}


def checkpoint(fields: Fields, quant_config: Mapping[str, Any] | None, layers: tuple[Layer, ...]) -> Stored:
    """What config.json and hf_quant_config.json say of the stored weights.

    fields : config.json, not its text_config
    quant_config : hf_quant_config.json, which wins over quantization_config; None where there is none
    layers : the model's, to know which of its matrices an ignore list names
    raises : UnsupportedModel for a quantization that is not known
    """
    dtype = _dtype(fields)
    found = _section(fields, quant_config)
    if found is None:
        return Checkpoint(dtype=dtype), ()
    method = found.text("quant_method", default="modelopt" if found.has("quant_algo") else "")
    reader = METHODS.get(method.lower())
    if reader is None:
        raise found.wrong("quant_method", method, f"one of {', '.join(METHODS)}")
    scheme, block, caveats = reader(found)
    kept = frozenset({"embedding", "router"}) | _kept(found, layers)
    if scheme == "mxfp4" and method == "mxfp4":
        kept |= {"attention", "ffn", "shared_experts", "lm_head"}
    return Checkpoint(scheme, dtype, kept, block, _kv_cache(found)), caveats


def _kv_cache(found: Fields) -> str | None:
    """The format that kv_cache_quant_algo (ModelOpt) or kv_cache_scheme (compressed-tensors) declares."""
    declared = found.values.get("kv_cache_quant_algo") or found.values.get("kv_cache_scheme")
    if isinstance(declared, Mapping):
        return "fp8" if (declared.get("type"), declared.get("num_bits")) == ("float", 8) else None
    return "fp8" if "FP8" in str(declared).upper() else None


def _section(fields: Fields, quant_config: Mapping[str, Any] | None) -> Fields | None:
    if quant_config is not None:
        outer = Fields(quant_config, f"{fields.name} (hf_quant_config.json)")
        return outer.section("quantization") if outer.has("quantization") else outer
    for place in (fields, fields.section("text_config") if fields.has("text_config") else fields):
        if place.has("quantization_config"):
            return place.section("quantization_config")
    return None


def _dtype(fields: Fields) -> str:
    inner = fields.section("text_config") if fields.has("text_config") else fields
    default = inner.text("torch_dtype", "dtype", default="bfloat16")
    text = fields.text("torch_dtype", "dtype", default=default)
    if text not in DTYPES:
        raise fields.wrong("torch_dtype", text, f"one of {', '.join(DTYPES)}")
    return DTYPES[text]


Read: TypeAlias = tuple[str | None, bool, tuple[str, ...]]


def _fp8(found: Fields) -> Read:
    return "fp8", found.has("weight_block_size"), ()


def _four_bits(scheme: str) -> Callable[[Fields], Read]:
    def read(found: Fields) -> Read:
        bits = found.count("bits", "w_bit", default=4)
        if bits != 4:
            raise found.wrong("bits", bits, f"4: other {scheme} widths are not modelled")
        return scheme, False, ()

    return read


def _bitsandbytes(found: Fields) -> Read:
    return ("int8" if found.flag("load_in_8bit", default=False) else "int4"), False, (BITSANDBYTES,)


BITSANDBYTES = "Stored by bitsandbytes; counted as int8 or int4 with a scale for each group of weights."


def _modelopt(found: Fields) -> Read:
    algo = found.text("quant_algo").upper()
    if algo == "MIXED_PRECISION":
        return "nvfp4", False, (MIXED,)
    for sign, scheme in (("NVFP4", "nvfp4"), ("MXFP4", "mxfp4"), ("FP8", "fp8"), ("INT4_AWQ", "awq"), ("INT8", "int8")):
        if sign in algo and not algo.startswith("MXFP8"):
            return scheme, "BLOCK" in algo or "PB" in algo, ()
    raise found.wrong("quant_algo", algo, "FP8, NVFP4, MXFP4, INT4_AWQ, INT8 or MIXED_PRECISION")


MIXED = "Mixed precision: matrices stored as FP8 beside NVFP4 ones are counted as unquantized, so slightly too large."


def _compressed(found: Fields) -> Read:
    groups = found.section("config_groups")
    if not groups.values:
        raise found.missing("config_groups")
    first = groups.section(str(next(iter(groups.values))))
    weights = first.section("weights")
    kind = (weights.text("type", default="int"), weights.count("num_bits"))
    if kind == ("float", 4):
        return ("nvfp4" if weights.count("group_size", default=16) == 16 else "mxfp4"), False, ()
    scheme = {("float", 8): "fp8", ("int", 8): "int8", ("int", 4): "int4"}.get(kind)
    if scheme is None:
        raise weights.wrong("num_bits", kind, "4 or 8 bits, int or float")
    block = weights.text("strategy", default="channel") == "block"
    weight_only = scheme != "int4" and not first.has("input_activations")
    return scheme, block, (WEIGHT_ONLY,) if weight_only else ()


WEIGHT_ONLY = "The checkpoint leaves activations unquantized (weight-only); the planner takes them as quantized too."


def _mxfp4(_: Fields) -> Read:
    return "mxfp4", False, ()


METHODS: Mapping[str, Callable[[Fields], Read]] = {
    "fp8": _fp8,
    "awq": _four_bits("awq"),
    "gptq": _four_bits("gptq"),
    "modelopt": _modelopt,
    "mxfp4": _mxfp4,
    "compressed-tensors": _compressed,
    "bitsandbytes": _bitsandbytes,
}


def _kept(found: Fields, layers: tuple[Layer, ...]) -> frozenset[str]:
    """Roles of which at least half of the layers are left as they are."""
    quantized = found.values.get("quantized_layers")
    if isinstance(quantized, Mapping) and quantized:
        whole = {
            _role(str(key))
            for key, how in quantized.items()
            if isinstance(how, Mapping) and "4" in str(how.get("quant_algo"))
        }
        return (frozenset(ROLES) - whole) & (_present(layers) | {"lm_head"})
    lists = [found.values.get(key) for key in ("ignore", "modules_to_not_convert", "exclude_modules")]
    patterns = [p for names in lists if isinstance(names, list | tuple) for p in names if isinstance(p, str)]
    return (_named(patterns, layers) & _present(layers)) | {"lm_head"}


def _named(patterns: Iterable[str], layers: tuple[Layer, ...]) -> frozenset[str]:
    depths = {role: sum(layer.count for layer in layers if _holds(layer, role)) for role in ROLES}
    numbers: dict[str, set[str]] = {role: set() for role in ROLES}
    roles = set()
    for pattern in patterns:
        role = _role(pattern)
        number = re.search(r"\.(\d+)\b", pattern)
        if role and number:
            numbers[role].add(number.group(1))
        elif role:
            roles.add(role)
    roles |= {role for role, seen in numbers.items() if seen and 2 * len(seen) >= depths[role]}
    if "ffn" in roles and not depths["ffn"]:
        roles.add("shared_experts")
    return frozenset(roles)


def _role(pattern: str) -> str | None:
    plain = pattern.replace("\\", "")
    if NOT_WEIGHTS.search(plain.replace("shared_expert_gate", "bias").replace("(gate|", "(")):
        return None
    return next((role for role, sign in ROLES.items() if sign.search(plain)), None)


def _present(layers: tuple[Layer, ...]) -> frozenset[str]:
    return frozenset(role for role in ROLES if any(_holds(layer, role) for layer in layers))


def _holds(layer: Layer, role: str) -> bool:
    held = {
        "attention": layer.mixer is not None,
        "ffn": isinstance(layer.ffn, DenseFfn),
        "experts": isinstance(layer.ffn, MoeFfn),
        "shared_experts": isinstance(layer.ffn, MoeFfn) and layer.ffn.shared_intermediate > 0,
    }
    return held.get(role, False)
