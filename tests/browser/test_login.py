"""Two people log in at a real provider, in browsers of their own: what one imports, the other never sees."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE
from tests.browser.issuer import CLIENT, PASSWORD, Issuer, issuing
from tests.importers.samples import bench_file, result
from tools.running_app import free_port, running_app
from ui.workspace import ELSEWHERE

pytest.importorskip("authlib", reason="pip install -r requirements-login.txt")


@pytest.fixture(scope="module")
def issuer():
    with issuing(free_port()) as found:
        yield found


@pytest.fixture(scope="module")
def hosted(tmp_path_factory, issuer: Issuer):
    port = free_port()
    settings = {
        "HEADROOM_SECRET": "s" * 32,
        "HEADROOM_OIDC_METADATA_URL": f"{issuer.address}/.well-known/openid-configuration",
        "HEADROOM_OIDC_CLIENT_ID": CLIENT,
        "HEADROOM_OIDC_CLIENT_SECRET": PASSWORD,
        "HEADROOM_OIDC_REDIRECT_URI": f"http://127.0.0.1:{port}/oauth2callback",
        "HEADROOM_TEAM_CLAIM": "groups",
    }
    with running_app(tmp_path_factory.mktemp("hosted"), port, **settings) as served:
        yield served.url


def visitor(browser: Browser, address: str, path: str = "/evidence") -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address + path)
    return page


def logged_in(browser: Browser, address: str, issuer: Issuer, who: str, *groups: str) -> Page:
    issuer.who, issuer.groups = who, list(groups)
    page = visitor(browser, address, "/account")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(re.compile(f"^{re.escape(address)}/(?!account)"))
    page.goto(f"{address}/account")
    expect(page.get_by_text(f"Logged in as {who.title()}")).to_be_visible()
    return page


def test_two_people_and_a_stranger(browser, hosted, issuer, tmp_path):
    stranger = visitor(browser, hosted)
    expect(stranger.get_by_text("This is a public demo: it takes no files")).to_be_visible()
    ann = logged_in(browser, hosted, issuer, "ann")
    ann.goto(f"{hosted}/evidence")
    ann.locator("input[type=file]").first.set_input_files(bench_file(tmp_path / "secret-project.json", result()))
    expect(ann.get_by_text(re.compile("imported as run"))).to_be_visible()
    run = re.search(r"run (\w{12})", ann.get_by_text(re.compile("imported as run")).inner_text())[1]
    bob = logged_in(browser, hosted, issuer, "bob")
    for other in (stranger, bob):
        other.goto(f"{hosted}/evidence?run={run}")
        expect(other.get_by_text("The link says run")).to_be_visible()
        assert "secret-project" not in other.content()
    ann.goto(f"{hosted}/account")
    ann.get_by_text("Delete all data of").click()
    ann.get_by_label('Type "delete"').fill("delete")
    ann.get_by_label('Type "delete"').press("Enter")
    ann.get_by_role("button", name="Delete all of it").click()
    expect(ann.get_by_text("All of it is deleted.")).to_be_visible()
    ann.get_by_role("button", name="Log out").click()
    ann.wait_for_url(re.compile(f"^{re.escape(hosted)}/(?!account)"))
    ann.goto(f"{hosted}/account")
    expect(ann.get_by_role("button", name="Log in")).to_be_visible()


def test_a_teams_link_opens_in_its_workspace_and_for_a_stranger_as_the_question(browser, hosted, issuer, tmp_path):
    ann = logged_in(browser, hosted, issuer, "ann", "lab")
    ann.get_by_role("combobox").first.click()
    ann.get_by_role("option", name="lab").click()
    ann.get_by_role("link", name="Evidence").click()
    ann.locator("input[type=file]").first.set_input_files(bench_file(tmp_path / "secret-project.json", result()))
    expect(ann.get_by_text(re.compile("imported as run"))).to_be_visible()
    ann.wait_for_url(re.compile(r"in=team-"))
    bob, eve = (logged_in(browser, hosted, issuer, who, group) for who, group in (("bob", "lab"), ("eve", "ops")))
    for other in (bob, eve):
        other.goto(ann.url)
    expect(bob.get_by_text("secret-project").first).to_be_visible()
    expect(eve.get_by_text(ELSEWHERE)).to_be_visible()
    assert "secret-project" not in eve.content()


def test_a_cookie_of_ones_own_making_is_none(browser, hosted):
    page = visitor(browser, hosted)
    page.context.add_cookies([{"name": "_streamlit_user", "value": '{"is_logged_in":true,"sub":"ann"}', "url": hosted}])
    page.goto(f"{hosted}/account")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
