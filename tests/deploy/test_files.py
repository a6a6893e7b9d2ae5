"""What deploy/ has: by the schemas of its formats, by a linter of container files, and by what the app really is."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from intake.limits import limits
from planner.quantities import GIB
from settings import settings
from settings.variables import variables
from ui.health import PATIENCE
from ui.uploads import SMALL_MB

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
OURS = {"Deployment", "PodDisruptionBudget", "Service", "Ingress", "NetworkPolicy", "Secret"}
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
NGINX = (DEPLOY / "nginx.conf").read_text()
CONTAINER = (DEPLOY / "Containerfile").read_text()


def objects():
    return [one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text())]


def named(kind):
    return next(one for one in objects() if one["kind"] == kind)


def pod():
    return named("Deployment")["spec"]["template"]["spec"]


@pytest.mark.parametrize("one", objects(), ids=lambda one: one["kind"])
def test_kubernetes_objects_follow_the_schemas_of_kubernetes(one):
    if one["apiVersion"].startswith("traefik.io"):
        assert one["kind"] == "Middleware"
        return
    kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)


def test_there_is_one_of_each_and_they_belong_together():
    assert {one["kind"] for one in objects()} == OURS | {"Middleware"}
    labels = named("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert named("Service")["spec"]["selector"] == labels
    assert named("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert named("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels
    port = pod()["containers"][0]["ports"][0]["name"]
    assert named("Service")["spec"]["ports"][0]["targetPort"] == port
    assert {pod()["containers"][0][probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")} == {port}


def test_a_pod_may_do_little_and_take_little():
    container = pod()["containers"][0]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod()["securityContext"]["runAsNonRoot"]
    assert pod()["automountServiceAccountToken"] is False
    assert set(container["resources"]["limits"]) == {"cpu", "memory", "ephemeral-storage"}


def test_a_pod_has_time_to_finish_and_room_for_what_it_takes():
    assert pod()["terminationGracePeriodSeconds"] > settings({}).drain_seconds
    assert pod()["containers"][0]["readinessProbe"]["timeoutSeconds"] > PATIENCE
    told = limits({one["name"]: one["value"] for one in pod()["containers"][0]["env"]})
    room = int(pod()["volumes"][0]["emptyDir"]["sizeLimit"].removesuffix("Gi")) * GIB
    assert room > told.total
    memory = int(pod()["containers"][0]["resources"]["limits"]["memory"].removesuffix("Gi")) * GIB
    assert memory > told.at_once * told.memory + GIB


def test_the_compose_file_follows_its_schema():
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"]
    assert subprocess.run(command, check=False).returncode == 0


def test_the_compose_file_has_two_copies_that_may_do_little():
    for name in ("headroom-1", "headroom-2", "proxy"):
        service = COMPOSE["services"][name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert COMPOSE["services"]["proxy"]["ports"] == ["127.0.0.1:8080:8080"]
    assert int(COMPOSE["x-app"]["stop_grace_period"].removesuffix("s")) > settings({}).drain_seconds
    for name in ("headroom-1", "headroom-2"):
        port = COMPOSE["services"][name]["environment"]["STREAMLIT_SERVER_PORT"]
        assert NGINX.count(f"server {name}:{port}") == 3
        assert f"~:{port}$ {name[-1]};" in NGINX


def test_every_variable_is_one_that_the_app_reads():
    known = {one.name for one in variables()}
    texts = [path.read_text() for path in (*DEPLOY.glob("*"), *MANIFESTS) if path.is_file()]
    assert set(re.findall(r"HEADROOM_[A-Z_]+", " ".join(texts))) <= known


def test_the_container_file_passes_its_linter():
    assert subprocess.run([BIN / "hadolint", DEPLOY / "Containerfile"], check=False).returncode == 0


def test_the_image_runs_as_nobody_from_locked_requirements():
    assert re.search(r"^USER 10001:10001$", CONTAINER, re.MULTILINE)
    assert "--require-hashes" in CONTAINER
    assert "/healthz" in CONTAINER
    locked = re.findall(r"^([\w.-]+)==\S+", (DEPLOY / "requirements.txt").read_text(), re.MULTILINE)
    of_the_app = re.findall(r"^([\w.-]+)==\S+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert {*of_the_app, "s3fs", "authlib"} <= set(locked)


def test_the_image_has_all_that_the_app_reads_and_no_more():
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "tools"}
    assert rooms | {"data", "app.py", "cli.py", ".streamlit/config.toml"} <= set(kept)
    assert not any(
        fnmatch(secret, rule) for rule in kept for secret in (".git", "deploy/.env", ".streamlit/secrets.toml")
    )
    assert all((ROOT / path).exists() for path in kept)


def test_the_proxy_takes_files_as_large_as_the_app_does():
    sizes = dict(re.findall(r"location (\S+) \{[^}]*client_max_body_size (\w+);", NGINX))
    assert sizes == {"/_stcore/upload_file/": f"{SMALL_MB + 1}m", "/upload/": f"{limits({}).file // GIB}g"}
