"""Which layers see only a window of tokens, and how wide it is: one rule a family, unless layer_types spells it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from planner.families.fields import Fields
from planner.families.parts import Windows, depth

Window: TypeAlias = int | None


def everywhere(fields: Fields) -> tuple[Window, ...]:
    """Every layer sees everything."""
    return (None,) * depth(fields)


def mistral(fields: Fields) -> tuple[Window, ...]:
    """The window, if there is one, holds in every layer (Mistral 7B v0.1, Phi-3)."""
    return (_width(fields),) * depth(fields)


def qwen(fields: Fields) -> tuple[Window, ...]:
    """A window from layer max_window_layers on, and only where use_sliding_window says so."""
    layers = depth(fields)
    if not fields.flag("use_sliding_window", default=False):
        return (None,) * layers
    full = min(fields.count("max_window_layers", default=0, least=0), layers)
    return (None,) * full + (_required(fields),) * (layers - full)


def alternating(fields: Fields) -> tuple[Window, ...]:
    """Every second layer slides, the first included (Gemma 2, gpt-oss)."""
    return _periodic(fields, 2)


def gemma3(fields: Fields) -> tuple[Window, ...]:
    """One layer in six sees everything, or one in sliding_window_pattern (Gemma 3, Gemma 4)."""
    return _periodic(fields, fields.count("sliding_window_pattern", "_sliding_window_pattern", default=6))


def llama4(fields: Fields) -> tuple[Window, ...]:
    """Chunks of attention_chunk_size, except where no_rope_layers holds a 0: by default every fourth layer."""
    layers, chunk = depth(fields), fields.optional("attention_chunk_size")
    if not fields.values.get("no_rope_layers"):
        return tuple(None if (i + 1) % 4 == 0 else _narrower(fields, chunk) for i in range(layers))
    ropes = fields.each("no_rope_layers", layers, (0, 1))
    return tuple(_narrower(fields, chunk) if rope else None for rope in ropes)


def typed(otherwise: Windows) -> Windows:
    """The windows that layer_types gives.

    otherwise : the family's rule for a config without layer_types
    """

    def windows(fields: Fields) -> tuple[Window, ...]:
        if not fields.has("layer_types"):
            return otherwise(fields)
        kinds = fields.each("layer_types", depth(fields), tuple(WIDTHS))
        return tuple(WIDTHS[str(kind)](fields) for kind in kinds)

    return windows


def _periodic(fields: Fields, period: int) -> tuple[Window, ...]:
    width = _width(fields)
    return tuple(None if (i + 1) % period == 0 else width for i in range(depth(fields)))


def _required(fields: Fields) -> Window:
    return _narrower(fields, fields.count("sliding_window"))


def _width(fields: Fields) -> Window:
    return _narrower(fields, fields.optional("sliding_window", "sliding_window_size"))


def _narrower(fields: Fields, width: Window) -> Window:
    longest = fields.count("max_position_embeddings")
    return width if width is not None and width < longest else None


def _chunk(fields: Fields) -> Window:
    return _narrower(fields, fields.count("attention_chunk_size"))


def _all_tokens(_: Fields) -> Window:
    return None


WIDTHS: Mapping[str, Callable[[Fields], Window]] = {
    "full_attention": _all_tokens,
    "sliding_attention": _required,
    "chunked_attention": _chunk,
}
