"""Number formats, quantization schemes, and what of them runs on which GPU.

A scheme says how quantized weights are stored (with their scales and zero points) and in which format they are
multiplied. Below its native compute capability vLLM runs it weight-only: weights are unpacked to 16 bits on the fly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from planner.errors import UnsupportedPrecision
from planner.gpu import Gpu
from planner.model import Model, MoeFfn
from planner.quantities import BITS_PER_BYTE

BYTES: Mapping[str, float] = MappingProxyType(
    {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 4.5 / BITS_PER_BYTE}
)
"""Stored bytes of one activation or KV element; fp4 with its fp8 scale for each 16 elements."""

BF16_CAPABILITY = 8.0
KV_CACHE_CAPABILITY = {"fp8": 8.0, "fp4": 10.0}
"""FlashInfer runs fp8 KV caches from 8.0; fp4 ones need FlashInfer on Blackwell."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How quantized weights are stored and multiplied.

    bits : of one weight [bit]
    group_bits : of the scale and zero point that a group shares [bit]
    group : weights that share them; for scales of a tensor or channel a typical length of one
    activations : format of the matmul from native_capability on; None: always 16 bits (weight-only)
    capability : compute capability from which vLLM runs it at all
    native_capability : from which the matmul itself runs in `activations`
    vendors : who runs it
    """

    name: str
    bits: float
    group_bits: float
    group: float
    activations: str | None
    capability: float
    native_capability: float
    vendors: tuple[str, ...] = ("NVIDIA", "AMD")

    @property
    def stored_bytes(self) -> float:
        """Bytes of one weight with its share of scale and zero point [bytes]."""
        return (self.bits + self.group_bits / self.group) / BITS_PER_BYTE


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        scheme.name: scheme
        for scheme in (
            Scheme("bf16", 16, 0, 1, None, BF16_CAPABILITY, BF16_CAPABILITY),
            Scheme("fp16", 16, 0, 1, None, 7.0, 7.0),
            Scheme("fp8", 8, 32, 128 * 128, "fp8", 8.0, 8.9),
            Scheme("int8", 8, 32, 4096, "int8", 7.5, 7.5),
            Scheme("awq", 4, 16 + 4, 128, None, 7.5, 7.5),
            Scheme("gptq", 4, 16 + 4, 128, None, 7.0, 7.0),
            Scheme("int4", 4, 16, 128, None, 7.5, 7.5),
            Scheme("nvfp4", 4, 8, 16, "fp4", 7.5, 10.0, ("NVIDIA",)),
            Scheme("mxfp4", 4, 8, 32, "fp8", 8.0, 10.0),
        )
    }
)
"""Capabilities: vLLM 0.33. Its fp8 configuration admits 7.5 through weight-only kernels; we ask for 8.0, since a GPU
below it has neither fp8 nor bf16 arithmetic, and its own int8, AWQ and GPTQ paths are the ones in use there."""

WEIGHT_ONLY_FP8_VENDORS = ("NVIDIA",)


@dataclass(frozen=True, slots=True)
class Quantization:
    """The formats that one model runs in on one GPU.

    base : 16-bit format of activations between ops and of what is not quantized
    matmul : format in which quantized weights are multiplied
    weight_bytes : of one quantized weight, scales included [bytes]
    kv_cache : format of keys and values
    unquantized : roles kept in `base`
    """

    scheme: str
    base: str
    matmul: str
    weight_bytes: float
    kv_cache: str
    unquantized: frozenset[str]

    def bytes_of(self, role: str) -> float:
        """Stored bytes of one weight of a role ("attention", "ffn", "experts", "lm_head", ...) [bytes]."""
        return BYTES[self.base] if role in self.unquantized else self.weight_bytes

    def format_of(self, role: str) -> str:
        """Number format in which that role is multiplied."""
        return self.base if role in self.unquantized else self.matmul


def quantization(scheme: str | None, kv_cache: str, gpu: Gpu, model: Model) -> Quantization:
    """The formats of a model on a GPU, or a clear refusal.

    scheme : name of SCHEMES; None or "auto" takes the checkpoint's own, else 16 bits
    kv_cache : "auto" (what the checkpoint declares, else 16 bits), "fp8" or "fp4"
    raises : UnsupportedPrecision naming what runs instead
    """
    asked = None if scheme in (None, "", "auto") else scheme
    base = "bf16" if gpu.capability >= BF16_CAPABILITY else "fp16"
    name = asked or model.checkpoint.scheme or base
    chosen = SCHEMES.get(name)
    if chosen is None:
        raise UnsupportedPrecision(f'No quantization "{name[:40]}". Choose one of: {", ".join(SCHEMES)}.')
    if not runs(chosen, gpu):
        raise UnsupportedPrecision(
            f"{gpu.label} (compute capability {gpu.compute_capability}) cannot run {name}: {_reason(chosen, gpu)} "
            f"Choose one of: {', '.join(other.name for other in SCHEMES.values() if runs(other, gpu))}."
        )
    base = name if name in ("bf16", "fp16") else base
    native = chosen.activations is not None and gpu.capability >= chosen.native_capability
    return Quantization(
        scheme=name,
        base=base,
        matmul=chosen.activations if native and chosen.activations else base,
        weight_bytes=chosen.stored_bytes,
        kv_cache=_kv_format(_declared(kv_cache, name, gpu, model), base, gpu),
        unquantized=_unquantized(name, model),
    )


def runs(scheme: Scheme, gpu: Gpu) -> bool:
    """Whether vLLM runs a scheme on a GPU at all."""
    if gpu.vendor not in scheme.vendors or gpu.capability < scheme.capability:
        return False
    weight_only = scheme.activations is not None and gpu.capability < scheme.native_capability
    return not (scheme.name == "fp8" and weight_only and gpu.vendor not in WEIGHT_ONLY_FP8_VENDORS)


def schemes_on(gpu: Gpu) -> tuple[str, ...]:
    """Names of the schemes that a GPU runs, in the order of the table."""
    return tuple(scheme.name for scheme in SCHEMES.values() if runs(scheme, gpu))


def _reason(scheme: Scheme, gpu: Gpu) -> str:
    if gpu.vendor not in scheme.vendors:
        return f"its kernels are for {', '.join(scheme.vendors)} alone."
    return f"vLLM needs {scheme.capability} for it."


def _declared(asked: str, scheme: str, gpu: Gpu, model: Model) -> str:
    """What "auto" means: the format that the checkpoint declares, where the GPU can hold it."""
    declared = model.checkpoint.kv_cache
    if asked not in ("", "auto") or declared is None or scheme != model.checkpoint.scheme:
        return asked
    return declared if gpu.capability >= KV_CACHE_CAPABILITY[declared] else asked


def _kv_format(asked: str, base: str, gpu: Gpu) -> str:
    if asked in ("", "auto", base):
        return base
    name = {"fp8_e4m3": "fp8", "fp8_e5m2": "fp8", "nvfp4": "fp4"}.get(asked, asked)
    needed = KV_CACHE_CAPABILITY.get(name)
    if needed is None:
        raise UnsupportedPrecision(
            f'No KV cache format "{asked[:40]}". Choose one of: auto, {", ".join(KV_CACHE_CAPABILITY)}.'
        )
    if gpu.capability < needed:
        raise UnsupportedPrecision(
            f"{gpu.label} (compute capability {gpu.compute_capability}) cannot hold its KV cache in {name}: vLLM's "
            f"attention kernels for it need {needed}. Choose auto."
        )
    return name


def _unquantized(name: str, model: Model) -> frozenset[str]:
    if name == model.checkpoint.scheme:
        return model.checkpoint.unquantized
    kept = {"embedding", "lm_head", "router"}
    if name == "mxfp4" and any(isinstance(layer.ffn, MoeFfn) for layer in model.layers):
        kept |= {"attention", "shared_experts"}
    return frozenset(kept)
