"""The probe of one capture: found compiled or compiled, loaded, attached, its memory mapped.

The image of the last start is used as long as nothing it was made from has changed; what differs
from run to run is filled in when it is loaded.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sysdig_py import locations
from sysdig_py.capture import (
    bpf,
    compat,
    conversions,
    headers,
    image_cache,
    kernel,
    plans,
    probe_source,
    rights,
    single_calls,
    uring,
)
from sysdig_py.capture.cgroups import Hierarchy
from sysdig_py.capture.extras import EXTRAS
from sysdig_py.capture.handlers import INLINE, Handler
from sysdig_py.capture.image import Constant, Image
from sysdig_py.capture.kernel_types import Types
from sysdig_py.capture.loader import Loaded
from sysdig_py.capture.machine import memory_bytes
from sysdig_py.capture.options import MAX_SNAPLEN, PAGE, LiveOptions
from sysdig_py.capture.overhead.reduction import Reduction
from sysdig_py.capture.pushdown import Pushdown
from sysdig_py.capture.ring import MAX_RINGS, Rings, RingView, map_shared, ring_bytes, ring_count, unmap
from sysdig_py.capture.told_marks import ToldMarks
from sysdig_py.capture.treatment import Treatment
from sysdig_py.errors import EnvironmentLack
from sysdig_py.schema.events import syscalls

LOSS_CAUSES: Final = ("ring full", "scratch full", "memory unreadable", "slot lost")
_COUNTERS_SIZE: Final = 64
_SMALL_COPY: Final = 4096
_CLOCK_AT: Final = 24  # in `struct control`, at its end
_LEFT_OUT: Final = len(LOSS_CAUSES)
_CALLS: Final = _LEFT_OUT + 1
# What shapes an image besides the values it is asked for: a change of any of them makes old images void.
_RULES: Final = ("compiler", "features", "headers", "image", "kernel", "kernel_types", "probe_source", "prune")


@dataclass(slots=True)
class Loss:
    """One cause of loss: how many in all and on which CPU each."""

    cause: str
    per_cpu: list[int] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Return the sum over all CPUs."""
        return sum(self.per_cpu)


