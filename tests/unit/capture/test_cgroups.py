"""Which hierarchy is tracked, on machines of every kind and on this one."""

import os
from pathlib import Path

import pytest

from sysdig_py.capture.cgroups import Hierarchy, cgroup_id, cgroup_path, choose, detect, of_pid, walk
from sysdig_py.errors import EnvironmentLack

UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
HYBRID = """\
31 23 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw
32 31 0:28 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw
33 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:6 - cgroup cgroup rw,cpu,cpuacct
34 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
35 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
36 31 0:32 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids"""
HYBRID_OWN = "12:pids:/a b\n7:memory:/m\n4:cpu,cpuacct:/c\n1:name=systemd:/s\n0::/u\n"


def test_unified() -> None:
    assert choose(UNIFIED, "0::/user.slice\n") == Hierarchy(2, "/sys/fs/cgroup", "", 0)


def test_unified_comes_before_v1_leftovers() -> None:
    assert choose(f"{UNIFIED}\n{HYBRID}", HYBRID_OWN).version == 2


def test_hybrid_takes_the_first_controller_that_engines_use() -> None:
    assert choose(HYBRID, HYBRID_OWN) == Hierarchy(1, "/sys/fs/cgroup/pids", "pids", 12)
    without_pids = "\n".join(HYBRID.splitlines()[:-1])
    assert choose(without_pids, HYBRID_OWN) == Hierarchy(1, "/sys/fs/cgroup/memory", "memory", 7)


def test_comounted_controllers() -> None:
    assert choose("\n".join(HYBRID.splitlines()[:4]), HYBRID_OWN) == Hierarchy(
        1, "/sys/fs/cgroup/cpu,cpuacct", "cpu", 4
    )


def test_v2_mounted_elsewhere_when_it_is_the_only_one() -> None:
    assert choose("\n".join(HYBRID.splitlines()[:2]), "0::/\n") == Hierarchy(2, "/sys/fs/cgroup/unified", "", 0)


def test_a_mount_point_with_a_space() -> None:
    assert choose(r"30 23 0:26 / /mnt/c\040g rw - cgroup2 none rw", "0::/\n").mount == "/mnt/c g"


def test_no_cgroups() -> None:
    with pytest.raises(EnvironmentLack, match="mount"):
        choose("31 23 0:27 / / rw - ext4 /dev/vda rw", "")


def test_path_of_a_process() -> None:
    assert cgroup_path(Hierarchy(1, "/x", "pids", 12), HYBRID_OWN) == "/a b"
    assert cgroup_path(Hierarchy(1, "/x", "cpu", 4), HYBRID_OWN) == "/c"
    assert cgroup_path(Hierarchy(2, "/x", "", 0), HYBRID_OWN) == "/u"
    assert cgroup_path(Hierarchy(2, "/x", "", 0), "1:pids:/\n") == ""


def test_walk_gives_inode_and_path_parents_first(tmp_path: Path) -> None:
    (tmp_path / "docker" / "x").mkdir(parents=True)
    (tmp_path / "cgroup.procs").touch()
    found = list(walk(Hierarchy(2, str(tmp_path), "", 0)))
    assert [path for _, path in found] == ["/", "/docker", "/docker/x"]
    assert [number for number, _ in found] == [
        path.stat().st_ino for path in (tmp_path, tmp_path / "docker", tmp_path / "docker" / "x")
    ]


def test_a_partly_mounted_hierarchy_keeps_full_paths(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    hierarchy = Hierarchy(2, str(tmp_path), "", 0, "/docker/x")
    assert [path for _, path in walk(hierarchy)] == ["/docker/x", "/docker/x/inner"]
    assert cgroup_id(hierarchy, "/docker/x/inner") == (tmp_path / "inner").stat().st_ino
    assert cgroup_id(hierarchy, "/docker/gone") == 0


def test_this_machine() -> None:
    hierarchy = detect()
    number, path = of_pid(hierarchy, os.getpid())
    assert number > 0
    assert (number, path) in list(walk(hierarchy))


def test_a_process_that_is_gone() -> None:
    assert of_pid(detect(), 1 << 30) == (0, "")


def test_a_new_cgroup_of_this_machine_is_found() -> None:
    hierarchy = detect()
    made = Path(hierarchy.mount, f"sysdig-py-test-{os.getpid()}")
    try:
        made.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made: {error}")
    try:
        assert (made.stat().st_ino, f"/{made.name}") in list(walk(hierarchy))
        assert cgroup_id(hierarchy, f"/{made.name}") == made.stat().st_ino
    finally:
        made.rmdir()
