"""Files that engines leave, laid out in a temporary folder as the engines lay them out."""

import json
from pathlib import Path
from typing import Any

import pytest

from sysdig_py.container.cgroup import CgroupMatch, identify
from sysdig_py.container.runtimes.oci import Containerd, ContainersStorage

ID = "4a1f" * 16


def match_of(path: str) -> CgroupMatch:
    match = identify(path)
    assert match
    return match


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def containerd(root: Path) -> Containerd:
    return Containerd([f"{root}/*/%s/config.json"])


def storage(root: Path) -> ContainersStorage:
    bundles = [f"{root}/run/*-containers/%s/userdata/config.json"]
    return ContainersStorage(bundles, [f"{root}/lib/*-containers/*containers.json"])


def test_kubernetes_under_containerd(tmp_path: Path) -> None:
    notes = {
        "io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.container-name": "coredns",
        "io.kubernetes.cri.image-name": "registry.k8s.io/coredns:v1.10",
        "io.kubernetes.cri.sandbox-name": "coredns-x",
        "io.kubernetes.cri.sandbox-namespace": "kube-system",
    }
    namespaces = [{"type": "pid"}, {"type": "network", "path": "/proc/self/ns/net"}]
    mounts = [
        {"type": "bind", "source": "/a", "destination": "/b", "options": ["rbind", "rprivate", "ro"]},
        {"type": "proc", "source": "proc", "destination": "/proc"},
    ]
    config = {"annotations": notes, "linux": {"namespaces": namespaces}, "mounts": mounts, "process": {"env": ["A=b"]}}
    write(tmp_path / "k8s.io" / ID / "config.json", config)
    (info,) = containerd(tmp_path).look_up(match_of(f"/kubepods/podx/{ID}"))
    assert (info.id, info.type, info.name) == (ID[:12], "containerd", "coredns")
    assert (info.image_repo, info.image_tag) == ("registry.k8s.io/coredns", "v1.10")
    assert info.labels["io.kubernetes.pod.name"] == "coredns-x"
    assert info.labels["io.kubernetes.pod.namespace"] == "kube-system"
    assert info.netns == Path("/proc/self/ns/net").stat().st_ino
    mount = {"Source": "/a", "Destination": "/b", "Mode": "ro", "RW": False, "Propagation": "rprivate"}
    assert info.details == {"Mounts": [mount], "env": ["A=b"]}


def test_a_pod_s_sandbox_is_named_as_such(tmp_path: Path) -> None:
    write(tmp_path / "k8s.io" / ID / "config.json", {"annotations": {"io.kubernetes.cri.container-type": "sandbox"}})
    (info,) = containerd(tmp_path).look_up(match_of(f"/kubepods/podx/{ID}"))
    assert info.name == "POD"


def test_a_container_of_containerd_s_own_client_keeps_its_name(tmp_path: Path) -> None:
    write(tmp_path / "default" / "redis" / "config.json", {"process": {}})
    (info,) = containerd(tmp_path).look_up(match_of("/default/redis"))
    assert (info.name, info.full_id, info.image) == ("redis", "redis", "")


def test_podman_without_a_service(tmp_path: Path) -> None:
    said = json.dumps({"image-name": "docker.io/library/redis:7", "name": "cache"})
    rows = [{"id": "00" * 32, "names": ["other"]}, {"id": ID, "names": ["cache"], "image": "ff" * 32, "metadata": said}]
    write(tmp_path / "lib" / "overlay-containers" / "containers.json", rows)
    notes = {"io.container.manager": "libpod", "io.podman.annotations.privileged": "TRUE"}
    write(tmp_path / "run" / "overlay-containers" / ID / "userdata" / "config.json", {"annotations": notes})
    (info,) = storage(tmp_path).look_up(match_of(f"/machine.slice/libpod-{ID}.scope"))
    assert (info.type, info.name, info.image) == ("podman", "cache", "docker.io/library/redis:7")
    assert (info.image_repo, info.image_tag, info.image_id) == ("docker.io/library/redis", "7", "ff" * 32)
    assert info.privileged


def test_crio(tmp_path: Path) -> None:
    notes = {"io.kubernetes.container.name": "app", "io.kubernetes.cri-o.ImageName": "quay.io/app:1"}
    write(tmp_path / "run" / "overlay-containers" / ID / "userdata" / "config.json", {"annotations": notes})
    (info,) = storage(tmp_path).look_up(match_of(f"/kubepods/crio-{ID}"))
    assert (info.type, info.name, info.image_tag) == ("cri-o", "app", "1")


@pytest.mark.parametrize("content", ["", "{", '{"annotations"'])
def test_half_written_files_say_nothing(tmp_path: Path, content: str) -> None:
    write(tmp_path / "k8s.io" / ID / "config.json", content)
    assert list(containerd(tmp_path).look_up(match_of(f"/kubepods/podx/{ID}"))) == []


def test_other_runtimes_containers_are_not_looked_for(tmp_path: Path) -> None:
    write(tmp_path / "default" / "web" / "config.json", {})
    assert list(containerd(tmp_path).look_up(match_of("/lxc/web"))) == []
    assert list(storage(tmp_path).look_up(match_of("/lxc/web"))) == []


def test_docker_s_own_containers_are_left_to_docker(tmp_path: Path) -> None:
    write(tmp_path / "moby" / ID / "config.json", {})
    assert list(containerd(tmp_path).look_up(match_of(f"/docker/{ID}"))) == []


def test_an_id_cannot_name_other_folders(tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    (tmp_path / "config.json").write_text("{}")
    odd = CgroupMatch("containerd", "..", "..", "..", "/default/..")
    assert (tmp_path / "default" / ".." / "config.json").exists()
    assert list(containerd(tmp_path).look_up(odd)) == []
