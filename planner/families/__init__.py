"""config.json -> Model. One family of architectures a file; a reader for each model_type stands in a mapping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from planner.errors import UnsupportedModel, nearest
from planner.families import towers
from planner.families.dense import DENSE, LLAMA
from planner.families.fields import Fields
from planner.families.hybrid import HYBRID
from planner.families.latent import LATENT
from planner.families.moe import MOE, PLAIN_MOE
from planner.families.parts import Family, layers_of
from planner.families.refused import REFUSED, is_plain_dense, is_plain_moe
from planner.families.stored import checkpoint
from planner.model import Model
from planner.quantities import Source

FAMILIES: Mapping[str, Family] = {**DENSE, **MOE, **LATENT, **HYBRID}

Tower = Callable[[Fields, int], int]

WRAPPED: Mapping[str, tuple[str, Tower | None]] = {
    "qwen2_5_vl": ("qwen2", towers.qwen2_5_vl),
    "qwen3_vl": ("qwen3", towers.qwen3_vl),
    "qwen3_vl_moe": ("qwen3_moe", towers.qwen3_vl),
    "qwen3_5": ("qwen3_5_text", None),
    "qwen3_5_moe": ("qwen3_5_moe_text", None),
    "gemma3": ("gemma3_text", towers.siglip),
    "gemma4": ("gemma4_text", towers.gemma4),
    "mistral3": ("mistral", towers.pixtral),
    "ministral3": ("mistral", towers.pixtral),
    "llama4": ("llama4_text", None),
    "kimi_k25": ("kimi_k2", towers.moonvit),
}
"""What a model that also sees consists of: a language model, and a tower; None: the tower is not counted."""

UNCOUNTED_TOWER = "The vision tower is not counted: the figures are those of vLLM with --language-model-only."
GUESSED = (
    "The model_type '{0}' is not known. Its config has every field of a plain {1} and no other, so it is read as one; "
    "small weights such as biases and further norms may be missing."
)


def model_from_config(
    config: Mapping[str, Any], name: str, source: Source, quant_config: Mapping[str, Any] | None = None
) -> Model:
    """A model as its config.json describes it.

    config : the parsed config.json
    name : what to call it
    source : where the file is from
    quant_config : the parsed hf_quant_config.json, if there is one
    raises : UnsupportedModel naming file and field, or the model_type and the supported ones
    """
    if not isinstance(config, Mapping):
        raise UnsupportedModel(
            f"config.json of {name}: it is a {type(config).__name__}, not an object. Give the whole file."
        )
    if quant_config is not None and not isinstance(quant_config, Mapping):
        raise UnsupportedModel(
            f"hf_quant_config.json of {name}: it is not an object. Give the whole file, or leave it out."
        )
    root = _unpacked(Fields(config, name))
    kind = root.text("model_type", default="")
    fields = _language_fields(root)
    family, caveats = _family(kind, root, fields)
    layers = layers_of(fields, family)
    stored, more = checkpoint(root, quant_config, layers)
    tower, unseen = _tower(kind, root, fields)
    return Model(
        name=name,
        family=kind,
        hidden=fields.count("hidden_size", "n_embd"),
        vocab=fields.count("vocab_size"),
        tied=fields.flag("tie_word_embeddings", default=family.tied),
        max_context=fields.count("max_position_embeddings", "n_positions"),
        layers=layers,
        source=source,
        checkpoint=stored,
        other_parameters=family.outside(fields) + tower,
        caveats=caveats + more + unseen,
    )


def _unpacked(fields: Fields) -> Fields:
    """MLC's own files nest the config under model_config."""
    if not fields.has("model_config"):
        return fields
    inner = fields.section("model_config")
    return Fields({"model_type": fields.values.get("model_type"), **inner.values}, fields.name)


def _language_fields(root: Fields) -> Fields:
    if not root.has("text_config"):
        return root
    inner = root.section("text_config")
    tied = root.values.get("tie_word_embeddings")
    return Fields({**inner.values, **({} if tied is None else {"tie_word_embeddings": tied})}, inner.name)


def _family(kind: str, root: Fields, fields: Fields) -> tuple[Family, tuple[str, ...]]:
    if kind in REFUSED:
        raise root.refused(f"model_type '{kind}' is not supported. {REFUSED[kind]}")
    if kind in WRAPPED:
        return FAMILIES[WRAPPED[kind][0]], ()
    if kind in FAMILIES and fields is root:
        return FAMILIES[kind], ()
    if is_plain_dense(root):
        return LLAMA, (GUESSED.format(kind, "Llama-like dense model"),)
    if is_plain_moe(root):
        return PLAIN_MOE, (GUESSED.format(kind, "Mixtral-like mixture of experts"),)
    raise root.refused(
        f"model_type '{kind[:60]}' is not supported, and the config is not that of a plain Llama-like model. "
        f"Nearest supported: {nearest(kind[:60], sorted({*FAMILIES, *WRAPPED}), 6)}. "
        f"All: {', '.join(sorted({*FAMILIES, *WRAPPED}))}."
    )


def _tower(kind: str, root: Fields, fields: Fields) -> tuple[int, tuple[str, ...]]:
    if kind not in WRAPPED or (fields is root and not root.has("vision_config")):
        return 0, ()
    count = WRAPPED[kind][1]
    if count is None:
        return 0, (UNCOUNTED_TOWER,)
    if not root.has("vision_config"):
        return 0, ()
    return count(root.section("vision_config"), fields.count("hidden_size")), ()
