import pytest

from sysdig_py.capture import kernel
from sysdig_py.capture.cgroups import Hierarchy
from sysdig_py.capture.features import REQUIRED_TRACEPOINTS
from sysdig_py.capture.image import KERNEL_FUNCTION
from sysdig_py.capture.kernel_types import Types
from sysdig_py.errors import EnvironmentLack

REQUIRED = "".join(f"typedef void (*btf_trace_{name})(void *);\n" for name in REQUIRED_TRACEPOINTS)
NEW = Types(
    REQUIRED
    + """typedef void (*btf_trace_cgroup_attach_task)(void *, struct cgroup *);
enum cgroup_subsys_id {
	memory_cgrp_id = 4,
	io_cgrp_id = 2,
	pids_cgrp_id = 11,
};
struct mm_struct {
	struct {
		struct percpu_counter rss_stat[4];
	};
};
struct task_struct {
	kuid_t loginuid;
	u64 start_boottime;
};
struct inode {
	time64_t i_mtime_sec;
};
struct kernfs_node {
	struct kernfs_node *__parent;
};
struct unix_sock {
	struct sock *peer;
};
"""
)
OLD = Types(
    REQUIRED
    + """struct mm_struct {
	struct mm_rss_stat rss_stat;
};
struct task_struct {
	u64 real_start_time;
};
struct kernfs_node {
	struct kernfs_node *parent;
};
"""
)


def test_features_of_a_new_kernel():
    made = kernel.features(NEW)
    assert {name for name in made if name.startswith("FEATURE")} == {
        "FEATURE_RSS_PERCPU", "FEATURE_LOGINUID", "FEATURE_INODE_TIME_SPLIT", "FEATURE_UNIX", "FEATURE_CGROUP_CACHE"
    }  # fmt: skip
    assert (made["START_BOOTTIME"], made["KERNFS_PARENT"]) == ("start_boottime", "__parent")


def test_kernel_memory_is_loaded_where_any_address_can_have_a_type(monkeypatch):
    ids = {"bpf_rdonly_cast": 70, "timespec64": 9}
    monkeypatch.setattr(kernel.btf, "find", lambda _raw, _kind, names: {n: ids[n] for n in names if n in ids})
    made = kernel.typed_reads(b"")
    assert made == {"FEATURE_TYPED_READS": "1", "HOOK_CAST": str(KERNEL_FUNCTION + 70), "KERNEL_WORD": "9"}
    del ids["bpf_rdonly_cast"]
    assert kernel.typed_reads(b"") == {}


def test_features_of_an_old_kernel():
    assert kernel.features(OLD) == {"START_BOOTTIME": "real_start_time", "KERNFS_PARENT": "parent"}


def test_tracepoints_that_exist_are_attached_and_a_missing_one_is_named():
    assert kernel.tracepoints(OLD) == list(REQUIRED_TRACEPOINTS)
    assert kernel.tracepoints(NEW) == [*REQUIRED_TRACEPOINTS, "cgroup_attach_task"]
    with pytest.raises(EnvironmentLack, match=REQUIRED_TRACEPOINTS[0]):
        kernel.tracepoints(Types(""))


def test_the_end_of_a_thread_needs_no_entry_where_it_is_told_with_its_memory():
    death = "typedef void (*btf_trace_sched_process_exit)(void *, struct task_struct *{});\n"
    newest = kernel.features(Types(NEW.dump + death.format(", bool")))
    assert "FEATURE_EARLY_DEATH" in newest
    assert kernel.last_chances(newest) == ("close",)
    older = kernel.features(Types(NEW.dump + death.format("")))
    assert kernel.last_chances(older) == ("close", "exit", "exit_group")


def test_hierarchy_of_version_two_has_no_subsystem():
    made = kernel.hierarchy(NEW, Hierarchy(2, "/sys/fs/cgroup", "", 0))
    assert made == {"CGROUP_HIERARCHY": "0", "CGROUP_LABEL": '"memory="'}


@pytest.mark.parametrize(("controller", "index"), [("pids", "11"), ("memory", "4"), ("blkio", "2")])
def test_hierarchy_of_version_one_is_found_by_its_controller(controller, index):
    made = kernel.hierarchy(NEW, Hierarchy(1, "/sys/fs/cgroup/x", controller, 8))
    assert made == {"CGROUP_HIERARCHY": "8", "CGROUP_LABEL": f'"{controller}="', "CGROUP_SUBSYS": index}


def test_an_unknown_controller_is_named():
    with pytest.raises(EnvironmentLack, match="freezer"):
        kernel.hierarchy(NEW, Hierarchy(1, "/x", "freezer", 3))


@pytest.mark.parametrize(("limit", "slots"), [(32768, 32768), (32769, 65536), (4194304, kernel.MAX_SLOTS)])
def test_slots_cover_every_tid_up_to_a_limit(limit, slots):
    assert kernel.slot_count(limit) == slots


def test_calls_that_an_architecture_lacks_get_a_number_that_never_comes():
    assert int(kernel.constants("aarch64")["NATIVE_NR_FORK"]) > 1 << 31
    assert kernel.constants("x86_64")["NATIVE_NR_CLONE"] == "56"
    assert kernel.constants("aarch64")["NATIVE_NR_CLONE"] == "220"


def test_this_machine_is_supported():
    assert kernel.machine() in ("x86_64", "aarch64")
    assert kernel.cpu_count() >= 1
