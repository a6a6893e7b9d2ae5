"""Files into the workspace: small ones, large ones, those of the operator's folder; and what becomes of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import streamlit as st

from intake.board import Board, jobs
from intake.imports import Imported, Known, Outcome, Refused
from intake.jobs import lost, wait
from intake.owners import owner
from intake.service import intake
from planner.errors import JobNotFound, PlannerError
from planner.quantities import GIB, MIB
from ui.telling import errors_told, toast
from ui.uploader import NO_FILES, file_box, session_id
from ui.workspace import shared_with, store, workspace
from words.text import plain

SMALL_MB = 25
"""Of Streamlit's own uploader, which keeps files in memory [MB]; .streamlit/config.toml tells its endpoint the same."""
PATIENCE = 4.0
"""Time that a page waits for small files before it shows how far they are [s]."""
EVERY = 1.0
FORSAKEN = ". Who sent it to the cluster has lost sight of it: if the cluster is gone, cancel it and import it again"
FEW = 6
"""Messages that are shown one by one; more are a table."""
ASSETS = Path(__file__).parent / "assets"
KINDS = (
    "Nsight Systems SQLite, Nsight Compute CSV, results of vLLM, SGLang, GuideLLM, AIPerf and other load tests, zip or "
    "tar archives of them, and exported runs."
)
_large_box = st.components.v2.component(
    "headroom_upload",
    **{kind: (ASSETS / f"upload.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")},
)


@dataclass(slots=True)
class _OnTheWay:
    """A session's files: jobs that read them, already seen, and what became of them."""

    jobs: dict[str, Board] = field(default_factory=dict)
    looked: bool = False
    seen: set[str] = field(default_factory=set)
    outcomes: list[Outcome] = field(default_factory=list)
    token: str = ""
    seconds: float = 0.0
    token_until: float = 0.0


def uploads() -> None:
    """Takes files in, and says what became of each; a run that is new is the one to show."""
    if not workspace().rules.writable:
        st.caption(NO_FILES)
        return
    if team := shared_with():
        st.caption(
            f"You are in the workspace “{plain(team)}”: everybody in it sees what you import. Account leads out."
        )
    small, large = st.columns(2)
    with small:
        _small()
    with large:
        _large()
    _shared()
    _find()
    _settle()
    waiting = bool(_state().jobs or intake().arriving(_session()))
    st.fragment(_progress, run_every=EVERY if waiting else None)()
    _messages()


def _small() -> None:
    files = file_box(
        f"Files up to {SMALL_MB} MB", accept_multiple_files=True, max_upload_size=SMALL_MB, key="upload", help=KINDS
    )
    new = [file for file in files if file.file_id not in _state().seen]
    if new:
        _state().seen.update(file.file_id for file in new)
        contents = [(file.name, file.getbuffer()) for file in new]
        _begin(intake().read_bytes(_session(), contents, store()))
        with st.spinner("Reading"):
            until = time.monotonic() + PATIENCE
            for job in _state().jobs.values():
                wait(job, max(0.0, until - time.monotonic()))


def _large() -> None:
    service = intake()
    if not service.serving:
        st.markdown("Larger files")
        st.caption(
            "The server that shows this page has no upload for large files: it was not started from app.py. "
            "`python cli.py import FILE` reads them where they are."
        )
        return
    state = _state()
    if time.monotonic() > state.token_until:
        state.token, state.seconds = service.token(_session())
        state.token_until = time.monotonic() + state.seconds / 2
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    data = {
        "path": f"{f'/{base}' if base else ''}/upload/{state.token}",
        "seconds": state.seconds,
        "largest": service.limits.file,
        "limit": f"{service.limits.file / GIB:g} GiB",
        "label": "Larger files: they stream to the server's disk, and are removed once they are read",
    }
    _large_box(data=data, key="large", on_uploaded_change=_nothing, on_renew_change=_renew)
    for upload in service.here(_session()):
        _begin(service.read_upload(_session(), upload.id, store()))


def _shared() -> None:
    sizes = {file.name: file.size for file in intake().shared()}
    if not sizes:
        return
    with st.expander(f"From this server's folder: {len(sizes)} files"):
        box, button = st.columns([5, 1], vertical_alignment="bottom")
        name = box.selectbox(
            "File", list(sizes), key="shared", format_func=lambda one: f"{one} · {sizes[one] / MIB:.1f} MiB"
        )
        if button.button("Import", key="import_shared", width="stretch"):
            _begin(intake().read_shared(name, store()))


