"""The running kernel as a source of records.

`LiveCapture` is the `Source` the pipeline drives: it loads and attaches the probe first, then
snapshots, so that nothing falls between the two.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from sysdig_py.capture import kernel, rights
from sysdig_py.capture.cgroups import detect, walk
from sysdig_py.capture.container_answers import ContainerAnswers
from sysdig_py.capture.demand import Demand
from sysdig_py.capture.machine import machine_info
from sysdig_py.capture.options import DEFAULT_SNAPLEN, LiveOptions
from sysdig_py.capture.overhead.governor import Governor
from sysdig_py.capture.overhead.meter import Meter
from sysdig_py.capture.probe import Probe
from sysdig_py.capture.proc import snapshot, threads
from sysdig_py.capture.proc.cpu import CpuSamples
from sysdig_py.capture.proc.process import idle_thread
from sysdig_py.capture.pushdown import Pushdown, push_down
from sysdig_py.capture.source import CaptureStats
from sysdig_py.container.resolver import Resolver
from sysdig_py.engine.vm import Engine, Status
from sysdig_py.schema.record import Flag, pack_record
from sysdig_py.schema.state import State

__all__ = ["LiveCapture", "LiveOptions", "Probe", "gap_record"]

# Unreadable user memory leaves a parameter empty and a lost slot a latency unknown: no event is lost.
LOST_EVENTS: Final = ("ring full",)
_DRAIN_LIMIT: Final = 65536
_SNAPSHOT_BYTES: Final = 1 << 20
# How long after its time stamp an event is in its ring at the latest: programs cannot be put aside in between.
_SETTLE_NS: Final = 2_000_000
_TICK_SECONDS: Final = 0.1
# How often what was told is told again at most: it takes room in a ring that was full already.
_TELL_AGAIN_SECONDS: Final = 0.2


class LiveCapture:
    """Records of the running kernel."""

    is_live = True
    dialect = ""
    name = ""

    def __init__(self, options: LiveOptions | None = None) -> None:
        """Prepare a capture; nothing happens to the kernel before `start`."""
        self.options = options or LiveOptions()
        self.machine = machine_info()
        self._probe: Probe | None = None
        self._pending: deque[bytes] = deque()
        self._started = time.monotonic()
        self._counts: dict[str, int] = {}
        self._meter: Meter | None = None
        self._governor: Governor | None = None
        self._bytes = 0
        self._lost: dict[str, int] = {}
        self._stopping = False
        self._demand: Demand | None = None
        self._answers = ContainerAnswers()
        self._ticked = 0.0
        self._samples: CpuSamples | None = None
        self._next_sample = 0.0
        self._lost_before = 0
        self._told_again = 0.0

    def suggest_snaplen(self, snaplen: int) -> None:
        """Take a chisel's wish for longer I/O buffers; what the user asked for wins."""
        if self.options.snaplen is None:
            self.options = replace(self.options, snaplen=max(snaplen, DEFAULT_SNAPLEN))

    def push_down(self, demand: Demand | None) -> None:
        """Leave out in the kernel what nobody wants, from `start` on; None, at any time: take everything in."""
        self._demand = demand
        if self._probe is not None:
            self._probe.treat(self._pushed().treatments)

    def _pushed(self) -> Pushdown:
        options = self.options
        return push_down(self._demand or Demand(), kernel.machine(), options.snaplen_rules, options.data_bytes)

    def suggest_events(self, names: frozenset[str]) -> None:
        """Capture these types of events too, which are captured only when asked for."""
        self.options = replace(self.options, events=self.options.events | names)

    @property
    def probe(self) -> Probe:
        """The loaded probe; only between `start` and `close`."""
        if self._probe is None:
            raise RuntimeError("the capture was not started")
        return self._probe

    def start(self, engine: Engine) -> None:
        """Load and attach, then queue the snapshot: it is fed before anything of the ring is."""
        hierarchy = detect()
        pushdown = self._pushed()
        self._probe = Probe(self.options, hierarchy, pushdown)
        self._answers = ContainerAnswers(engine, pushdown.container_checks)
        if self.options.snapshot:
            self._pending.extend(_blocks(threads(hierarchy)))
        self._probe.attach()
        self._started = time.monotonic()
        engine.open_rings(self._probe.rings.views)
        self._resolver = Resolver(lambda: walk(hierarchy))
        self._pending.extend(_blocks(iter(self._resolver.snapshot())))
        if self.options.snapshot:
            self._pending.extend(_blocks(snapshot(hierarchy, user_names=self.options.user_names)))
        self._pending.extend([idle_thread()] if "switch" in self.options.events else [])
        self._samples = CpuSamples(os.getpid()) if "procinfo" in self.options.events else None
        if self.options.max_overhead:
            self._cap(self.options.max_overhead)
        if self.options.drop_rights:
            rights.drop()

    def _cap(self, percent: float) -> None:
        probe = self.probe
        self._meter = Meter(probe.program_fds, probe.calls, drop_rights=self.options.drop_rights)
        self._governor = Governor(percent, kernel.machine(), probe, self._meter)

    def skip_before(self, ts: int, rel: int) -> None:
        """Do nothing: nothing is before the events of now."""

    def pump(self, engine: Engine) -> bool:
        """Feed what is queued, then walk the ring; sleeps a little once it is empty."""
        if not self._feed_pending(engine):
            return True
        step = engine.drain(_DRAIN_LIMIT, self._settled())
        self._counts = engine.stats()
        if step.status is Status.STOP:
            return False
        if step.status is Status.CGROUP:
            self._pending.extend(self._resolver.on_cgroup(step.cgroup_id, os.fsdecode(step.path)))
        elif step.status is Status.OK:
            self._tick(engine)
            return self._idle(engine)
        return True

    def _settled(self) -> int:
        """Return up to when all rings have what they will get, 0 once nothing more comes."""
        return 0 if self._stopping else self.probe.now() - _SETTLE_NS

    def _tick(self, engine: Engine) -> None:
        """Tell the time to whoever waits for it: with filters in the kernel there may be no event for long."""
        if not self._stopping and engine.wants_ticks and time.monotonic() - self._ticked >= _TICK_SECONDS:
            self._ticked = time.monotonic()
            self._pending.append(pack_record(State.TICK, [], ts=self._settled(), flags=Flag.STATE_ONLY))

    def progress(self) -> float:
        """Return 0: a live capture has no end that one could come closer to."""
        return 0.0

    def stop(self) -> None:
        """Detach; what is in the ring is still moved by `pump`."""
        self._stopping = True
        self.probe.detach()

    def stats(self) -> CaptureStats:
        """Return what was captured and lost so far."""
        if self._probe is not None:
            self._bytes = self._probe.rings.consumed()
            self._lost = self._losses()
        seconds = time.monotonic() - self._started
        return CaptureStats.of(self._counts, self._bytes, self._lost, seconds)

    def close(self) -> None:
        """Take the probe out of the kernel."""
        if self._meter is not None:
            self._meter.close()
            self._meter = None
        if self._probe is not None:
            self.stats()
            self._probe.close()
            self._probe = None
            self._resolver.close()

    def _feed_pending(self, engine: Engine) -> bool:
        self._pending.extend(self._resolver.pending())
        self._pending.extend(_blocks(self._cpu_samples()))
        self._tell_again()
        if self._governor is not None and not self._pending and not self._stopping:
            self._pending.extend(self._governor.records())
        told = bool(self._pending)
        done = self._feed_all(engine)
        if told:
            self.probe.answer(self._answers.changed())
        return done

    def _feed_all(self, engine: Engine) -> bool:
        while self._pending:
            block = self._pending.popleft()
            step = engine.feed_bytes(block)
            if step.consumed < len(block) and step.status in (Status.FULL, Status.CGROUP):
                self._pending.appendleft(block[step.consumed :])
            if step.status is not Status.OK:
                return False
        return True

    def _cpu_samples(self) -> Iterator[bytes]:
        now = time.monotonic()
        if self._samples is None or self._stopping or now < self._next_sample:
            return iter(())
        # at a fixed pace, so that the growth between two samples is that of one second
        self._next_sample = max(self._next_sample + 1.0, now - 1.0) if self._next_sample else now + 1.0
        return iter(self._samples.take())

    def _losses(self) -> dict[str, int]:
        """Return how many events were lost so far, per cause."""
        return {loss.cause: loss.total for loss in self.probe.losses() if loss.cause in LOST_EVENTS}

    def _untold(self, engine: Engine) -> Iterator[bytes]:
        """Make records of the losses after which no record came that could have told of them."""
        told = engine.stats()
        for cause, total in self._losses().items():
            count = total - told.get(f"lost.{cause}", 0)
            if count > 0:
                yield gap_record(cause, count, total)

    def _tell_again(self) -> None:
        """After a loss, have everything about threads and files told again: what told it may be among the lost."""
        lost = sum(self._losses().values())
        now = time.monotonic()
        if lost > self._lost_before and now >= self._told_again + _TELL_AGAIN_SECONDS:
            self.probe.tell_again()
            self._lost_before, self._told_again = lost, now

    def _idle(self, engine: Engine) -> bool:
        """Sleep until there is something worth waking up for; False when the capture is at its end."""
        if self._stopping:
            self._pending.extend(self._untold(engine))
            self._pending.extend(self._governor.rest() if self._governor is not None else ())
            return bool(self._pending)
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
