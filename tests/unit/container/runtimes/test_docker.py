"""The Docker API client against a server that answers as an engine does."""

import json
import os
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sysdig_py.container.cgroup import CgroupMatch, identify
from sysdig_py.container.runtimes import docker as module
from sysdig_py.container.runtimes.docker import Docker, docker, podman
from tests.unit.container.runtimes.engine_server import engine

ID = "4a1f" * 16
IMAGE_ID = "sha256:" + "ab" * 32

ROW = {
    "Id": ID,
    "Names": ["/proxy/backend", "/web"],
    "Image": "host:5000/web:1",
    "ImageID": IMAGE_ID,
    "Labels": {"tier": "front"},
    "NetworkSettings": {"Networks": {"bridge": {"IPAddress": ""}}},
}
INSPECTION = {
    "Id": ID,
    "Name": "/web",
    "Created": "2024-05-01T10:00:00Z",
    "Image": IMAGE_ID,
    "State": {"Pid": os.getpid()},
    "HostConfig": {"Privileged": True},
    "Config": {"Image": "host:5000/web:1", "Env": ["A=b"], "Labels": {"tier": "front"}},
    "NetworkSettings": {
        "IPAddress": "",
        "Networks": {"front": {"IPAddress": "172.18.0.5"}},
    },
}


@pytest.fixture
def match() -> CgroupMatch:
    found = identify(f"/docker/{ID}")
    assert found
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def test_the_list_tells_the_name_and_inspection_the_rest(path: Path, match: CgroupMatch) -> None:
    image = {"RepoDigests": ["host:5000/web@sha256:01"], "RepoTags": ["host:5000/web:1"]}
    answers = {"/containers/json": [ROW], f"/containers/{ID}/json": INSPECTION, f"/images/{IMAGE_ID}/json": image}
    with engine(path, answers) as server:
        listed, inspected = Docker("docker", [str(path)]).look_up(match)
    assert (listed.name, listed.image, listed.ip, listed.privileged) == ("web", "host:5000/web:1", "", False)
    assert (inspected.image_repo, inspected.image_tag, inspected.image_digest) == ("host:5000/web", "1", "sha256:01")
    assert (inspected.image_id, inspected.ip, inspected.privileged) == ("ab" * 32, "172.18.0.5", True)
    assert inspected.labels == {"tier": "front"}
    assert inspected.details["env"] == ["A=b"]
    assert inspected.netns == Path("/proc/self/ns/net").stat().st_ino
    query = parse_qs(urlsplit(server.asked[0]).query)
    assert (query["all"], json.loads(query["filters"][0])) == (["1"], {"id": [ID]})


def test_an_image_given_by_id_gets_the_names_it_is_known_by(path: Path, match: CgroupMatch) -> None:
    inspection = INSPECTION | {"Config": {"Image": IMAGE_ID}}
    image = {"RepoDigests": [], "RepoTags": ["web:2"]}
    answers = {"/containers/json": [ROW], f"/containers/{ID}/json": inspection, f"/images/{IMAGE_ID}/json": image}
    with engine(path, answers):
        *_, info = Docker("docker", [str(path)]).look_up(match)
    assert (info.image, info.image_repo, info.image_tag) == (IMAGE_ID, "web", "2")


def test_inspection_is_not_waited_for(path: Path, match: CgroupMatch) -> None:
    gate = threading.Event()

    def started(_: object) -> Any:
        gate.wait(5)
        return INSPECTION

    with engine(path, {"/containers/json": [ROW], f"/containers/{ID}/json": started}):
        answers = Docker("docker", [str(path)]).look_up(match)
        assert next(answers).name == "web"
        gate.set()
        assert next(answers).privileged


@pytest.mark.parametrize("answer", [None, [], [ROW | {"Id": "00" * 32}], b"<html>", b"[", {}])
def test_unknown_containers_and_nonsense_yield_nothing(path: Path, match: CgroupMatch, answer: Any) -> None:
    with engine(path, {"/containers/json": answer}):
        assert list(Docker("docker", [str(path)]).look_up(match)) == []


def test_a_second_engine_is_asked_when_the_first_does_not_know(tmp_path: Path, match: CgroupMatch) -> None:
    with engine(tmp_path / "a", {"/containers/json": []}), engine(tmp_path / "b", {"/containers/json": [ROW]}):
        assert [info.name for info in Docker("docker", [str(tmp_path / "?")]).look_up(match)] == ["web"]


def test_an_engine_is_asked_about_its_own_kind_only(path: Path) -> None:
    crio = identify(f"/kubepods/crio-{ID}")
    assert crio
    with engine(path, {"/containers/json": [ROW]}) as server:
        assert list(Docker("docker", [str(path)]).look_up(crio)) == []
    assert server.asked == []


def test_docker_host_comes_first(monkeypatch: pytest.MonkeyPatch, path: Path, match: CgroupMatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    monkeypatch.setattr(module, "DOCKER_SOCKETS", ())
    with engine(path, {"/containers/json": [ROW]}):
        assert next(docker().look_up(match)).type == "docker"


def test_podman_speaks_the_same_api(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(module, "PODMAN_SOCKETS", (str(path),))
    match = identify(f"/machine.slice/libpod-{ID}.scope")
    assert match
    with engine(path, {"/containers/json": [ROW]}):
        assert next(podman().look_up(match)).type == "podman"
