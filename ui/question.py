"""The controls of a question, and the scenario that they ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from planner.advice import GOALS
from planner.catalogue import gpus
from planner.catalogue_models import OWN as OWN_MODEL
from planner.catalogue_models import known_model, model_from_hub, models
from planner.model import Model
from planner.precision import SCHEMES
from planner.predict import question
from planner.scenario import MODES, Scenario
from planner.setting_words import setting_words
from ui import calibrate, link
from ui.glossary import meaning
from ui.own import drop_gone
from ui.telling import errors_told
from ui.uploaded import KEY as UPLOADED
from ui.uploaded import config_box, held_digest, uploaded_model
from words.text import plain

OWN = "auto"
COUNTS = (1, 2, 4, 8, 16)
KV_FORMATS = (OWN, "fp8", "fp4")
SWITCH = (OWN, "on", "off")
SCHEME_NAMES = (OWN, *SCHEMES)
MAX_TOKENS = 10_000_000
PRESETS: dict[str, dict[str, Any]] = {
    "Chat, 8B on one H100": {
        "gpu": "h100-sxm", "gpus": 1, "model": "meta-llama/Llama-3.1-8B-Instruct", "quantization": OWN, "kv": OWN,
        "concurrency": 32, "prompt": 512, "output": 256,
    },
    "70B in fp8 on four H100": {
        "gpu": "h100-sxm", "gpus": 4, "model": "meta-llama/Llama-3.3-70B-Instruct", "quantization": "fp8", "kv": OWN,
        "concurrency": 64, "prompt": 1024, "output": 512,
    },
    "Long documents on an H200": {
        "gpu": "h200-sxm", "gpus": 1, "model": "Qwen/Qwen3-32B", "quantization": "fp8", "kv": "fp8",
        "concurrency": 8, "prompt": 16000, "output": 512,
    },
    "Mixture of experts on a B200": {
        "gpu": "b200", "gpus": 1, "model": "openai/gpt-oss-120b", "quantization": OWN, "kv": OWN,
        "concurrency": 64, "prompt": 1024, "output": 1024,
    },
    "7B AWQ on a T4": {
        "gpu": "t4", "gpus": 1, "model": "TheBloke/Llama-2-7B-AWQ", "quantization": "awq", "kv": OWN,
        "concurrency": 1, "prompt": 512, "output": 128,
    },
}  # fmt: skip
FIRST = next(iter(PRESETS.values()))
PARAMETERS = {
    "gpu": link.gpu(FIRST["gpu"]),
    "gpus": link.choice(COUNTS, FIRST["gpus"]),
    "model": link.name(FIRST["model"]),
    "quantization": link.choice(SCHEME_NAMES, FIRST["quantization"]),
    "concurrency": link.whole(1, 100_000, FIRST["concurrency"]),
    "prompt": link.whole(1, MAX_TOKENS, FIRST["prompt"]),
    "output": link.whole(1, MAX_TOKENS, FIRST["output"]),
    "kv": link.choice(KV_FORMATS, FIRST["kv"]),
    "load": link.choice(MODES, MODES[0]),
    "cached": link.whole(0, MAX_TOKENS, 0),
    "version": link.name("", longest=20),
    "seqs": link.whole(1, 100_000, None),
    "budget": link.whole(1, MAX_TOKENS, None),
    "eager": link.choice((False, True), default=False),
    "async": link.choice(SWITCH, OWN),
    "prefix": link.choice(SWITCH, OWN),
    "rate": link.number(1e-6, 1e6, None),
    "experts": link.choice(COUNTS, 1),
    calibrate.KEY: calibrate.PARAMETER,
    UPLOADED: link.name("", longest=12),
}
LINK = {**PARAMETERS, "goal": link.choice(tuple(GOALS), None)}
"""The question, and what else a link of Plan says of what its page shows."""
COLUMNS = {
    "gpu": "gpu", "model": "model", "tensor_parallel": "gpus", "quantization": "quantization", "kv_cache": "kv",
    "concurrency": "concurrency", "input_tokens": "prompt", "output_tokens": "output",
    "prefix_cached_tokens": "cached", "mode": "load", "engine_version": "version", "max_num_seqs": "seqs",
    "max_num_batched_tokens": "budget", "enforce_eager": "eager", "async_scheduling": "async",
    "prefix_caching": "prefix", "request_rate": "rate", "expert_parallel": "experts",
}  # fmt: skip
"""Column of predict.INPUTS -> key in session state and link."""
HELP = {
    "gpu": "Dense peaks, bandwidth and memory come from the catalogue; what no data sheet confirmed is marked.",
    "gpus": meaning("tensor_parallel"),
    "model": "A name of the catalogue or of Hugging Face (-Instruct, -FP8, -AWQ variants too). Type to search.",
    "quantization": "How weights are stored. auto: as the checkpoint has them, else 16 bits.",
    "kv": f"Format of the cache; auto: 16 bits. {meaning('KV cache')}",
    "concurrency": f"{meaning('concurrency')} Each finished one is followed by the next.",
    "prompt": "Tokens of each prompt.",
    "output": "Tokens generated for each prompt.",
    "cached": meaning("prefix_cached_tokens"),
    "load": "serving: a closed loop with a mixed schedule. batch: one static batch, all started together.",
    "version": "vLLM's defaults and host times change with its version.",
    "seqs": "`--max-num-seqs`: sequences in one step; empty takes vLLM's default for this GPU.",
    "budget": "`--max-num-batched-tokens`: tokens in one step; empty takes vLLM's default for this GPU.",
    "async": "The host prepares a step while the GPU runs the one before. auto: on from vLLM 0.14.",
    "prefix": "Blocks of the KV cache are found again by their content. auto: on from vLLM 0.8.",
    "rate": f"{meaning('request_rate')} Empty: a closed loop at the requests at once.",
    "experts": f"{meaning('expert_parallel')} Divides the GPUs.",
}


def controls() -> dict[str, str]:
    """Draws the controls; returns their values as columns of predict.INPUTS."""
    drop_gone("gpu")
    for dropped in link.read_link(LINK):
        st.warning(plain(dropped))
    st.session_state["model"] = st.session_state["model"]  # told anew: Buy's box would fall back to the first
    st.pills("Start from", list(PRESETS), key="preset", on_change=set_preset)
    first = st.columns([3, 1, 4, 2], vertical_alignment="bottom")
    second = st.columns(4, vertical_alignment="bottom")
    with first[0]:
        _select("GPU", "gpu", tuple(gpus()), format_func=gpu_label)
    with first[1]:
        _select("GPUs", "gpus", COUNTS)
    with first[2]:
        names = named_models(st.session_state["model"])
        _select("Model", "model", names, accept_new_options=True, on_change=_no_upload)
    with first[3]:
        _select("Quantization", "quantization", SCHEME_NAMES)
    for column, (label, key) in zip(second, NUMBERS.items(), strict=False):
        with column:
            _number(label, key, PARAMETERS[key].default)
    with second[3], st.popover("More", width="stretch"):
        _more()
    link.write_link(LINK)
    return {column: _text(st.session_state.get(key)) for column, key in COLUMNS.items()}


NUMBERS = {"Requests at once": "concurrency", "Prompt tokens": "prompt", "Output tokens": "output"}


def set_preset() -> None:
    """Takes over a preset's values; called when one is picked."""
    chosen = st.session_state.get("preset")
    if chosen in PRESETS:
        st.session_state.update(PRESETS[chosen])
        _no_upload()


