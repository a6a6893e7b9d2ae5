"""What the container is made of: every locked package is listed, free to use, and at no version with a known hole."""

import csv
import json
import re
from pathlib import Path

import pytest
from packaging.version import Version

from tools import audit, bom

ROOT = Path(__file__).parents[2]
LOCKED = dict(re.findall(r"^([\w.-]+)==([\w.]+)", bom.LOCK.read_text(), re.MULTILINE))
PACKAGES = tuple(bom.locked(bom.LOCK))
HOLES = list(csv.DictReader((ROOT / "deploy" / "known_holes.csv").read_text().splitlines()))


def test_every_locked_package_is_in_the_bill_of_materials():
    told = json.loads(bom.BOM.read_text())
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    assert {one["name"]: one["version"] for one in told["components"]} == LOCKED
    assert all(one["licenses"] and one["purl"].startswith("pkg:pypi/") for one in told["components"])


def test_both_files_are_what_the_lock_makes_today():
    assert bom.BOM.read_text() == bom.bill(PACKAGES)
    assert bom.PAGE.read_text() == bom.page(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda one: one.name)
def test_every_licence_is_permissive(package):
    named = bom.licences(package.licence)
    assert named, f"{package.name} says no licence: read its LICENSE, add a line to deploy/licences.csv"
    assert named <= bom.PERMISSIVE | bom.BY_FILE
    assert not named & bom.BY_FILE or package.name == "certifi"


def test_only_packages_that_are_here_have_a_licence_told_for_them():
    told = list(csv.DictReader(bom.TOLD.read_text().splitlines()))
    assert {line["package"] for line in told} <= set(LOCKED)
    assert all(line["source"] for line in told)


@pytest.mark.parametrize("lock", ["requirements.txt", "deploy/requirements.txt"])
@pytest.mark.parametrize("hole", HOLES, ids=lambda line: line["hole"])
def test_no_version_has_a_known_hole(hole, lock):
    versions = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / lock).read_text(), re.MULTILINE))
    assert Version(versions[hole["package"]]) >= Version(hole["floor"])


def test_the_container_has_the_versions_that_the_tests_ran_with():
    tested = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE))
    assert {name: version for name, version in LOCKED.items() if tested.get(name, version) != version} == {}


@pytest.mark.parametrize(
    ("told", "status", "said"),
    [
        ({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}, audit.CLEAN, "no known hole"),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}, audit.HOLES, "a 1: CVE-1"),
        ({"dependencies": [{"name": "a", "skip_reason": "not found"}]}, audit.UNKNOWN, "not audited: 1 of 1"),
        (None, audit.UNKNOWN, "not audited"),
    ],
)
def test_an_audit_that_looked_nothing_up_is_not_a_clean_one(told, status, said):
    found, lines = audit.verdict(json.dumps(told) if told else "", "no network")
    assert (found, said in " ".join(lines)) == (status, True)