def _begin(started: Iterator[Board]) -> None:
    try:
        for job in started:
            _state().jobs[job.job] = job
    except PlannerError as error:
        _state().outcomes.append(Refused("", type(error).__name__, str(error)))


def _find() -> None:
    """Takes over what is being read into this workspace, by this person before a reload or by others of the team."""
    state = _state()
    if not state.looked:
        state.looked = True
        with suppress(PlannerError):
            state.jobs |= {job.job: job for job in jobs(store()) if _goes_on(job)}


def _goes_on(job: Board) -> bool:
    with suppress(JobNotFound):  # deleted, and hides no other
        return not job.progress().over
    return False


def _settle() -> None:
    """Notes what became of the jobs that ended since, and shows the last run of them."""
    state = _state()
    for job in list(state.jobs.values()):
        try:
            progress = job.progress()
            if not progress.over and not progress.lost:
                continue
            new = tuple(chain.from_iterable(job.outcomes().values()))
            if progress.lost:
                new += (lost(progress),)
                job.remove()
        except PlannerError as error:
            new = (Refused("", type(error).__name__, str(error)),)
        if state.jobs.pop(job.job, None) is None:
            continue  # a run of this page that waited for the store, and that this one overtook, has noted it
        state.outcomes += new
        for outcome in new:
            if isinstance(outcome, Imported | Known) and outcome.run:
                st.session_state["run"] = outcome.run


def _progress() -> None:
    """How far each job is; when one ends or a file arrives, the whole page is drawn anew."""
    ended = False
    for job in _state().jobs.values():
        try:
            ended = _bar(job) or ended
        except PlannerError:
            ended = True
    if ended or intake().here(_session()):
        st.rerun()


def _bar(job: Board) -> bool:
    """A job's progress and a button to stop it; whether it is over."""
    found = job.progress()
    bar, button = st.columns([6, 1], vertical_alignment="center")
    stage = "stopping" if found.cancelled else "reading" if found.begun else "waiting"
    count = f", {found.ended} of {found.tasks} done" if found.tasks > 1 else ""
    forsaken = FORSAKEN if found.forsaken else ""
    bar.progress(found.share, f"{plain(found.name)}: {stage}{count}{forsaken}")
    button.button(
        "Cancel", key=f"cancel-{job.job}", on_click=_cancel, args=(job,), width="stretch", disabled=found.cancelled
    )
    return found.over or found.lost


def _cancel(job: Board) -> None:
    with errors_told(toast):
        job.cancel()


def _messages() -> None:
    outcomes = _state().outcomes
    for outcome in outcomes if len(outcomes) <= FEW else ():
        _BOXES[type(outcome)](plain(_said(outcome)))
    if len(outcomes) > FEW:
        refused = sum(isinstance(outcome, Refused) for outcome in outcomes)
        st.markdown(f"**{len(outcomes)}** files, **{refused}** of them refused:")
        st.dataframe([{"File": outcome.file, "Result": _said(outcome)} for outcome in outcomes], hide_index=True)
    if outcomes:
        st.button("Clear messages", key="clear", type="tertiary", on_click=outcomes.clear)


def _said(outcome: Outcome) -> str:
    if isinstance(outcome, Imported):
        return f"{outcome.file}: imported as run {outcome.run} ({outcome.tool})."
    if isinstance(outcome, Known):
        run = f" as run {outcome.run}" if outcome.run else ""
        return f"{outcome.file}: nothing new, {outcome.of} has it already{run}."
    return outcome.message


_BOXES: dict[type, Callable[[str], object]] = {Imported: st.success, Known: st.info, Refused: st.error}


def _state() -> _OnTheWay:
    found: _OnTheWay = st.session_state.setdefault("on_the_way", _OnTheWay())
    return found


def _renew() -> None:
    _state().token_until = 0.0


def _nothing() -> None:
    """A file is there: the rerun that this causes finds it."""


def _session() -> str:
    """Names the session in its workspace: what is uploaded in one can never be read into another."""
    return owner(workspace().name, session_id())