def _no_upload() -> None:
    """The question is of a named model."""
    st.session_state[UPLOADED] = ""


def _upload() -> None:
    """The question is of the file that was given, or of a named model again where it was taken away."""
    st.session_state[UPLOADED] = held_digest("config")


def question_of(text: str) -> Scenario:
    """The scenario of a link of Plan, as its query says it; what this page's controls hold plays no part.

    text : what stands behind the question mark
    raises : PlannerError
    """
    held = link.values_of(LINK, text)
    values = {column: _text(held[key]) for column, key in COLUMNS.items()}
    found = question(values, uploaded_model(held[UPLOADED]) or named_model(values["model"]))
    return replace(found, correction=calibrate.correction_of(held[calibrate.KEY]))


def asked(values: dict[str, str]) -> Scenario:
    """The scenario of the controls; an uploaded config.json stands in for the model's name.

    values : columns of predict.INPUTS
    raises : PlannerError
    """
    model = uploaded_model(st.session_state.get(UPLOADED, "")) or named_model(values["model"])
    found = question(values, model)
    return replace(found, correction=calibrate.chosen_correction())


def named_model(name: str) -> Model:
    """The model of a name: of the catalogue, or one that this session fetched from Hugging Face.

    raises : UnknownModel, AmbiguousName
    """
    fetched: dict[str, Model] = st.session_state.get("fetched", {})
    return fetched[name] if name in fetched else known_model(name)


def offer_fetch(name: str) -> None:
    """A button that asks Hugging Face for a model that the catalogue lacks; nothing is fetched unasked.

    name : organisation/model
    """
    if "/" not in name or name.startswith(OWN_MODEL):
        return
    if st.button("Fetch its config.json from huggingface.co", key="fetch"):
        with errors_told():
            st.session_state.setdefault("fetched", {})[name] = model_from_hub(name)
            st.rerun()


def named_models(told: str) -> tuple[str, ...]:
    """Every model of the catalogue, and one more name where it is not among them."""
    names = tuple(models())
    return names if told in names else (told, *names)


def gpu_label(gpu_id: str) -> str:
    """A GPU as the list shows it, what was not checked marked."""
    gpu = gpus()[gpu_id]
    return f"{gpu.label}{' (not all checked)' if gpu.unchecked else ''}"


def _select(label: str, key: str, options: tuple[Any, ...], **more: Any) -> None:
    st.selectbox(label, options, key=key, help=HELP[key], persist_state="session", **more)


def _number(label: str, key: str, usual: int | None) -> None:
    hint, unset = (None, "min") if usual is not None else ("vLLM's default", None)
    low = 0 if key == "cached" else 1
    st.number_input(
        label, min_value=low, max_value=MAX_TOKENS, value=unset, step=1, key=key, help=HELP[key],
        placeholder=hint, persist_state="session",
    )  # fmt: skip


def _more() -> None:
    _select("KV cache format", "kv", KV_FORMATS)
    st.segmented_control("Load", MODES, key="load", help=HELP["load"], required=True, persist_state="session")
    _number("Cached prompt tokens", "cached", 0)
    st.text_input("vLLM version", placeholder="latest", key="version", help=HELP["version"], persist_state="session")
    _number(setting_words("max_num_seqs"), "seqs", None)
    _number(setting_words("max_num_batched_tokens"), "budget", None)
    st.toggle("Eager mode (no CUDA graphs)", key="eager", persist_state="session")
    _select("Async scheduling", "async", SWITCH)
    _select("Prefix caching", "prefix", SWITCH)
    st.number_input(
        "Requests a second", min_value=1e-6, max_value=1e6, value=None, key="rate", help=HELP["rate"], format="%g",
        placeholder="closed loop", persist_state="session",
    )  # fmt: skip
    _select("Expert parallel", "experts", COUNTS)
    calibrate.calibration_choice()
    config_box("config", on_change=_upload)


def _text(value: Any) -> str:
    return "" if value is None or value == OWN else str(value)
