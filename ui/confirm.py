"""What a file does not tell of its scenario, asked of its reader; what it tells is the default."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from planner.catalogue import gpus
from planner.catalogue_models import known_model
from planner.errors import CatalogueError
from planner.measured import Run
from planner.model import Model
from planner.overlay import format_cell
from planner.precision import SCHEMES
from ui.own import drop_gone
from ui.question import COUNTS, OWN, gpu_label, named_model, named_models
from ui.uploaded import config_box, config_label, own_model
from ui.workspace import may_change, store

USUAL_GPU, USUAL_MODEL = "h100-sxm", "meta-llama/Llama-3.1-8B-Instruct"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The reader's word: GPU, model, and columns of predict.INPUTS that the file leaves open.

    guessed : which of GPU and model neither file nor reader told
    """

    gpu: str
    model: Model
    cells: dict[str, str]
    guessed: tuple[str, ...] = ()

    @property
    def proviso(self) -> str:
        """Before a first sentence: a comparison with a guess must not read like a finding."""
        return f"With a guessed {' and '.join(self.guessed)}: " if self.guessed else ""


def confirm(run: Run, *, phase_told: bool = False) -> Confirmed:
    """Controls with the file's own word as default.

    run : whose gaps are asked for
    phase_told : its steps tell which phase they are
    """
    gpu_said = f"the file says {', '.join(run.gpu_names)}" if run.gpu_names else "the file does not say"
    told = _told_gpu(run)
    first = st.columns([3, 1, 4, 2, 2], vertical_alignment="bottom")
    gpu = first[0].selectbox(
        "GPU", list(gpus()), index=list(gpus()).index(told), format_func=gpu_label, key=f"gpu-{run.id}", help=gpu_said
    )
    count = _count(run, first[1])
    with first[2]:
        name = _model_box(run)
    with first[4], st.popover(config_label(f"config-{run.id}"), width="stretch"):
        config_box(f"config-{run.id}")
    scheme = _scheme(run, first[3])
    cells = {"tensor_parallel": str(count), "quantization": "" if scheme == OWN else scheme}
    cells |= _load(run, ask_phase=bool(run.kernels) and not phase_told)
    own = own_model(f"config-{run.id}")
    model = own or named_model(name)
    if may_change(run) and (gpu, name) != (told, run.model or USUAL_MODEL):
        store().set_choice(run.id, gpu=gpu, model=name)
    guessed = _guessed(run, gpu, "" if own else name)
    if guessed:
        what = " and ".join(guessed)
        st.caption(
            f"⚠ The file names no **{what}** that is known here. What stands above is a guess: choose what was run."
        )
    return Confirmed(gpu, model, cells, guessed)


def _told_gpu(run: Run) -> str:
    """The GPU that the file or its reader told, as long as it is known."""
    key, told = f"gpu-{run.id}", run.gpu or USUAL_GPU
    if told not in gpus():
        st.session_state.setdefault(key, told)
    drop_gone(key)
    return told if told in gpus() else USUAL_GPU


def _told_model(run: Run) -> str | None:
    """The model that the file or its reader names, if it is known here."""
    name = run.model or run.model_name
    try:
        return known_model(name).name if name else None
    except CatalogueError:
        return None


def _model_box(run: Run) -> str:
    told = _told_model(run) or USUAL_MODEL
    names = named_models(told)
    said = f"the file says {run.model_name}" if run.model_name else "the file does not say"
    return st.selectbox(
        "Model", names, index=names.index(told), key=f"model-{run.id}", help=said, accept_new_options=True
    )


def _count(run: Run, column: st.delta_generator.DeltaGenerator) -> int:
    told = int(float(run.settings.get("tensor_parallel", 1)))
    options = sorted({*COUNTS, told})
    return column.selectbox("GPUs", options, index=options.index(told), key=f"gpus-{run.id}")


def _scheme(run: Run, column: st.delta_generator.DeltaGenerator) -> str:
    told = str(run.settings.get("quantization", OWN))
    options = [OWN, *SCHEMES]
    return column.selectbox(
        "Quantization", options, index=options.index(told if told in options else OWN), key=f"scheme-{run.id}"
    )


def _load(run: Run, *, ask_phase: bool) -> dict[str, str]:
    """Load and lengths: asked where no point tells them; a trace is also asked which phase it shows."""
    asked: dict[str, str] = {}
    told = {
        "concurrency": any(point.concurrency or point.request_rate for point in run.points)
        or "requests" in run.settings,
        "input_tokens": any(point.prompt_tokens for point in run.points),
        "output_tokens": any(point.output_tokens for point in run.points),
    }
    labels = {
        "concurrency": ("Batch", 8),
        "input_tokens": ("Prompt tokens", 512),
        "output_tokens": ("Output tokens", 128),
    }
    missing = [name for name, known in told.items() if not known]
    columns = st.columns(4, vertical_alignment="bottom") if missing or ask_phase else []
    for column, name in zip(columns, missing, strict=False):
        text, usual = labels[name]
        value = column.number_input(text, min_value=1, value=usual, step=1, key=f"{name}-{run.id}")
        asked[name] = format_cell(float(value))
    if ask_phase:
        columns[3].segmented_control(
            "The trace shows", ["decode", "prefill"], default="decode", required=True, key="phase"
        )
    return asked


def _guessed(run: Run, gpu: str, model: str) -> tuple[str, ...]:
    """What nobody told."""
    guessed = ["GPU"] if run.gpu is None and gpu == USUAL_GPU else []
    return (*guessed, *(["model"] if _told_model(run) is None and model == USUAL_MODEL else []))
