"""A real containerd: what its bundles tell about a container that no Docker engine knows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sysdig_py.capture import cgroups
from sysdig_py.container.resolver import Resolver
from sysdig_py.container.runtimes.oci import Containerd
from sysdig_py.schema.state import State
from tests.container.engine import Engine, image_tar
from tests.unit.state_records import parse

pytestmark = pytest.mark.container

NAME = "plain"


def ctr(engine: Engine, *args: str) -> str:
    """Run containerd's own client against the containerd that dockerd started."""
    command = ["ctr", "--address", f"{engine.folder}/exec/containerd/containerd.sock", *args]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


@pytest.fixture
def bundles(engine: Engine) -> str:
    return f"{engine.folder}/exec/containerd/daemon/io.containerd.runtime.v2.task/*/%s/config.json"


@pytest.fixture
def plain(engine: Engine, tmp_path: Path) -> Iterator[int]:
    """Yield the pid of a container that containerd's client made of a plain folder."""
    subprocess.run(["tar", "-x", "-C", str(tmp_path)], input=image_tar(), check=True)
    mount = "type=bind,src=/usr/share,dst=/data,options=rbind:ro"
    options = ["--detach", "--env", "A=b", "--mount", mount, "--rootfs", str(tmp_path)]
    ctr(engine, "run", *options, NAME, "/bin/sleep", "60")
    yield next(int(line.split()[1]) for line in ctr(engine, "task", "ls").splitlines() if line.startswith(NAME))
    ctr(engine, "task", "rm", "--force", NAME)
    ctr(engine, "container", "rm", NAME)


def test_a_container_of_the_default_namespace(bundles: str, plain: int) -> None:
    hierarchy = cgroups.detect()
    number, path = cgroups.of_pid(hierarchy, plain)
    assert path == f"/default/{NAME}"
    resolver = Resolver(lambda: cgroups.walk(hierarchy), [Containerd([bundles])])
    container, cgroup = map(parse, resolver.on_cgroup(number, path))
    resolver.close()
    assert (container.type, container["id"], container["type"], container["name"]) == (
        State.CONTAINER,
        NAME,
        "containerd",
        NAME,
    )
    assert "A=b" in container.json()["env"]
    mount = next(m for m in container.json()["Mounts"] if m["Destination"] == "/data")
    assert (mount["Source"], mount["RW"], mount["Mode"]) == ("/usr/share", False, "ro")
    assert (cgroup["cgroup_id"], cgroup["container_id"]) == (number, NAME)


def test_docker_s_containers_are_left_to_docker(engine: Engine, bundles: str) -> None:
    container = engine.run("bundled", "sleep", "60")
    hierarchy = cgroups.detect()
    resolver = Resolver(lambda: cgroups.walk(hierarchy), [Containerd([bundles])])
    told = parse(resolver.on_cgroup(*cgroups.of_pid(hierarchy, container.pid))[0])
    resolver.close()
    assert Path(bundles.replace("*", "moby") % container.id).exists()
    engine.remove(container)
    assert (told["full_id"], told["type"], told["json"]) == (container.id, "docker", "")
