"""The running kernel as a source of records; the only place that imports bcc.

`Probe` compiles, loads, attaches and maps; `LiveCapture` is the `Source` the pipeline drives: it
attaches first, then snapshots, so that nothing falls between the two.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sysdig_py import locations
from sysdig_py.capture import conversions, headers, kernel, plans, probe_source, rights
from sysdig_py.capture.cgroups import Hierarchy, detect, walk
from sysdig_py.capture.machine import machine_info
from sysdig_py.capture.proc import snapshot
from sysdig_py.capture.ring import RingView, map_shared, open_ring, ring_bytes, unmap
from sysdig_py.capture.source import CaptureStats
from sysdig_py.container.resolver import Resolver
from sysdig_py.engine.vm import Engine, Status
from sysdig_py.errors import EnvironmentLack, UsageError
from sysdig_py.schema.record import Flag, pack_record
from sysdig_py.schema.state import State

DEFAULT_SNAPLEN: Final = 80
MAX_SNAPLEN: Final = 65000
LOSS_CAUSES: Final = ("ring full", "scratch full", "memory unreadable", "slot lost")
# Unreadable user memory leaves a parameter empty and a lost slot a latency unknown: no event is lost.
LOST_EVENTS: Final = ("ring full",)
_COUNTERS_SIZE: Final = 64
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_DRAIN_LIMIT: Final = 65536
_SNAPSHOT_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How to capture.

    Attributes:
        snaplen: bytes of data kept of each read and write; None is DEFAULT_SNAPLEN, or what a chisel asks for.
        ring_bytes: size of the ring buffer, a power of two; None chooses by memory and cores.
        wait: seconds to sleep at most once the ring was read; the kernel wakes earlier when it fills up.
        drop_rights: give up privileges once everything is loaded.
        max_seconds: end after so many seconds even when nothing happens; 0 goes on for ever.
    """

    snaplen: int | None = None
    ring_bytes: int | None = None
    wait: float = 0.05
    drop_rights: bool = True
    max_seconds: float = 0.0

    @property
    def data_bytes(self) -> int:
        """Return the snaplen as a number."""
        return DEFAULT_SNAPLEN if self.snaplen is None else self.snaplen

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if not 0 <= self.data_bytes <= MAX_SNAPLEN:
            raise UsageError(f"the snaplen must be between 0 and {MAX_SNAPLEN}, not {self.snaplen}")
        size = self.ring_bytes
        if size is not None and (size < _PAGE or size & (size - 1)):
            raise UsageError(f"the ring size must be a power of two of at least {_PAGE} bytes, not {size}")


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

    def __init__(self, options: LiveOptions, hierarchy: Hierarchy) -> None:
        """Compile, load and map; nothing is attached yet.

        Raises:
            RightsError: the caller may not load programs.
            EnvironmentLack: bcc, type information or a tracepoint is missing.
        """
        rights.require_bpf()
        self._bcc = _import_bcc()
        self._arch = kernel.machine()
        self._cpus = kernel.cpu_count()
        size = options.ring_bytes or ring_bytes(machine_info()["memory_size_bytes"], os.cpu_count() or 1)
        self._attached: list[str] = []
        types = kernel.Types(headers.dump_btf())
        self._tracepoints = kernel.tracepoints(types)
        defines = kernel.features(types) | kernel.hierarchy(types, hierarchy) | kernel.constants(self._arch)
        self._bpf = self._compile(defines | _sizes(options, size, self._cpus))
        self._load()
        self._counters_length = -(-self._cpus * _COUNTERS_SIZE // _PAGE) * _PAGE
        self._counters = map_shared(self._map_fd("counters"), self._counters_length, 0, writable=False)
        self.ring: RingView = open_ring(self._map_fd("ring"), size)

    def attach(self) -> None:
        """Attach every program; records flow from here on."""
        for name in self._tracepoints:
            self._bpf.attach_raw_tracepoint(tp=name.encode(), fn_name=f"on_{name}".encode())
            self._attached.append(name)

    def wait(self, timeout: float) -> bool:
        """Sleep until the ring fills up or `timeout` seconds are over."""
        return self.ring.wait(timeout)

    def losses(self) -> list[Loss]:
        """Return what was lost or left incomplete, per cause and CPU; costs no system call."""
        words = (ctypes.c_uint64 * (self._cpus * 8)).from_address(self._counters)
        return [Loss(cause, list(words[index::8])) for index, cause in enumerate(LOSS_CAUSES)]

    def detach(self) -> None:
        """Detach; what is in the ring can still be read."""
        for name in self._attached:
            self._bpf.detach_raw_tracepoint(tp=name.encode())
        self._attached.clear()

    def close(self) -> None:
        """Detach, unmap and unload."""
        self.detach()
        self.ring.close()
        unmap(self._counters, self._counters_length)
        self._bpf.cleanup()

    def _compile(self, defines: dict[str, str]) -> Any:
        source = probe_source.join(locations.PROBE)
        os.environ["BCC_KERNEL_SOURCE"] = str(headers.prepare(probe_source.identifiers(source, defines)))
        with _compiler_messages():
            return self._bcc.BPF(text=source.encode(), cflags=probe_source.cflags(defines))

    def _load(self) -> None:
        kind = self._bcc.BPF.RAW_TRACEPOINT
        with _compiler_messages():
            for handler in plans.Handler:
                if handler not in plans.INLINE:
                    program = self._bpf.load_func(f"handle_{handler.name.lower()}".encode(), kind)
                    self._put("handlers", handler, program.fd.to_bytes(4, "little"))
            for name in self._tracepoints:
                self._bpf.load_func(f"on_{name}".encode(), kind)
        for nr, plan in plans.plans(self._arch).items():
            self._put("plans", nr, plan)
        for number, table in conversions.tables(self._arch).items():
            self._put("conversions", number, table.pack())

    def _put(self, table: str, key: int, value: bytes) -> None:
        raw_key, raw_value = ctypes.c_uint32(key), ctypes.create_string_buffer(value, len(value))
        done = self._bcc.lib.bpf_update_elem(self._map_fd(table), ctypes.byref(raw_key), ctypes.byref(raw_value), 0)
        if done < 0:
            raise EnvironmentLack(f"the kernel refused an entry of the probe's map {table}")

    def _map_fd(self, name: str) -> int:
        return int(self._bcc.lib.bpf_table_fd(self._bpf.module, name.encode()))


class LiveCapture:
    """Records of the running kernel."""

    is_live = True
    name = ""

    def __init__(self, options: LiveOptions | None = None) -> None:
        """Prepare a capture; nothing happens to the kernel before `start`."""
        self.options = options or LiveOptions()
        self.machine = machine_info()
        self._probe: Probe | None = None
        self._pending: deque[bytes] = deque()
        self._told: dict[str, int] = {}
        self._started = time.monotonic()
        self._events = 0
        self._bytes = 0
        self._lost: dict[str, int] = {}
        self._stopping = False

    def suggest_snaplen(self, snaplen: int) -> None:
        """Take a chisel's wish for longer I/O buffers; what the user asked for wins."""
        if self.options.snaplen is None:
            self.options = replace(self.options, snaplen=max(snaplen, DEFAULT_SNAPLEN))

    @property
    def probe(self) -> Probe:
        """The loaded probe; only between `start` and `close`."""
        if self._probe is None:
            raise RuntimeError("the capture was not started")
        return self._probe

    def start(self, engine: Engine) -> None:
        """Load and attach, then queue the snapshot: it is fed before anything of the ring is."""
        hierarchy = detect()
        self._probe = Probe(self.options, hierarchy)
        self._probe.attach()
        self._started = time.monotonic()
        engine.open_ring(self._probe.ring)
        self._resolver = Resolver(lambda: walk(hierarchy))
        self._pending.extend(_blocks(iter(self._resolver.snapshot())))
        self._pending.extend(_blocks(snapshot(hierarchy)))
        if self.options.drop_rights:
            rights.drop()

    def pump(self, engine: Engine) -> bool:
        """Feed what is queued, then walk the ring; sleeps a little once it is empty."""
        if not self._feed_pending(engine):
            return True
        step = engine.drain(_DRAIN_LIMIT)
        self._events = engine.stats()["events"]
        if step.status is Status.STOP:
            return False
        if step.status is Status.CGROUP:
            self._pending.extend(self._resolver.on_cgroup(step.cgroup_id, os.fsdecode(step.path)))
        elif step.status is Status.OK:
            return self._idle()
        return True

    def stop(self) -> None:
        """Detach; what is in the ring is still moved by `pump`."""
        self._stopping = True
        self.probe.detach()

    def stats(self) -> CaptureStats:
        """Return what was captured and lost so far."""
        if self._probe is not None:
            self._bytes = self._probe.ring.consumed()
            self._lost = {loss.cause: loss.total for loss in self._probe.losses() if loss.cause in LOST_EVENTS}
        return CaptureStats(self._events, self._bytes, self._lost, time.monotonic() - self._started)

    def close(self) -> None:
        """Take the probe out of the kernel."""
        if self._probe is not None:
            self.stats()
            self._probe.close()
            self._probe = None
            self._resolver.close()

    def _feed_pending(self, engine: Engine) -> bool:
        self._pending.extend(self._resolver.pending())
        self._pending.extend(self._gaps())
        while self._pending:
            block = self._pending.popleft()
            step = engine.feed_bytes(block)
            if step.consumed < len(block) and step.status in (Status.FULL, Status.CGROUP):
                self._pending.appendleft(block[step.consumed :])
            if step.status is not Status.OK:
                return False
        return True

    def _gaps(self) -> Iterator[bytes]:
        for loss in self.probe.losses():
            if loss.cause in LOST_EVENTS and loss.total > self._told.get(loss.cause, 0):
                new = loss.total - self._told.get(loss.cause, 0)
                self._told[loss.cause] = loss.total
                yield gap_record(loss.cause, new, loss.total)

    def _idle(self) -> bool:
        """Sleep until there is something worth waking up for; False when the capture is at its end."""
        if self._stopping:
            return False
        if self.options.max_seconds and time.monotonic() - self._started >= self.options.max_seconds:
            self.stop()
        else:
            self.probe.wait(self.options.wait)
        return True


def gap_record(cause: str, count: int, total: int) -> bytes:
    """Return the state record that says `count` more events were lost, `total` since the start."""
    numbers = (count.to_bytes(8, "little"), total.to_bytes(8, "little"), (-1).to_bytes(2, "little", signed=True))
    return pack_record(State.GAP, [cause.encode() + b"\0", *numbers], ts=time.time_ns(), flags=Flag.STATE_ONLY)


def _blocks(records: Iterator[bytes]) -> Iterator[bytes]:
    block = bytearray()
    for record in records:
        block += record
        if len(block) >= _SNAPSHOT_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _sizes(options: LiveOptions, ring_size: int, cpus: int) -> dict[str, str]:
    copy = 1 << max(options.data_bytes, 1).bit_length()
    slots = kernel.slot_count()
    made = {
        "TRACER_PID": os.getpid(),
        "CLOCK_OFFSET": f"{_clock_offset()}ULL",
        "SNAPLEN": options.data_bytes,
        "COPY_MASK": copy - 1,
        "SCRATCH_LIMIT": 32768 if copy <= 4096 else 131072,
        "SCRATCH_SLACK": 8192 + 2 * copy,
        "SLOT_COUNT": slots,
        "CPU_COUNT": cpus,
        "RING_PAGES": ring_size // _PAGE,
        "WAKE_BYTES": max(ring_size // 8 // cpus, 1),
    }
    if slots < kernel.MAX_SLOTS:
        made["FEATURE_EXACT_SLOTS"] = 1
    return {name: str(value) for name, value in made.items()}


def _clock_offset() -> int:
    """Return what turns the time since boot into ns since the epoch; the closest of a few readings."""
    readings = []
    for _ in range(8):
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        epoch = time.time_ns()
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        readings.append((after - before, epoch - (before + after) // 2))
    return min(readings)[1]


def _import_bcc() -> Any:
    lack = "bcc's Python binding is missing: install the distribution's package python3-bpfcc"
    try:
        import bcc
    except ImportError as error:
        raise EnvironmentLack(lack) from error
    if not hasattr(bcc, "BPF") or not hasattr(bcc, "lib"):
        raise EnvironmentLack(f"{lack} (the module 'bcc' found at {bcc.__file__} is an unrelated project)")
    return bcc


@contextmanager
def _compiler_messages() -> Iterator[None]:
    """Keep what bcc's compiler and the kernel's verifier write to stderr away unless they fail."""
    with tempfile.TemporaryFile() as caught:
        kept = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        except Exception as error:
            caught.seek(0)
            text = caught.read().decode(errors="replace")
            raise EnvironmentLack(_probe_failure(text or str(error))) from error
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _probe_failure(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = next((line for line in lines if "error:" in line), lines[-1] if lines else "no message")
    with suppress(OSError):
        (locations.cache() / "probe-failure.log").write_text(text)
    return f"the probe does not load into this kernel: {found} (all of it: {locations.cache()}/probe-failure.log)"
