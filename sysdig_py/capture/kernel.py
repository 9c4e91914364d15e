"""What this kernel has: the one place where kernel differences are decided.

Every decision is a test for the feature (a type, a member, a tracepoint in the kernel's own type
information), never for a version, and reaches the probe as a `-D`.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sysdig_py.capture import btf, conversions, extras, judge_code, uring
from sysdig_py.capture.cgroups import Hierarchy
from sysdig_py.capture.features import OPTIONAL_TRACEPOINTS, REQUIRED_TRACEPOINTS, ring_tracepoints
from sysdig_py.capture.handlers import TOLD_BEFORE, Handler, Rare, Transfer
from sysdig_py.capture.image import CONSTANT_BASE, KERNEL_FUNCTION, Constant
from sysdig_py.capture.kernel_types import Types
from sysdig_py.capture.overhead.levels import ROWS, Reduce
from sysdig_py.capture.overhead.spare import BRIEF_NEVER, Spare
from sysdig_py.capture.plans import Op
from sysdig_py.capture.told_marks import EPOCHS
from sysdig_py.capture.touches import THEN_NOTHING, THEN_PLAN, Touch
from sysdig_py.capture.treatment import Verdict
from sysdig_py.errors import EnvironmentLack
from sysdig_py.schema.events import syscalls
from sysdig_py.schema.state import L4, FdType, Role

_NO_NR: Final = 0xFFFFFFF0
MAX_SLOTS: Final = 131072
# calls that the probe knows by their number, as NATIVE_NR_*
_NAMED_CALLS: Final = (
    *("clone", "clone3", "fork", "vfork", "execveat", "getsockopt", "ppoll", "close", "exit", "exit_group"),
    "rt_sigreturn",
)
_SUBSYSTEM: Final = {"blkio": "io"}  # the kernel's own name of a v1 controller, where it differs


def tracepoints(types: Types) -> list[str]:
    """Return the raw tracepoints that there are programs for.

    Raises:
        EnvironmentLack: a needed one is missing.
    """
    missing = [name for name in REQUIRED_TRACEPOINTS if not types.has_tracepoint(name)]
    if missing:
        raise EnvironmentLack(
            f"the kernel lacks the tracepoint {missing[0]} (CONFIG_FTRACE_SYSCALLS, CONFIG_TRACEPOINTS)"
        )
    optional = (name for name in (*OPTIONAL_TRACEPOINTS, *extras.TRACEPOINTS) if types.has_tracepoint(name))
    return [*REQUIRED_TRACEPOINTS, *optional, *ring_tracepoints(types)]


def features(types: Types) -> dict[str, str]:
    """Return the FEATURE_* defines that hold for these types."""
    inode = "struct inode"
    tests = {
        "RSS_PERCPU": "percpu_counter" in types.member_type("struct mm_struct", "rss_stat"),
        "LOGINUID": types.has_member("struct task_struct", "loginuid"),
        "INODE_TIME_SPLIT": types.has_member(inode, "i_mtime_sec"),
        "INODE_TIME_HIDDEN": types.has_member(inode, "__i_mtime"),
        "USERLOCKS_BITS": ": 4" in types.member_type("struct sock", "sk_userlocks"),
        "UNIX": types.has("struct unix_sock"),
        "SIGNAL_CORE_STATE": types.has_member("struct signal_struct", "core_state"),
        "TYPED_TASK": types.constant("BPF_FUNC_get_current_task_btf") is not None,
        "TASK_REGISTERS": types.constant("BPF_FUNC_task_pt_regs") is not None,
        "CGROUP_CACHE": types.has_tracepoint("cgroup_attach_task"),
        "EARLY_DEATH": types.tracepoint_takes("sched_process_exit", "struct task_struct *, bool"),
        "URING": ring_tracepoints(types) != (),
        "URING_CQE": "(*btf_trace_io_uring_complete)(void *, struct io_ring_ctx *, void *, struct io_uring_cqe *"
        in types.dump,
        "URING_CHOSEN": types.has_member("struct io_rw", "addr")
        and types.has_member("struct io_sr_msg", "buf")
        and types.has_member("struct iov_iter", "ubuf"),
    }
    boot = "start_boottime" if types.has_member("struct task_struct", "start_boottime") else "real_start_time"
    parent = "__parent" if types.has_member("struct kernfs_node", "__parent") else "parent"
    return {f"FEATURE_{name}": "1" for name, holds in tests.items() if holds} | {
        "START_BOOTTIME": boot,
        "KERNFS_PARENT": parent,
    }


def last_chances(defines: Mapping[str, str]) -> tuple[str, ...]:
    """Return the calls of which nothing is left at their exit: their entries are looked at in any case.

    With FEATURE_EARLY_DEATH (6.16) the end of a thread is told while it still has its memory, with what it is.
    """
    return ("close",) if "FEATURE_EARLY_DEATH" in defines else ("close", "exit", "exit_group")


def typed_reads(raw: bytes) -> dict[str, str]:
    """Return the defines for reading kernel memory by plain loads; none where the kernel does not have what it takes.

    Args:
        raw: the kernel's type information.
    """
    cast = btf.find(raw, btf.Kind.FUNCTION, ["bpf_rdonly_cast"])
    word = btf.find(raw, btf.Kind.STRUCT, ["timespec64"])
    if not cast or not word:
        return {}
    hook = KERNEL_FUNCTION + cast["bpf_rdonly_cast"]
    return {"FEATURE_TYPED_READS": "1", "HOOK_CAST": str(hook), "KERNEL_WORD": str(word["timespec64"])}


def hierarchy(types: Types, tracked: Hierarchy) -> dict[str, str]:
    """Return the defines that say where a task's cgroup is found and what it is called.

    On v2 one path holds for every controller; the text carries it under one name.
    """
    label = tracked.controller or "memory"
    made = {"CGROUP_HIERARCHY": str(tracked.hierarchy_id), "CGROUP_LABEL": f'"{label}="'}
    if tracked.version == 2:
        return made
    subsystem = types.constant(f"{_SUBSYSTEM.get(tracked.controller, tracked.controller)}_cgrp_id")
    if subsystem is None:
        raise EnvironmentLack(f"the kernel has no cgroup controller {tracked.controller}")
    return made | {"CGROUP_SUBSYS": str(subsystem)}


def constants(arch: str) -> dict[str, str]:
    """Return what probe and loader must agree on: numbers of handlers, steps, tables and calls."""
    numbers = {s.name: s.nr for s in syscalls(arch)}
    made = {f"NATIVE_NR_{name.upper()}": numbers.get(name, _NO_NR) for name in _NAMED_CALLS}
    made |= {f"HANDLER_{h.name}": h.value for h in Handler} | {f"OP_{op.name}": op.value for op in Op}
    made |= {f"CONSTANT_{constant.name}": CONSTANT_BASE + constant for constant in Constant}
    made |= {f"CONVERSION_{kind.name}": kind.value for kind in conversions.Kind}
    made |= {f"CONVERSION_{c.name}": c.value for c in conversions.Conversion if c}
    made |= {f"SOURCE_{source.name}": source.value for source in uring.Source}
    made |= {f"RING_SLOT_{slot.name}": slot.value for slot in uring.Slot}
    made |= {f"RING_CHOSEN_{chosen.name}": chosen.value for chosen in uring.Chosen}
    made |= {"RING_PLAN_COUNT": uring.PLAN_COUNT, "RING_REPEATS_ALWAYS": uring.REPEATS_ALWAYS}
    made["POLL_PAIRS"] = len(conversions.tables(arch)[conversions.Conversion.POLL].pairs)
    made |= {"NATIVE_O_CREAT": conversions.O_CREAT, "NATIVE_O_TMPFILE_BIT": conversions.O_TMPFILE_BIT}
    made |= {f"TOUCH_{touch.name}": touch.value for touch in Touch}
    made |= {"TOUCH_THEN_NOTHING": THEN_NOTHING, "TOUCH_THEN_PLAN": THEN_PLAN, "TOUCH_EPOCHS": EPOCHS}
    made |= {f"FD_{kind.name}": kind.value for kind in FdType} | {f"L4_{l4.name}": l4.value for l4 in L4}
    made |= {f"ROLE_{role.name}": role.value for role in Role}
    made["NATIVE_O_LARGEFILE"] = conversions.largefile(arch)
    made |= {"NATIVE_EINPROGRESS": 115, "NATIVE_ENOSYS": 38, "SOCK_TYPE_BITS": 15, "NATIVE_CLONE_VM": 0x100}
    made |= {"NATIVE_PR_SET_NAME": 15, "NATIVE_F_DUPFD": 0, "NATIVE_F_DUPFD_CLOEXEC": 1030}
    made |= {"NATIVE_CLONE_VFORK": 0x4000, "NATIVE_CLONE_NEWPID": 0x20000000}
    made |= {f"RARE_{call.name}": call.value for call in Rare}
    made |= {f"TRANSFER_{kind.name}": kind.value for kind in Transfer} | {"DETAIL_TOLD_BEFORE": TOLD_BEFORE}
    made |= {f"VERDICT_{verdict.name}": verdict.value for verdict in Verdict} | judge_code.constants()
    made |= {f"SPARE_{one.name}": one.value for one in Spare} | {f"REDUCE_{bit.name}": bit.value for bit in Reduce}
    made |= {"BRIEF_NEVER": BRIEF_NEVER, "OVERHEAD_ROWS": ROWS}
    return {name: str(value) for name, value in made.items()}


def slot_count(pid_max: int | None = None) -> int:
    """Return how many thread slots to have: one per possible tid, up to MAX_SLOTS."""
    limit = pid_max or int(Path("/proc/sys/kernel/pid_max").read_text())
    return min(MAX_SLOTS, 1 << (limit - 1).bit_length())


def cpu_count() -> int:
    """Return one more than the highest CPU number that can ever be."""
    text = Path("/sys/devices/system/cpu/possible").read_text().strip()
    return int(re.split(r"[-,]", text)[-1]) + 1


def machine() -> str:
    """Return the architecture, one of those the schema has system call maps for."""
    arch = platform.machine()
    if arch not in ("x86_64", "aarch64"):
        raise EnvironmentLack(f"the machine type {arch} is not supported (x86_64, aarch64 are)")
    return arch