class Probe:
    """The eBPF programs in the kernel and the memory shared with them."""

    def __init__(self, options: LiveOptions, hierarchy: Hierarchy, pushdown: Pushdown | None = None) -> None:
        """Load and map, and compile first where that was not done before; nothing is attached yet.

        Args:
            options: how to capture.
            hierarchy: the cgroup hierarchy that tells containers apart.
            pushdown: what the kernel leaves out; None: nothing.

        Raises:
            RightsError: the caller may not load programs.
            EnvironmentLack: bcc, type information or a tracepoint is missing.
        """
        rights.require_bpf()
        self._arch = kernel.machine()
        self._cpus = kernel.cpu_count()
        self._pushdown = pushdown or Pushdown()
        count = options.rings or ring_count(self._cpus)
        size = options.ring_bytes or ring_bytes(memory_bytes(), os.cpu_count() or 1, count)
        self._loaded = self._load(options, hierarchy, size, count)
        self._fill()
        self._counters_length = -(-self._cpus * _COUNTERS_SIZE // PAGE) * PAGE
        self._counters = map_shared(self._loaded.map_fd("counters"), self._counters_length, 0, writable=False)
        self._told = ToldMarks(self._loaded.map_fd("control"), self._loaded.map_fd("touch_epochs"))
        self._reduction = self._shared_reduction() if options.max_overhead else None
        self.rings = Rings(self._loaded.ring_fds, size)

    @property
    def ring(self) -> RingView:
        """Return the first ring; small machines have no other."""
        return self.rings.views[0]

    @property
    def tracepoints(self) -> Sequence[str]:
        """Return the raw tracepoints of this run: those of what somebody asks for."""
        return self._loaded.tracepoints

    def attach(self) -> None:
        """Attach every program; records flow from here on."""
        self._loaded.attach()

    def wait(self, timeout: float) -> bool:
        """Sleep until a ring fills up or `timeout` seconds are over."""
        return self.rings.wait(timeout)

    def now(self) -> int:
        """Return the time by the probe's clock, ns since the epoch."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) + self._clock_offset

    def losses(self) -> list[Loss]:
        """Return what was lost or left incomplete, per cause and CPU; costs no system call."""
        words = (ctypes.c_uint64 * (self._cpus * 8)).from_address(self._counters)
        return [Loss(cause, list(words[index::8])) for index, cause in enumerate(LOSS_CAUSES)]

    def left_out(self) -> int:
        """Return how many calls the filters left out in the kernel."""
        return self._counted(_LEFT_OUT)

    def calls(self) -> int:
        """Return how many system calls ended since the start; 0 without `LiveOptions.max_overhead`."""
        return self._counted(_CALLS)

    def _counted(self, place: int) -> int:
        words = (ctypes.c_uint64 * (self._cpus * 8)).from_address(self._counters)
        return sum(words[place::8])

    def treat(self, treatments: Mapping[int, Treatment]) -> None:
        """Say what becomes of every call; those without a treatment are kept. Holds from the next call on."""
        bpf.update_all(self._loaded.map_fd("plans"), plans.plans(self._arch, treatments))

    def answer(self, answers: Mapping[int, int]) -> None:
        """Set the answers to the questions about containers, as bits, by cgroup."""
        for cgroup, bits in answers.items():
            bpf.update_wide(self._loaded.map_fd("cgroup_answers"), cgroup, bits.to_bytes(8, "little"))

    def tell_again(self) -> None:
        """Make the probe tell every thread and open file once more when it is used next."""
        self._told.renew()

    @property
    def program_fds(self) -> list[int]:
        """Return the descriptors of the programs that the kernel runs by itself."""
        return self._loaded.entry_fds

    def reduce(self, reduction: int) -> None:
        """Say what is left out to cap the cost (`overhead.levels.word`); needs `LiveOptions.max_overhead`."""
        if self._reduction is not None:
            self._reduction.set(reduction)

    def spared(self) -> Sequence[int]:
        """Return how many calls were left out to cap the cost, by row (`overhead.levels.ROWS`)."""
        return self._reduction.left_out() if self._reduction is not None else ()

    def detach(self) -> None:
        """Detach; what is in the ring can still be read."""
        self._loaded.detach()

    def close(self) -> None:
        """Detach, unmap and unload."""
        self.detach()
        self.rings.close()
        unmap(self._counters, self._counters_length)
        self._told.close()
        if self._reduction is not None:
            self._reduction.close()
        self._loaded.close()

    def _shared_reduction(self) -> Reduction:
        return Reduction(self._loaded.map_fd("control"), self._loaded.map_fd("overhead_counts"), self._cpus)

    def _load(self, options: LiveOptions, hierarchy: Hierarchy, size: int, rings: int) -> Loaded:
        self._clock_offset = _clock_offset(time.CLOCK_BOOTTIME)
        constants = _constants(options, size, rings, self._cpus, self._clock_offset) | self._pushdown.constants
        entries = {"ring": size} | ({} if self._pushdown.container_checks else {"cgroup_answers": 1})
        entries |= {} if options.max_overhead else {"overhead_counts": 1}
        sizes = _sizes(options, self._cpus, rings)
        key = image_key(self._arch, hierarchy, sizes)
        image = image_cache.find(key)
        if image is not None:
            try:
                return _loaded(image, options, constants, entries, self._pushdown)
            except OSError:
                # made for this kernel and yet refused: what a fresh one is told counts
                image_cache.drop(key)
        for typed_reads in (True, False):
            image = _compile(self._arch, hierarchy, sizes, typed_reads=typed_reads)
            try:
                loaded = _loaded(image, options, constants, entries, self._pushdown)
            except OSError as error:
                # some verifier may refuse plain loads of kernel memory, though there is all it takes for them
                if not typed_reads:
                    raise _refusal(error) from error
                continue
            image_cache.keep(key, image)
            break
        return loaded

    def _fill(self) -> None:
        """Write the clock and the tables the programs work by."""
        control = bytes(_CLOCK_AT) + _clock_offset(time.CLOCK_MONOTONIC).to_bytes(8, "little")
        bpf.update(self._loaded.map_fd("control"), 0, control)
        for handler in Handler:
            if handler not in INLINE:
                program = self._loaded.program_fd(handler.function)
                bpf.update(self._loaded.map_fd("handlers"), handler, program.to_bytes(4, "little"))
        tables = {int(number): table.pack() for number, table in conversions.tables(self._arch).items()}
        bpf.update_all(self._loaded.map_fd("conversions"), tables)
        self.treat(self._pushdown.treatments)
        bpf.update_all(self._loaded.map_fd("compat_calls"), compat.packed(self._arch))
        if self._loaded.has_map("ring_plans"):
            bpf.update_all(self._loaded.map_fd("ring_plans"), uring.packed(self._arch))


def image_key(arch: str, hierarchy: Hierarchy, sizes: dict[str, str]) -> str:
    """Return what the image is kept under: a digest of everything it is made from."""
    folder = Path(__file__).parent
    made_from: dict[str, Any] = {
        "kernel": headers.build_id(),
        "arch": arch,
        "hierarchy": [hierarchy.version, hierarchy.controller, hierarchy.hierarchy_id],
        "constants": kernel.constants(arch),
        "sizes": sizes,
        "source": probe_source.join(locations.PROBE),
        "rules": [(folder / f"{name}.py").read_text() for name in _RULES],
    }
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:32]


def _compile(arch: str, hierarchy: Hierarchy, sizes: dict[str, str], *, typed_reads: bool = True) -> Image:
    # the compiler is heavy, and hardly any start needs it
    from sysdig_py.capture.compiler import compile_probe

    types = Types(headers.dump_btf())
    tracepoints = kernel.tracepoints(types)
    defines = kernel.features(types) | kernel.hierarchy(types, hierarchy) | kernel.constants(arch) | sizes
    defines |= kernel.typed_reads(headers.BTF.read_bytes()) if typed_reads else {}
    return compile_probe(defines, tracepoints)


def _loaded(
    image: Image,
    options: LiveOptions,
    constants: Mapping[Constant, int],
    entries: Mapping[str, int],
    pushdown: Pushdown,
) -> Loaded:
    """Load an image for a run.

    Raises:
        OSError: the kernel refused it.
        EnvironmentLack: what was asked for cannot be done here.
    """
    if image.needs_entries and not options.latency:
        raise EnvironmentLack("a capture without latencies needs a kernel with bpf_task_pt_regs (5.15 or later)")
    unasked = _unasked(options, image)
    is_entered, events = _entries(image, pushdown, is_allowed=options.latency)
    constants = {**constants, Constant.LATENCY: int(is_entered)}
    without = unasked if is_entered else unasked | {"sys_enter"}
    return Loaded(image, constants, entries, pushdown.hooks, without, events)


def _entries(image: Image, pushdown: Pushdown, *, is_allowed: bool) -> tuple[bool, Sequence[int]]:
    """Return whether the entries of all calls are looked at, and where they are not, tracepoints of those that must."""
    if is_allowed and (pushdown.latency or image.needs_entries):
        return True, ()
    # what a close closes matters to who sees the close; the end of a thread is always told
    numbers = {call.name: call.nr for call in syscalls(kernel.machine())}
    calls = [call for call in image.last_chances if call != "close" or pushdown.shows(numbers[call])]
    try:
        return False, single_calls.open_entries(calls) if calls else ()
    except OSError:
        return is_allowed, ()


def _unasked(options: LiveOptions, image: Image) -> frozenset[str]:
    """Return the tracepoints of events that nobody asked for.

    Raises:
        EnvironmentLack: the kernel does not have those of an event that was asked for.
    """
    for name in sorted(options.events):
        missing = [point for point in EXTRAS[name].tracepoints if point not in image.tracepoints]
        if missing:
            raise EnvironmentLack(f"this kernel cannot tell of {name} events: it has no tracepoint {missing[0]}")
    return frozenset(
        point for name, extra in EXTRAS.items() if name not in options.events for point in extra.tracepoints
    )


def _refusal(error: OSError) -> EnvironmentLack:
    from sysdig_py.capture.compiler import load_failure

    log = error.log if isinstance(error, bpf.Refused) else ""
    return load_failure(f"{log}\n{error.strerror}")


def _sizes(options: LiveOptions, cpus: int, rings: int = 1) -> dict[str, str]:
    """Return the defines that follow from the options and the machine's size."""
    # two sizes, so that most runs share an image
    copy = _SMALL_COPY if options.copied_bytes < _SMALL_COPY else 1 << MAX_SNAPLEN.bit_length()
    slots = kernel.slot_count()
    made = {
        "COPY_MASK": copy - 1,
        "SCRATCH_LIMIT": 32768 if copy == _SMALL_COPY else 131072,
        "SCRATCH_SLACK": 8192 + 2 * copy,
        "SLOT_COUNT": slots,
        "CPU_COUNT": cpus,
        "MAX_RINGS": MAX_RINGS,
    }
    if rings > 1:
        made["FEATURE_RINGS"] = 1
    if slots < kernel.MAX_SLOTS:
        made["FEATURE_EXACT_SLOTS"] = 1
    return {name: str(value) for name, value in made.items()}


def _constants(options: LiveOptions, size: int, rings: int, cpus: int, offset: int) -> dict[Constant, int]:
    """Return what is filled in when the image is loaded."""
    return {
        Constant.TRACER_PID: os.getpid(),
        Constant.CLOCK_OFFSET: offset,
        Constant.SNAPLEN: options.data_bytes,
        Constant.WAKE_BYTES: max(size * rings // 8 // cpus, 1),
        Constant.RING_COUNT: rings,
        Constant.OVERHEAD: int(options.max_overhead > 0),
    }


def _clock_offset(clock: int) -> int:
    """Return what turns the time by a clock into ns since the epoch; the closest of a few readings."""
    readings = []
    for _ in range(8):
        before = time.clock_gettime_ns(clock)
        epoch = time.time_ns()
        after = time.clock_gettime_ns(clock)
        readings.append((after - before, epoch - (before + after) // 2))
    return min(readings)[1]
