"""config.json -> Model: counts by hand and against transformers, windows, storage, and hostile files."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalogue_models import models
from planner.errors import MalformedFile, PlannerError, TooLarge, UnknownModel, UnsupportedModel
from planner.families import model_from_config
from planner.model import Attention, LatentAttention, LinearAttention, MoeFfn, StateSpace
from planner.model_files import MOST_BYTES, model_from_file
from planner.parameters import ROLES, active_parameters, layer_parameters, parameter_count, parameters_by_role
from planner.quantities import Source

HERE = Path(__file__).parent
SHARED = HERE.parents[1].parent / "shared" / "model_configs"
SOURCE = Source("test")
COUNTS = [
    (row["model"], int(row["parameters"]))
    for row in csv.DictReader((HERE / "parameter_counts.csv").read_text().splitlines())
]
FAULTS = sorted((HERE / "samples" / "configs").glob("*.json"))

LLAMA_8B: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
}


def read(**fields: Any) -> Any:
    return model_from_config({**LLAMA_8B, **fields}, "sample", SOURCE)


def windows(model: Any) -> list[tuple[int, int | None]]:
    return [(layer.count, layer.mixer.window) for layer in model.layers]


def test_llama_2_7b_by_hand() -> None:
    model = read(num_key_value_heads=32, intermediate_size=11008, vocab_size=32000)
    embedding = 32000 * 4096
    attention = 4 * 4096 * 4096
    ffn = 3 * 4096 * 11008
    norms = 2 * 4096
    assert parameter_count(model) == 2 * embedding + 32 * (attention + ffn + norms) + 4096 == 6_738_415_616
    assert parameters_by_role(model) == {
        "embedding": embedding,
        "lm_head": embedding,
        "attention": 32 * attention,
        "ffn": 32 * ffn,
        "experts": 0,
        "shared_experts": 0,
        "router": 0,
        "other": 32 * norms + 4096,
    }
    assert active_parameters(model) == 6_738_415_616 - embedding


def test_mixtral_by_hand() -> None:
    model = read(model_type="mixtral", vocab_size=32000, num_local_experts=8, num_experts_per_tok=2)
    expert = 3 * 4096 * 14336
    attention = 2 * 4096 * 4096 + 2 * 4096 * 1024
    rest = 2 * 32000 * 4096 + 32 * (attention + 4096 * 8 + 2 * 4096) + 4096
    assert parameter_count(model) == rest + 32 * 8 * expert == 46_702_792_704
    assert active_parameters(model) == rest - 32000 * 4096 + 32 * 2 * expert


def test_deepseek_v3_layer_by_hand() -> None:
    layer = models()["deepseek-ai/DeepSeek-V3"].layers[1]
    roles = layer_parameters(layer, 7168)
    queries = 7168 * 1536 + 1536 * 128 * 192
    keys_and_values = 7168 * (512 + 64) + 512 * 128 * (128 + 128)
    assert roles["attention"] == queries + keys_and_values + 128 * 128 * 7168
    assert roles["experts"] == 256 * 3 * 7168 * 2048
    assert roles["shared_experts"] == 3 * 7168 * 2048
    assert roles["router"] == 7168 * 256
    assert layer.count == 58


def test_tied_embedding_is_counted_once() -> None:
    tied, free = read(tie_word_embeddings=True), read()
    assert parameter_count(free) - parameter_count(tied) == 128256 * 4096
    assert active_parameters(free) == active_parameters(tied)


@pytest.mark.parametrize(("name", "count"), COUNTS, ids=[name for name, _ in COUNTS])
def test_catalogue_counts_what_transformers_counts(name: str, count: int) -> None:
    assert parameter_count(models()[name]) == count


@pytest.mark.parametrize("name", list(models()))
def test_roles_add_up(name: str) -> None:
    roles = parameters_by_role(models()[name])
    assert tuple(roles) == ROLES
    assert all(count >= 0 for count in roles.values())
    assert active_parameters(models()[name]) <= sum(roles.values())


@pytest.mark.skipif(not SHARED.exists(), reason="the shared folder with 160 real config.json files is not here")
def test_every_real_config_is_exact_or_refused_by_name() -> None:
    with (SHARED / "PARAM_COUNTS.csv").open() as file:
        rows = list(csv.DictReader(file))
    differing, refused = {}, set()
    for row in rows:
        try:
            count = parameter_count(model_from_file(SHARED / f"{row['config']}.json"))
        except UnsupportedModel:
            refused.add(row["config"])
        else:
            if row["params_meta_device"] and count != int(row["params_meta_device"]):
                differing[row["config"]] = count
    # transformers reads an absent q_lora_rank as 1536; the published model, and the other file of it, have none
    assert differing == {"mlc--deepseek_v2_lite": 15_706_484_224}
    assert all(any(sign in name for sign in ("V4", "M3", "K3", "Step-3.7")) for name in refused)
    assert len(rows) - len(refused) == 124


class TestWindows:
    def test_mistral_slides_everywhere(self) -> None:
        assert windows(read(model_type="mistral", sliding_window=4096)) == [(32, 4096)]

    def test_a_window_as_wide_as_the_context_is_none(self) -> None:
        assert windows(read(model_type="phi3", sliding_window=262144)) == [(32, None)]

    def test_qwen_ignores_it_unless_told(self) -> None:
        slides = {"model_type": "qwen2", "sliding_window": 4096, "max_window_layers": 20}
        assert windows(read(**slides, use_sliding_window=False)) == [(32, None)]
        assert windows(read(**slides, use_sliding_window=True)) == [(20, None), (12, 4096)]

    def test_alternating_and_five_to_one(self) -> None:
        assert windows(read(model_type="gemma2", sliding_window=4096)) == [(16, 4096), (16, None)]
        assert windows(read(model_type="gemma3_text", sliding_window=512)) == [(27, 512), (5, None)]

    def test_layer_types_win(self) -> None:
        kinds = ["full_attention"] * 30 + ["sliding_attention"] * 2
        assert windows(read(model_type="gemma2", sliding_window=128, layer_types=kinds)) == [(30, None), (2, 128)]

    def test_llama4_chunks(self) -> None:
        scout = models()["meta-llama/Llama-4-Scout-17B-16E-Instruct"]
        assert windows(scout) == [(36, 8192), (12, None)]

    def test_gpt_oss(self) -> None:
        assert windows(models()["openai/gpt-oss-120b"]) == [(18, 128), (18, None)]


class TestShapes:
    def test_head_dim_is_not_derived(self) -> None:
        nemo = models()["mistralai/Mistral-Nemo-Instruct-2407"].layers[0].mixer
        assert nemo == Attention(32, 8, 128, 128)

    def test_sparse_attention_of_glm_5_2_has_an_indexer_in_21_layers(self) -> None:
        layers = models()["zai-org/GLM-5.2"].layers
        own = sum(
            layer.count for layer in layers if isinstance(layer.mixer, LatentAttention) and layer.mixer.index_heads
        )
        assert own == 21
        assert all(isinstance(layer.mixer, LatentAttention) and layer.mixer.index_topk == 2048 for layer in layers)

    def test_nemotron_3_super(self) -> None:
        layers = models()["nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16"].layers
        kinds = {type(layer.mixer or layer.ffn): layer.count for layer in layers}
        assert kinds == {StateSpace: 40, Attention: 8, MoeFfn: 40}
        assert next(layer.ffn for layer in layers if layer.ffn) == MoeFfn(512, 22, 2688, 5376, gated=False, latent=1024)

    def test_qwen_3_5(self) -> None:
        kinds = {type(layer.mixer): layer.count for layer in models()["Qwen/Qwen3.5-27B"].layers}
        assert kinds == {LinearAttention: 48, Attention: 16}

    def test_searched_model_skips_attention(self) -> None:
        layers = models()["nvidia/Llama-3_3-Nemotron-Super-49B-v1"].layers
        assert sum(layer.count for layer in layers if layer.mixer is None) == 31

    def test_mlc_nests_its_config(self) -> None:
        nested = {"model_type": "llama", "model_config": {k: v for k, v in LLAMA_8B.items() if k != "model_type"}}
        assert parameter_count(model_from_config(nested, "mlc", SOURCE)) == 8_030_261_248


class TestUnknownType:
    def test_plain_dense_is_read_as_llama_and_says_so(self) -> None:
        model = read(model_type="llama_twin")
        assert parameter_count(model) == 8_030_261_248
        assert "llama_twin" in model.caveats[0]

    def test_plain_mixture_is_read_as_mixtral(self) -> None:
        model = read(model_type="mixtral_twin", num_local_experts=8, num_experts_per_tok=2)
        assert isinstance(model.layers[0].ffn, MoeFfn)
        assert model.caveats

    @pytest.mark.parametrize(
        "key", ["ssm_state_size", "kv_lora_rank", "index_topk", "linear_key_head_dim", "vision_config"]
    )
    def test_any_sign_of_more_is_refused(self, key: str) -> None:
        with pytest.raises(UnsupportedModel, match="strange"):
            read(model_type="strange", **{key: 4})


class TestStorage:
    @pytest.mark.parametrize(
        ("config", "scheme", "block"),
        [
            ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8", True),
            ({"quant_method": "awq", "bits": 4}, "awq", False),
            ({"quant_method": "gptq", "bits": 4}, "gptq", False),
            ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4", False),
            ({"quant_algo": "FP8"}, "fp8", False),
            ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "int4", False),
        ],
    )
    def test_schemes(self, config: dict[str, Any], scheme: str, block: bool) -> None:
        stored = read(quantization_config=config).checkpoint
        assert (stored.scheme, stored.block) == (scheme, block)
        assert stored.unquantized == {"embedding", "lm_head", "router"}

    @pytest.mark.parametrize(
        ("kind", "bits", "group", "scheme"),
        [("float", 8, None, "fp8"), ("int", 8, None, "int8"), ("int", 4, 128, "int4"), ("float", 4, 32, "mxfp4")],
    )
    def test_compressed_tensors(self, kind: str, bits: int, group: int | None, scheme: str) -> None:
        weights = {"type": kind, "num_bits": bits, "group_size": group, "strategy": "channel"}
        groups = {"group_0": {"weights": weights, "input_activations": {"num_bits": bits}, "targets": ["Linear"]}}
        config = {"quant_method": "compressed-tensors", "config_groups": groups, "ignore": ["lm_head"]}
        assert read(quantization_config=config).checkpoint.scheme == scheme

    def test_gpt_oss_quantizes_its_experts_only(self) -> None:
        stored = models()["openai/gpt-oss-20b"].checkpoint
        assert stored.scheme == "mxfp4"
        assert {"attention", "lm_head", "embedding", "router"} <= stored.unquantized
        assert "experts" not in stored.unquantized

    def test_ignore_list_names_attention_in_every_layer(self) -> None:
        ignore = [f"model.layers.{i}.self_attn*" for i in range(32)] + ["lm_head"]
        config = {"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ignore}
        assert "attention" in read(quantization_config=config).checkpoint.unquantized

    def test_a_few_ignored_layers_do_not_count(self) -> None:
        config = {"quant_method": "fp8", "modules_to_not_convert": ["model.layers.0.self_attn.q_proj"]}
        assert "attention" not in read(quantization_config=config).checkpoint.unquantized

    def test_norms_named_after_attention_are_not_attention(self) -> None:
        ignore = [f"model.layers.{i}.post_attention_layernorm" for i in range(32)]
        config = {"quant_method": "fp8", "modules_to_not_convert": ignore}
        assert "attention" not in read(quantization_config=config).checkpoint.unquantized

    def test_hf_quant_config_wins(self) -> None:
        quant = {
            "producer": {"name": "modelopt"},
            "quantization": {"quant_algo": "FP8", "exclude_modules": ["lm_head"]},
        }
        assert model_from_config(LLAMA_8B, "sample", SOURCE, quant).checkpoint.scheme == "fp8"


class TestFaults:
    @pytest.mark.parametrize("path", FAULTS, ids=[path.stem for path in FAULTS])
    def test_fault_sample_is_refused_in_words(self, path: Path) -> None:
        with pytest.raises(UnsupportedModel) as error:
            model_from_file(path)
        assert path.stem in str(error.value)
        assert len(str(error.value)) < 1200

    @pytest.mark.parametrize("name", ["cut_off", "not_text", "empty"])
    def test_not_json(self, name: str) -> None:
        with pytest.raises(MalformedFile, match=name):
            model_from_file(HERE / "samples" / "broken" / f"{name}.json")

    def test_deep_nesting_and_endless_numbers(self, tmp_path: Path) -> None:
        for text in ("[" * 200_000, '{"vocab_size": ' + "9" * 10_000 + "}"):
            (tmp_path / "config.json").write_text(text)
            with pytest.raises(MalformedFile):
                model_from_file(tmp_path)

    def test_too_large(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_bytes(b" " * (MOST_BYTES + 1))
        with pytest.raises(TooLarge):
            model_from_file(tmp_path)

    @pytest.mark.parametrize("path", ["nowhere.json", "nul\0byte.json", "x" * 5000])
    def test_no_such_file(self, path: str) -> None:
        with pytest.raises(UnknownModel):
            model_from_file(path)

    def test_infinity_in_a_field_that_is_not_needed(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text(json.dumps({**LLAMA_8B, "time_step_limit": [0.0, math.inf]}))
        assert parameter_count(model_from_file(tmp_path)) == 8_030_261_248


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 1, 10**6, 2**31, 2**63, 10**400])
    | st.floats()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
REAL = [json.loads(path.read_text()) for path in sorted((HERE / "samples" / "real").glob("*.json"))]


def reads_or_refuses(config: Any, quant_config: Any = None) -> None:
    try:
        model = model_from_config(config, "hostile", SOURCE, quant_config)
    except PlannerError:
        return
    assert isinstance(parameter_count(model), int)
    assert 0 < active_parameters(model) <= parameter_count(model)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_a_spoiled_field_is_read_or_refused(data: st.DataObject) -> None:
    config = dict(data.draw(st.sampled_from(REAL)))
    for _ in range(data.draw(st.integers(1, 3))):
        section = data.draw(st.sampled_from([None, *(key for key, value in config.items() if isinstance(value, dict))]))
        fields = config if section is None else dict(config[section])
        if not fields:
            continue
        key = data.draw(st.sampled_from(sorted(fields)))
        fields[key] = data.draw(JUNK)
        if section is not None:
            config[section] = fields
    reads_or_refuses(config)


@settings(max_examples=200, deadline=None)
@given(config=JUNK, quant_config=st.none() | JUNK)
def test_junk_is_refused(config: Any, quant_config: Any) -> None:
    with pytest.raises(PlannerError):
        model_from_config(config, "junk", SOURCE, quant_config)


@settings(max_examples=200, deadline=None)
@given(
    quantization=JUNK, quant_config=st.none() | st.dictionaries(st.sampled_from(["quantization", "quant_algo"]), JUNK)
)
def test_junk_in_the_quantization_is_read_or_refused(quantization: Any, quant_config: Any) -> None:
    reads_or_refuses({**LLAMA_8B, "quantization_config": quantization}, quant_config)
