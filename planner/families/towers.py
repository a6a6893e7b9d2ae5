"""Parameters of the vision towers and of what joins them to the language model. Counted, never computed with."""

from __future__ import annotations

from planner.families.fields import Fields


def qwen2_5_vl(vision: Fields, hidden: int) -> int:
    """Vision tower of Qwen2.5-VL: norms without bias, gated feed-forward network, one merger of 2 x 2 patches.

    vision : the section vision_config
    hidden : width of the language model [elements]
    returns : parameters [count]
    """
    width, inner, layers = vision.count("hidden_size"), vision.count("intermediate_size"), vision.count("depth")
    block = 2 * width + _qkv_and_out(width) + 3 * width * inner + 2 * inner + width
    merged = width * vision.count("spatial_merge_size", default=2) ** 2
    return layers * block + _patch(vision) * width + width + _two_linears(merged, hidden)


def qwen3_vl(vision: Fields, hidden: int) -> int:
    """Vision tower of Qwen3-VL: learned positions, and a further merger for each deepstack layer.

    vision : the section vision_config
    hidden : width of the language model [elements]
    returns : parameters [count]
    """
    width, inner, layers = vision.count("hidden_size"), vision.count("intermediate_size"), vision.count("depth")
    block = 4 * width + _qkv_and_out(width) + 2 * width * inner + inner + width
    merged = width * vision.count("spatial_merge_size", default=2) ** 2
    deep = vision.values.get("deepstack_visual_indexes")
    if not isinstance(deep, list | tuple) or len(deep) > layers:
        raise vision.wrong("deepstack_visual_indexes", deep, "a list of layer numbers")
    mergers = 2 * width + len(deep) * 2 * merged + (1 + len(deep)) * _two_linears(merged, hidden)
    embeddings = (_patch(vision) + 1 + vision.count("num_position_embeddings")) * width
    return layers * block + embeddings + mergers


def siglip(vision: Fields, hidden: int) -> int:
    """SigLIP and the projection of Gemma 3.

    vision : the section vision_config
    hidden : width of the language model [elements]
    returns : parameters [count]
    """
    width, inner, layers = (
        vision.count("hidden_size"),
        vision.count("intermediate_size"),
        vision.count("num_hidden_layers"),
    )
    patch = vision.count("patch_size")
    positions = (vision.count("image_size") // patch) ** 2
    block = 4 * width + _qkv_and_out(width) + 2 * width * inner + inner + width
    return layers * block + (3 * patch**2 + 1 + positions) * width + 2 * width + width * hidden + width


def gemma4(vision: Fields, hidden: int) -> int:
    """Vision tower of Gemma 4: two tables of positions, norms of queries and keys, no biases.

    vision : the section vision_config
    hidden : width of the language model [elements]
    returns : parameters [count]
    """
    width, inner, layers = (
        vision.count("hidden_size"),
        vision.count("intermediate_size"),
        vision.count("num_hidden_layers"),
    )
    block = 4 * width + 2 * vision.count("head_dim") + 4 * width**2 + 3 * width * inner
    tables = 2 * vision.count("position_embedding_size") + 3 * vision.count("patch_size") ** 2

    return layers * block + tables * width + width * hidden


def pixtral(vision: Fields, hidden: int) -> int:
    """Pixtral's tower and the patch merger of Mistral 3, without biases.

    vision : the section vision_config
    hidden : width of the language model [elements]
    returns : parameters [count]
    """
    width, inner, layers = (
        vision.count("hidden_size"),
        vision.count("intermediate_size"),
        vision.count("num_hidden_layers"),
    )
    merge = vision.count("spatial_merge_size", default=2) ** 2
    block = 2 * width + 4 * width**2 + 3 * width * inner
    embedding = (3 * vision.count("patch_size") ** 2 + 1) * width
    return layers * block + embedding + width + merge * width**2 + width * hidden + hidden**2


def moonvit(vision: Fields, hidden: int) -> int:
    """MoonViT and the projector of Kimi K2.5.

    vision : the section vision_config
    hidden : width of the language model [elements]
    returns : parameters [count]
    """
    width, inner = vision.count("vt_hidden_size"), vision.count("vt_intermediate_size")
    block = 4 * width + _qkv_and_out(width) + 2 * width * inner + inner + width
    positions = vision.count("init_pos_emb_height") * vision.count("init_pos_emb_width")
    embedding = (3 * vision.count("patch_size") ** 2 + 1 + positions) * width
    return vision.count("vt_num_hidden_layers") * block + embedding + 4 * width + _two_linears(4 * width, hidden)


def _patch(vision: Fields) -> int:
    frames = vision.count("temporal_patch_size", default=2)
    return vision.count("in_channels", "in_chans", default=3) * frames * vision.count("patch_size") ** 2


def _qkv_and_out(width: int) -> int:
    return 4 * width**2 + 4 * width


def _two_linears(width: int, out: int) -> int:
    return width**2 + width + width * out + out
