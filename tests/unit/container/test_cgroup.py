"""One row per cgroup layout that a runtime is known to use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.container.cgroup import PLAIN, identify, unescape

ID = "4a1f" * 16
OTHER = "9b" * 32
POD = "7b5a3d1c_0f5e_4c40_8b1e_0a7a3a0d6c11"
UUID = "f28d074b-a8bb-4246-96a5-b961e1fe7035"
ESCAPED_UUID = UUID.replace("-", r"\x2d")
USER = "/user.slice/user-1000.slice/user@1000.service"

HEX_LAYOUTS = [
    ("docker", f"/docker/{ID}"),
    ("docker", f"/system.slice/docker-{ID}.scope"),
    ("docker", f"/my-parent/{ID}"),
    ("docker", f"/kubepods.slice/kubepods-pod{POD}.slice/docker-{ID}.scope"),
    ("docker", f"{USER}/app.slice/docker-{ID}.scope"),
    ("docker", f"system.slice:docker:{ID}".join(("/", ""))),
    ("podman", f"/machine.slice/libpod-{ID}.scope"),
    ("podman", f"/machine.slice/libpod-{ID}.scope/container"),
    ("podman", f"/machine.slice/machine-libpod_pod_{OTHER}.slice/libpod-{ID}.scope"),
    ("podman", f"/libpod_parent/libpod-{ID}"),
    ("podman", f"/system.slice/web.service/libpod-payload-{ID}"),
    ("podman", f"{USER}/user.slice/libpod-{ID}.scope/container"),
    ("podman", f"{USER}/user.slice/podman-4711.scope/{ID}"),
    ("podman", f"{USER}/app.slice/run.service/libpod-payload-{ID}"),
    ("cri-o", f"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{POD}.slice/crio-{ID}.scope"),
    (
        "cri-o",
        f"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{POD}.slice/crio-{ID}.scope/container",
    ),
    ("cri-o", f"/kubepods/burstable/pod{POD}/crio-{ID}"),
    (
        "containerd",
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD}.slice/cri-containerd-{ID}.scope",
    ),
    ("containerd", f"/system.slice/containerd.service/kubepods-burstable-pod{POD}.slice:cri-containerd:{ID}"),
    ("containerd", f"/kubepods-burstable-pod{POD}.slice:cri-containerd:{ID}"),
    ("containerd", f"/system.slice/nerdctl-{ID}.scope"),
    ("containerd", f"/default/{ID}"),
    ("containerd", f"/k8s.io/{ID}"),
    ("cri", f"/kubepods/burstable/pod{POD}/{ID}"),
    ("cri", f"/kubepods/pod{POD}/{ID}"),
]

NAMED_LAYOUTS = [
    ("lxc", "/lxc/web-1", "web-1"),
    ("lxc", "/lxc.payload/web", "web"),
    ("lxc", "/lxc.payload.web", "web"),
    ("lxc", f"{USER}/user.slice/lxc.payload.web", "web"),
    ("lxc", "/user.slice/user-1000.slice/session-3.scope/lxc/web", "web"),
    ("libvirt-lxc", "/machine/web.libvirt-lxc", "web"),
    ("libvirt-lxc", r"/machine.slice/machine-lxc\x2dweb.scope", "web"),
    ("libvirt-lxc", r"/machine.slice/machine-lxc\x2d2741\x2dmy\x2dweb.scope", "my-web"),
    ("libvirt-lxc", "/libvirt/lxc/web", "web"),
    ("systemd-nspawn", "/machine.slice/machine-web.scope", "web"),
    ("systemd-nspawn", r"/machine.slice/machine-my\x2dweb.scope/payload", "my-web"),
    ("systemd-nspawn", r"/machine.slice/systemd-nspawn@my\x2dweb.service/payload/init.scope", "my-web"),
    ("containerd", "/default/redis", "redis"),
    ("mesos", f"/mesos/{UUID}", UUID),
    ("bpm", "/system.slice/runc-bpm-cloud_controller.1.scope", "cloud_controller.1"),
    ("bpm", "/bpm-router.scope", "router"),
    ("openvz", "/machine.slice/1001", "1001"),
    ("openvz", f"/machine.slice/{UUID}/init.scope", UUID),
    ("openvz", "/ve/101", "101"),
    (PLAIN, "/batch", "/batch"),
    (PLAIN, "/batch/night", "/batch/night"),
]

HOST = [
    "/",
    "/init.scope",
    "/system.slice",
    "/system.slice/ssh.service",
    "/system.slice/containerd.service",
    "/system.slice/containerd.service/extra",
    "/user.slice/user-1000.slice/session-2.scope",
    f"{USER}/init.scope",
    "/machine.slice",
    "/docker",
    "/kubepods",
    "/kubepods/burstable",
    f"/kubepods/burstable/pod{POD}",
    f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD}.slice",
    "/lxc",
    "/lxc.monitor.web",
    "/lxc.monitor/web",
    "/lxc.pivot",
    "/libpod_parent",
    "/libpod_parent/conmon",
    f"/machine.slice/libpod-conmon-{ID}.scope",
    f"/system.slice/crio-conmon-{ID}.scope",
    "/machine.slice/machine-web.scope/supervisor",
    "/machine.slice/systemd-nspawn@web.service/supervisor",
    r"/machine.slice/machine-qemu\x2d1\x2dvm.scope",
    "/openrc.sshd",
]


@pytest.mark.parametrize(("runtime", "path"), HEX_LAYOUTS)
def test_layouts_with_a_hex_id(runtime: str, path: str) -> None:
    match = identify(path)
    assert match
    assert (match.runtime, match.full_id, match.short_id, match.name) == (runtime, ID, ID[:12], "")


@pytest.mark.parametrize(("runtime", "path", "name"), NAMED_LAYOUTS)
def test_layouts_with_a_name(runtime: str, path: str, name: str) -> None:
    match = identify(path)
    assert match
    assert (match.runtime, match.full_id, match.short_id, match.name) == (runtime, name, name, name)


@pytest.mark.parametrize(
    ("path", "full_id", "name"),
    [
        (rf"/machine.slice/machine-rkt\x2d{ESCAPED_UUID}.scope/system.slice/etcd.service", f"{UUID}:etcd", "etcd"),
        (rf"/machine.slice/machine-rkt\x2d{ESCAPED_UUID}.scope/payload/system.slice/a.service", f"{UUID}:a", "a"),
        (rf"/machine.slice/machine-rkt\x2d{ESCAPED_UUID}.scope/init.scope", UUID, UUID),
    ],
)
def test_rkt_has_one_container_per_app_of_a_pod(path: str, full_id: str, name: str) -> None:
    match = identify(path)
    assert match
    assert (match.runtime, match.full_id, match.name) == ("rkt", full_id, name)


@pytest.mark.parametrize("path", HOST)
def test_the_host_s_own_cgroups(path: str) -> None:
    assert identify(path) is None


@pytest.mark.parametrize(
    "path", [path for _, path in HEX_LAYOUTS] + [path for kind, path, _ in NAMED_LAYOUTS if kind != PLAIN]
)
def test_cgroups_below_a_container_are_its_own(path: str) -> None:
    match = identify(path)
    below = identify(f"{path}/system.slice/docker-{OTHER}.scope")
    assert match and below
    assert (below.runtime, below.full_id, below.root) == (match.runtime, match.full_id, match.root)


def test_root_is_the_container_s_own_cgroup() -> None:
    match = identify(f"/docker/{ID}/init.scope")
    assert match and match.root == f"/docker/{ID}"


@pytest.mark.parametrize("ident", [ID[:-1], ID + "0", ID.upper(), "g" * 64])
def test_only_64_lower_case_hex_digits_are_an_id(ident: str) -> None:
    match = identify(f"/some/{ident}")
    assert match and match.runtime == PLAIN


@given(st.text(alphabet="/abcdef0123456789.-:\\@xlcdockersp", max_size=200))
def test_any_path_is_answered(text: str) -> None:
    match = identify("/" + text)
    if match:
        assert match.full_id and match.short_id and ("/" + text).startswith(match.root)


def test_unescape() -> None:
    assert unescape(r"a\x2db\x5cc") == "a-b\\c"
