from typing import Any

import pytest

from sysdig_py.container.runtimes.docker_details import details

MOUNT = {"Source": "/a", "Destination": "/b", "Mode": "ro", "RW": False, "Propagation": "rprivate"}


def test_the_keys_are_those_of_a_container_event() -> None:
    answer = {
        "Created": "2024-05-01T10:00:00Z",
        "HostConfig": {"Memory": 1 << 30, "CpuShares": 0, "CpuQuota": 50000},
        "Mounts": [MOUNT | {"Type": "bind"}],
        "Config": {"Env": ["A=b"]},
        "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "81/tcp": None}},
    }
    assert details(answer) == {
        "Mounts": [MOUNT],
        "port_mappings": [{"HostIp": "0.0.0.0", "HostPort": 8080, "ContainerPort": 80}],
        "env": ["A=b"],
        "created_time": "2024-05-01T10:00:00Z",
        "memory_limit": 1 << 30,
        "cpu_quota": 50000,
    }


def test_nothing_known() -> None:
    nulls = {"Config": None, "HostConfig": None, "Mounts": None, "NetworkSettings": {"Ports": None}}
    assert details({}) == details(nulls) == {"Mounts": [], "port_mappings": [], "env": [], "created_time": ""}


@pytest.mark.parametrize(
    ("test", "check"),
    [
        (["CMD", "/bin/check", "-v"], {"exe": "/bin/check", "args": ["-v"]}),
        (["CMD-SHELL", "curl -f x"], {"exe": "/bin/sh", "args": ["-c", "curl -f x"]}),
        (["NONE"], None),
        ([], None),
        (None, None),
    ],
)
def test_health_check(test: Any, check: Any) -> None:
    assert details({"Config": {"Healthcheck": {"Test": test}}}).get("Healthcheck") == check
