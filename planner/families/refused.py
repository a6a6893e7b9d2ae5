"""What is not read: architectures that we cannot count exactly; and the test for a plain model of unknown type."""

from __future__ import annotations

import re
from collections.abc import Mapping

from planner.families.fields import Fields

_OTHER = "Choose another model, or plan with one of its size and kind."

REFUSED: Mapping[str, str] = {
    "deepseek_v4": f"Its compressed attention and hyper-connections are not modelled. {_OTHER}",
    "deepseek_ref": f"It is DeepSeek V4, whose compressed attention and hyper-connections are not modelled. {_OTHER}",
    "kimi_k3": f"Its Kimi delta attention and attention residuals are not modelled. {_OTHER}",
    "kimi_linear": f"Its Kimi delta attention is not modelled. {_OTHER}",
    "minimax_m3": f"Its block-sparse attention is not modelled. {_OTHER}",
    "minimax_m3_vl": f"Its block-sparse attention is not modelled. {_OTHER}",
    "step3p7": f"Published config files leave out the wider heads of its sliding layers and the gates. {_OTHER}",
    "gemma3n": f"Its embeddings for each layer and shared KV caches are not modelled. {_OTHER}",
}

NEEDED = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "intermediate_size",
    "vocab_size",
)
SIGNS = re.compile(
    r"ssm|mamba|conv|state_|linear_|lora|latent|index|hybrid|pattern|compress|sparse|block|per_layer|shared|cross|memory|"
    r"vision|audio|text_config|vocab_size_per|alibi|layer_types|chunk|sink|swa_|recurrent|lru|rwkv|n_embd|d_model|moe|"
    r"expert|residual_mult|qk_norm|v_head|global_|altup|laurel|encoder|decoder|engram|hc_|sliding|window"
)
EXPERT_SIGNS = frozenset({"num_local_experts", "num_experts_per_tok"})
HARMLESS = frozenset(
    [
        "is_encoder_decoder",
        "is_decoder",
        "chunk_size_feed_forward",
        "add_cross_attention",
        "tie_encoder_decoder",
        "encoder_no_repeat_ngram_size",
        "decoder_start_token_id",
        "cross_attention_hidden_size",
        "output_hidden_states",
        "use_sliding_window",
        "sliding_window",
        "max_window_layers",
        "router_jitter_noise",
        "router_aux_loss_coef",
        "image_token_index",
    ]
)


def is_plain_dense(fields: Fields) -> bool:
    """Whether a config has all that a Llama has, and no sign of anything else.

    fields : config.json of unknown model_type
    """
    return _is_whole(fields) and not _signs(fields)


def is_plain_moe(fields: Fields) -> bool:
    """Whether a config has all that a Mixtral has, and no sign of anything else.

    fields : config.json of unknown model_type
    """
    return _is_whole(fields) and _signs(fields) == EXPERT_SIGNS


def _is_whole(fields: Fields) -> bool:
    gated = fields.values.get("hidden_act") in ("silu", "swiglu")
    slides = fields.has("sliding_window") and fields.values.get("use_sliding_window") is not False
    return gated and not slides and all(fields.has(key) for key in (*NEEDED, "rms_norm_eps"))


def _signs(fields: Fields) -> frozenset[str]:
    keys = (key for key, value in fields.values.items() if isinstance(key, str) and value not in (None, False))
    return frozenset(key for key in keys if key not in HARMLESS and SIGNS.search(key))
