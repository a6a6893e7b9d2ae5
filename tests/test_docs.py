"""The docs: each link and picture exists, pictures are small and all of one width, and each page is reached."""

import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
LARGEST = 150_000
"""Of a picture [bytes]."""
SCREENSHOTS = sorted((ROOT / "docs").glob("*.png"))


def linked(page):
    """Files that a page names, from where it stands."""
    inside = (link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8")))
    return [(page.parent / link).resolve() for link in inside if link and ":" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_exists(page):
    assert [str(path) for path in linked(page) if not path.exists()] == []


@pytest.mark.parametrize("name", ["choose_a_gpu", "explain_a_trace", "give_a_talk"])
def test_readme_leads_to_a_page_for_each_user_with_pictures(name):
    page = ROOT / "docs" / f"{name}.md"
    assert page in linked(ROOT / "README.md")
    assert any(path.suffix == ".png" for path in linked(page))


@pytest.mark.parametrize("picture", SCREENSHOTS, ids=lambda picture: picture.name)
def test_a_picture_is_small_and_somebody_shows_it(picture):
    assert picture.stat().st_size < LARGEST
    with Image.open(picture) as shown:
        assert shown.width == 1280
    assert any(picture in linked(page) for page in PAGES)


def test_readme_names_every_room():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert [room for room in sorted(rooms) if f"`{room}/`" not in readme] == []
