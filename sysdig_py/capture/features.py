"""What the probe needs of a kernel and what it makes use of: the one list, told by `doctor` and in docs/capture.md.

Helpers and kinds of maps and programs are those of 5.8, but for those named here.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final, NamedTuple

from sysdig_py.capture import extras
from sysdig_py.capture.kernel_types import Types

# attached in this order: what the probe remembers of a thread at its calls, a birth or an exec makes void (identity.c)
REQUIRED_TRACEPOINTS: Final = (
    "sched_process_fork",
    "sched_process_exec",
    "sched_process_exit",
    "sys_enter",
    "sys_exit",
)
OPTIONAL_TRACEPOINTS: Final = ("cgroup_mkdir", "cgroup_rmdir", "cgroup_attach_task", "signal_deliver", "suspend_resume")
# the first of them is that of 6.3, the second that of 6.0; before, they do not name the request
RING_SUBMISSIONS: Final = ("io_uring_submit_req", "io_uring_submit_sqe")
RING_TRACEPOINTS: Final = ("io_uring_req_failed", "io_uring_complete")


class Need(enum.Enum):
    """When a feature is needed."""

    ALWAYS = "yes"
    NEVER = "no"
    ASKED = "when asked for"


class Feature(NamedTuple):
    """One feature: what it is, whether it is needed, what is amiss without it, and how it is recognised."""

    what: str
    need: Need
    without: str
    exists: Callable[[Types], bool]


def ring_tracepoints(types: Types) -> tuple[str, ...]:
    """Return the tracepoints that show requests of an io_uring; none when the kernel's do not tell enough."""
    submission = next((name for name in RING_SUBMISSIONS if types.tracepoint_takes(name, "struct io_kiocb *")), None)
    if submission is None or not all(types.has_tracepoint(name) for name in RING_TRACEPOINTS):
        return ()
    return (submission, *RING_TRACEPOINTS)


def _tracepoints(names: tuple[str, ...], need: Need, without: str) -> Feature:
    what = ", ".join(f"`{name}`" for name in names)
    return Feature(f"tracepoints {what}", need, without, lambda types: all(map(types.has_tracepoint, names)))


def _helper(name: str, since: str, need: Need, without: str) -> Feature:
    return Feature(
        f"helper `bpf_{name}` ({since})", need, without, lambda types: types.constant(f"BPF_FUNC_{name}") is not None
    )


FEATURES: Final = (
    Feature("BTF (`/sys/kernel/btf/vmlinux`)", Need.ALWAYS, "no live capture", lambda types: bool(types.dump)),
    Feature(
        "BPF ring buffer (5.8)",
        Need.ALWAYS,
        "no live capture",
        lambda types: types.constant("BPF_MAP_TYPE_RINGBUF") is not None,
    ),
    _tracepoints(REQUIRED_TRACEPOINTS, Need.ALWAYS, "no live capture"),
    _tracepoints(("cgroup_mkdir",), Need.NEVER, "new containers are found later"),
    _tracepoints(("cgroup_rmdir",), Need.NEVER, "containers that went away are kept"),
    _tracepoints(("cgroup_attach_task",), Need.NEVER, "the cgroup is looked up at every call"),
    _tracepoints(("signal_deliver",), Need.NEVER, "no `signaldeliver` events"),
    _tracepoints(("suspend_resume",), Need.NEVER, "times are wrong once the machine slept (one that can has it)"),
    Feature(
        "tracepoints `io_uring_submit_req` (6.3) or `io_uring_submit_sqe` with the request (6.0), "
        + " and ".join(f"`{name}`" for name in RING_TRACEPOINTS),
        Need.NEVER,
        "requests through an io_uring are not seen",
        lambda types: ring_tracepoints(types) != (),
    ),
    _helper("get_current_task_btf", "5.11", Need.NEVER, "facts about a task cost a call of a helper each"),
    Feature(
        "function `bpf_rdonly_cast` (6.2)",
        Need.NEVER,
        "kernel memory is read by helpers, at 31 ns a read: tracing costs more, filters about fds most of all",
        lambda types: types.has_function("bpf_rdonly_cast"),
    ),
    Feature(
        "BPF statistics (5.8), CAP_SYS_ADMIN",
        Need.ASKED,
        "`--max-overhead` says that it cannot",
        lambda types: types.constant("BPF_ENABLE_STATS") is not None,
    ),
    _helper(
        "task_pt_regs",
        "5.15",
        Need.NEVER,
        "the time in calls is measured in every run, at 100 ns a call; `--no-latency` says that it cannot",
    ),
    _tracepoints(extras.EXTRAS["switch"].tracepoints, Need.ASKED, "`--events switch` says that it cannot"),
    _tracepoints(
        extras.EXTRAS["page_fault"].tracepoints,
        Need.ASKED,
        "`--events page_fault` says that it cannot; only x86_64 has them",
    ),
)


def missing(types: Types) -> list[Feature]:
    """Return what a kernel lacks."""
    return [feature for feature in FEATURES if not feature.exists(types)]
