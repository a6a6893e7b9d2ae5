"""Two people at one server: each sees the own runs, by no link and through no cache the other's."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import importers
from intake.owners import owner
from intake.service import intake
from planner.catalogue import read_yaml
from planner.errors import UploadRefused
from planner.measured import Run
from planner.own import own_gpu
from planner.predict import question
from planner.whose import Own, informed
from settings import settings
from store import calibrations, entries
from store.pins import Pin
from tests.importers.samples import bench_file, result
from tests.settings.test_settings import LOGIN
from tests.store.test_calibrations import sample as fitted
from ui import account, advised, buying, login, own, workspace
from ui.confirm import USUAL_GPU
from ui.packed import pack
from ui.uploader import NO_FILES

ROOT = Path(__file__).parents[2]


@pytest.fixture
def people(monkeypatch):
    """Says who looks from now on."""
    for name, value in (LOGIN | {"HEADROOM_TEAM_CLAIM": "groups"}).items():
        monkeypatch.setenv(name, value)

    def enters(subject: str = "", *groups: str) -> None:
        told = {"is_logged_in": True, "iss": "https://id", "sub": subject, "iat": time.time(), "groups": list(groups)}
        monkeypatch.setattr(workspace, "claims", lambda: told if subject else {})
        monkeypatch.setattr(account, "claims", lambda: told if subject else {})

    return enters


def page(name: str = "evidence", **link: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "ui" / "pages" / f"{name}.py"), default_timeout=60)
    app.query_params.update(link)
    app.run()
    assert not app.exception
    return app


def imported(tmp_path: Path, **changes: object) -> str:
    """The id of a run that whoever looks imported."""
    app = page()
    content = bench_file(tmp_path / "bench.json", result(**changes)).read_bytes()
    app.file_uploader(key="upload").set_value([("ours.json", content, "")]).run()
    for _ in range(100):
        if app.success:
            return str(re.search(r"run (\w{12})", app.success[0].value)[1])
        time.sleep(0.1)
        app.run()
    raise AssertionError("not imported")


def shown(app: AppTest) -> str:
    boxes = [text for box in app.selectbox for text in (*box.options, str(box.value))]
    return " ".join([*boxes, *(element.value for element in (*app.markdown, *app.caption, *app.success))])


def test_a_run_is_seen_by_its_owner_alone(people, tmp_path):
    people("ann")
    run_id = imported(tmp_path)
    assert page(run=run_id).selectbox(key="run").value == run_id
    for who in ("bob", ""):
        people(who)
        for name, link in (("evidence", {"run": run_id}), ("explain", {"run": run_id}), ("compare", {"a": run_id})):
            told = shown(page(name, **link))
            assert run_id not in told
            assert "ours.json" not in told
    people("ann")
    assert "ours.json" in shown(page())


def test_a_team_shares_and_nobody_else_enters(people, tmp_path):
    people("ann", "lab")
    lab = workspace.open_workspaces()[1]
    app = page()
    app.session_state[workspace.CHOSEN] = lab.name
    assert app.run().session_state[workspace.CHOSEN] == lab.name
    lab.store(settings().store).save(known(tmp_path))
    people("bob", "lab")
    bob = page()
    bob.session_state[workspace.CHOSEN] = lab.name
    assert "ours.json" in shown(bob.run())
    for groups in ([], ["ops"], ["LAB"], [lab.name]):
        people("eve", *groups)
        eve = page()
        eve.session_state[workspace.CHOSEN] = lab.name
        assert "ours.json" not in shown(eve.run())


def framed(**link: str) -> AppTest:
    """The whole app, which opens Plan."""
    app = AppTest.from_string("from ui.frame import frame\nframe()", default_timeout=60)
    app.query_params.update(link)
    app.run()
    assert not app.exception
    return app


def test_a_link_opens_in_the_workspace_it_was_made_in(people):
    people("ann", "lab", "ops")
    lab = next(one for one in workspace.open_workspaces() if one.title == "lab")
    app = framed()
    assert workspace.IN not in app.query_params
    app.session_state[workspace.CHOSEN] = lab.name
    app.run()
    assert app.query_params[workspace.IN] == lab.name
    (address,) = (box.value for box in app.code if workspace.IN in box.value)
    sent = dict(parse_qsl(urlsplit(address).query)) | {"prompt": "777"}
    people("bob", "lab")
    bob = framed(**sent)
    assert (bob.session_state[workspace.CHOSEN], bob.number_input(key="prompt").value) == (lab.name, 777)
    assert not bob.info
    bob.session_state[workspace.CHOSEN] = workspace.open_workspaces()[0].name
    assert workspace.IN not in bob.run().query_params


@pytest.mark.parametrize("who", ["eve", ""])
def test_a_stranger_sees_the_question_of_a_link_and_learns_nothing_of_its_workspace(people, who):
    people("ann", "lab")
    own, lab = workspace.open_workspaces()
    people(who, *(["ops"] if who else []))
    said = set()
    for name in (lab.name, own.name, f"team-{'0' * 32}", "../demo", "<b>x</b>"):
        app = framed(prompt="777", **{workspace.IN: name})
        assert app.session_state[workspace.CHOSEN] == workspace.open_workspaces()[0].name
        assert app.number_input(key="prompt").value == 777
        assert workspace.IN not in app.query_params
        assert not [one.value for one in app.warning if workspace.IN in one.value]
        said.add(tuple(one.value for one in app.info))
    assert said == {(workspace.ELSEWHERE,)}, "the same words for all of them"


def test_who_uploads_where_a_link_led_knows_who_will_see_it(people):
    people("ann", "the <lab>")
    team = workspace.open_workspaces()[1]
    assert "sees what you import" not in shown(framed_evidence())
    told = shown(framed_evidence(**{workspace.IN: team.name}))
    assert r"workspace “the \<lab\>”: everybody in it sees what you import" in told


def framed_evidence(**link: str) -> AppTest:
    """Evidence as the first page of a session that a link opened."""
    script = "from ui.workspace import enter\nenter()\nfrom ui.uploads import uploads\nuploads()"
    app = AppTest.from_string(script, default_timeout=60)
    app.query_params.update(link)
    app.run()
    assert not app.exception
    return app


def test_a_link_of_an_app_with_a_login_opens_where_there_is_none():
    assert [one.value for one in framed(**{workspace.IN: f"team-{'0' * 32}"}).info] == [workspace.NO_LOGIN]


def known(folder: Path) -> Run:
    return importers.read(bench_file(folder / "ours.json", result()))


def test_who_changes_workspace_takes_nothing_along(people):
    script = "from ui.workspace import enter\nimport streamlit as st\nenter()\nst.write(sorted(st.session_state))"
    people("ann")
    app = AppTest.from_string(script).run()
    app.session_state["fetched"] = {"secret": 1}
    assert "fetched" in app.run().session_state
    people("bob")
    assert "fetched" not in app.run().session_state
    app.session_state["fetched"] = {"secret": 1}
    app.session_state[workspace.CHOSEN] = "user-" + "0" * 32
    app.run()
    assert app.session_state[workspace.CHOSEN] == workspace.open_workspaces()[0].name


def test_no_cache_is_shared_between_workspaces(people, tmp_path):
    run = known(tmp_path)
    keys = set()
    for who in ("ann", "bob", ""):
        people(who)
        keys.add(workspace.cache_key(run))
    assert len(keys) == 3
    people("ann")
    workspace.loads_of(run)
    people("bob")
    changed = Run(run.tool, run.tool_version, run.source_name, run.file_hash)
    assert workspace.loads_of(changed) == ()


def test_caches_of_all_sessions_have_a_key_or_no_run():
    cached = re.compile(r"@st\.cache_(?:data|resource)[^\n]*\ndef (\w+)\(([^)]*)\)", re.DOTALL)
    found = {name: told for path in (ROOT / "ui").rglob("*.py") for name, told in cached.findall(path.read_text())}
    assert {"_loads", "_found", "_lines", "_explained"} <= found.keys()
    for name, told in found.items():
        assert "run" not in told.lower() or told.strip().startswith("key: str"), f"{name} is cached without a key"


def test_uploads_of_one_are_not_read_by_another(people, tmp_path):
    people("ann")
    mine = owner(workspace.workspace().name, "session")
    upload = intake()._desk.receive(mine, [("ours.json", b"{}")])
    people("bob")
    others = owner(workspace.workspace().name, "session")
    assert intake().here(others) == []
    with pytest.raises(UploadRefused):
        list(intake().read_upload(others, upload.id, workspace.store()))
    token = intake().token(others)[0]
    assert intake()._tokens.session(token)[0] == others != mine


def test_a_second_session_brings_no_more_room(people, monkeypatch):
    monkeypatch.setenv("HEADROOM_SESSION_GIB", "0.0000001")
    intake.cache_clear()
    for who, sessions in (("ann", ("one", "two")), ("bob", ("one",))):
        people(who)
        first, *more = (owner(workspace.workspace().name, session) for session in sessions)
        intake()._desk.receive(first, [("a.json", bytes(100))])
        for other in more:
            with pytest.raises(UploadRefused):
                intake()._desk.receive(other, [("b.json", bytes(100))])


def test_the_demo_takes_no_files(people):
    people("")
    app = page()
    assert NO_FILES in shown(app)
    assert "Demo: " in app.markdown[0].value
    assert "Drop a trace" not in shown(app)
    assert not app.get("file_uploader")
    assert not [button for button in app.button if "Delete" in button.label]
    assert not page("plan").get("file_uploader")


def test_a_public_demo_shows_the_store_and_changes_nothing(monkeypatch, tmp_path):
    run_id = imported(tmp_path)
    monkeypatch.setenv("HEADROOM_MODE", "demo")
    app = page(run=run_id)
    assert app.selectbox(key="run").value == run_id
    assert NO_FILES in shown(app)
    assert not [button for button in app.button if "Delete" in button.label]
    assert app.get("download_button")


def test_all_data_is_deleted_from_disk_and_memory(people, tmp_path):
    people("bob")
    kept = imported(tmp_path)
    people("ann")
    imported(tmp_path)
    calibrations.save(workspace.store(), fitted())
    mine = owner(workspace.workspace().name, "session")
    intake()._desk.receive(mine, [("waits.json", b"{}")])
    name = workspace.workspace().name
    app = page("account")
    assert "1 of 1,000" in [metric.value for metric in app.metric]
    app.text_input(key="sure").set_value("delete").run()
    next(button for button in app.button if button.label.startswith("Delete all")).click().run()
    assert not app.exception
    assert [box.value for box in app.success] == ["All of it is deleted."]
    assert not [path for path in tmp_path.rglob("*") if name in str(path)]
    assert not [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]
    assert workspace.store().runs() == []
    assert intake().here(mine) == []
    people("bob")
    assert [run.id for run in workspace.store().runs()] == [kept]


def test_the_account_page_offers_a_login(people):
    people("")
    assert [button.label for button in page("account").button] == ["Log in"]
    people("ann", "lab")
    app = page("account")
    assert app.selectbox(key=workspace.CHOSEN).options == ["My runs", "lab"]


def test_streamlit_gets_its_login_from_the_environment(people, monkeypatch):
    told = login.secrets(settings())["auth"]
    assert told["server_metadata_url"] == LOGIN["HEADROOM_OIDC_METADATA_URL"]
    assert login.secrets(settings({})) == {}
    monkeypatch.setattr(login, "find_spec", lambda name: None)
    with pytest.raises(login.BadSetting, match="requirements-login"):
        login.secrets(settings())


def test_an_own_price_is_known_in_its_workspace_alone(people):
    """Own entries are the business of who added them: no list, figure or memory of answers shows them to another."""
    price = {"on_demand_usd_per_hour": {"value": 123.0, "text": "an offer", "date": "2026-11-01"}}

    def cost() -> str:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.query_params.update({"gpu": "l4", "model": "Qwen/Qwen3-8B"})
        app.run()
        return next(metric.value for metric in app.metric if "1M" in metric.label)

    people("one")
    usual = cost()
    entries.save(workspace.store(), entries.PRICES, "l4", price)
    own._read.clear()
    assert cost() != usual
    people("other")
    assert cost() == usual
    people("one")
    assert cost() != usual


@pytest.fixture
def offered(monkeypatch) -> dict[str, Callable[[], bytes | str]]:
    """What makes each file that a page offers."""
    found: dict[str, Callable[[], bytes | str]] = {}
    monkeypatch.setattr(st, "download_button", lambda label, make, *_, **__: found.update({label: make}))
    return found


def test_files_are_made_without_the_session_that_asked_for_them(people, tmp_path, offered):
    """Streamlit makes a file when it is asked for, in a thread that knows neither session nor login."""
    people("ann")
    run_id = imported(tmp_path)
    h100 = next(row for row in read_yaml("gpus.yaml")["gpus"] if row["id"] == "h100-sxm")
    entries.save(workspace.store(), entries.GPUS, "lab", h100)
    workspace.store().set_choice(run_id, gpu="own-lab", model="Qwen/Qwen3-8B")
    own.forget()
    page("evidence", run=run_id)
    page("present", pins=pack([Pin("Ours", f"v=1&run={run_id}")]), notes="True")
    people("")
    with ThreadPoolExecutor(1) as thread:
        made = {label: thread.submit(make).result() for label, make in offered.items() if callable(make)}
    assert {"Report (HTML)", "JSON", "PPTX"} <= made.keys()
    assert "ours.json" in str(made["Report (HTML)"])
    assert all(made.values())


def test_a_run_of_an_own_gpu_that_was_removed_is_still_shown(tmp_path):
    run_id = imported(tmp_path)
    workspace.store().set_choice(run_id, gpu="own-gone")
    for name in ("evidence", "explain"):
        app = page(name, run=run_id)
        assert any("own-gone was removed" in warning.value for warning in app.warning)
        assert app.selectbox(key=f"gpu-{run_id}").value == USUAL_GPU
        assert workspace.store().choice(run_id).gpu == "own-gone"


def test_what_was_erased_is_in_no_memory(people, monkeypatch):
    people("ann")
    price = {"on_demand_usd_per_hour": {"value": 123.0, "text": "an offer", "date": "2026-11-01"}}
    entries.save(workspace.store(), entries.PRICES, "l4", price)
    own._read.clear()
    assert own._read(workspace.workspace().name)[0].prices
    buying.searches["ann", "asked"] = ()
    asked = question({"gpu": "l4", "model": "Qwen/Qwen3-8B"})
    advised._tried("ann's question", "ttft", 0.5, asked)
    account.forget_all()
    monkeypatch.setattr(advised, "advice", lambda *_, **__: "asked anew")
    assert advised._tried("ann's question", "ttft", 0.5, asked) == "asked anew"
    assert not own._read(workspace.workspace().name)[0].prices
    assert buying.searches["ann", "asked"] is None


def test_a_cached_answer_knows_the_own_entries_that_it_rests_on(tmp_path):
    """Findings and curves name their GPU by its id alone: an own one that was added anew is another one."""
    run, h100 = known(tmp_path), next(row for row in read_yaml("gpus.yaml")["gpus"] if row["id"] == "h100-sxm")
    halved = {**h100, "hbm_bandwidth_gb_s": h100["hbm_bandwidth_gb_s"] / 2}
    keys = {informed(Own(gpus=(own_gpu("lab", row),)), workspace.cache_key, run) for row in (h100, halved)}
    assert len(keys) == 2


def test_a_run_that_somebody_deleted_is_told_though_its_page_is_not_drawn_again(people, tmp_path):
    """A click in a fragment draws the fragment alone: the page around it is not there to catch what goes wrong."""
    people("ann", "lab")
    run_id = imported(tmp_path)
    run = workspace.whole_run(workspace.known_runs()[run_id])
    source = (ROOT / "ui" / "pages" / "evidence.py").read_text(encoding="utf-8")
    fragment = source.removesuffix("page()\n") + "evidence(RUN[0], st.empty())\n"
    app = AppTest.from_string(fragment.replace("def page", "from tests.ui.test_workspaces import RUN\ndef page"))
    app.default_timeout = 60
    RUN[:] = [run]
    workspace.store().delete(run_id)
    app.run()
    assert not app.exception
    assert "No run" in " ".join(error.value for error in app.error)


RUN: list[Run] = []
