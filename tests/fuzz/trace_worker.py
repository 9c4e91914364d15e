"""What the trace fuzz tests run in a process of their own: `python -m tests.fuzz.trace_worker TARGET SEED SECONDS`.

Prints how many inputs were tried. Memory is limited, and records lie directly in front of a page that
cannot be read, so that a length that is believed ends the process.
"""

import ctypes
import io
import itertools
import mmap
import random
import resource
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable

from sysdig_py.engine.vm import Engine, EngineFault
from sysdig_py.errors import TraceError
from sysdig_py.export import state_tables
from sysdig_py.export.collector import Collector
from sysdig_py.export.fields import COMMON, column
from sysdig_py.schema.events import EventType, events
from sysdig_py.schema.record import pack_record
from sysdig_py.schema.state import STATE_TYPES
from sysdig_py.trace.format import MAGIC
from sysdig_py.trace.reader import SLACK, NativeReader
from tests.pcapng import Capture
from tests.pcapng import read as read_pcapng
from tests.synthetic import Stream
from tests.unit.trace.traces import span, trace

PAGE = mmap.PAGESIZE
PROT_NONE = 0
TYPES = [event for event in (*events(), *STATE_TYPES) if event.params]
FIXED = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "uid": 4, "gid": 4}


def mutate(noise: random.Random, data: bytes, times: int) -> bytes:
    """Change, insert, remove, double or cut some bytes."""
    out = bytearray(data)
    for _ in range(times):
        at = noise.randrange(len(out) + 1)
        kind = noise.randrange(6)
        if kind < 3 and at < len(out):
            out[at] = noise.choice([0, 1, 0x7F, 0x80, 0xFF, noise.randrange(256)])
        elif kind == 3:
            out[at:at] = noise.randbytes(noise.randrange(1, 9))
        elif kind == 4:
            del out[at : at + noise.randrange(1, 200)]
        else:
            out[at:at] = out[noise.randrange(len(out) + 1) :][: noise.randrange(1, 400)]
    return bytes(out)


class Guarded:
    """Memory that ends at a page that cannot be read."""

    def __init__(self, size: int) -> None:
        self._size = -(-size // PAGE) * PAGE
        self._map = mmap.mmap(-1, self._size + PAGE)
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mprotect(ctypes.c_void_p(self._base + self._size), ctypes.c_size_t(PAGE), PROT_NONE):
            raise OSError(ctypes.get_errno(), "mprotect")

    def place(self, data: bytes) -> int:
        """Put `data` at the very end and return its address."""
        start = self._size - len(data)
        self._map[start : self._size] = data
        return self._base + start


def fuzz_reader(noise: random.Random) -> Callable[[], None]:
    """Damaged traces: an error or blocks, never anything else."""
    good = trace([span(10, seed=i) for i in range(8)])

    def step() -> None:
        data = mutate(noise, good, noise.randrange(1, 8))
        if noise.random() < 0.1:
            data = MAGIC + noise.randbytes(noise.randrange(400))
        try:
            with NativeReader(io.BytesIO(data), "fuzz") as reader:
                records = sum(block.meta.count for block in reader)
                assert reader.complete == (data == good), "damage went unnoticed"
                assert records <= 80
        except TraceError as error:
            assert str(error).startswith("fuzz: ")

    return step


def random_param(noise: random.Random, kind: str) -> bytes:
    """A parameter of about the size its type asks for."""
    if noise.random() < 0.15:
        return noise.randbytes(noise.randrange(12))
    if noise.random() < 0.1:
        return b""
    if kind in ("charbuf", "fspath", "fsrelpath"):
        return noise.choice([b"/tmp/a", b"../x", b"", b"\xff%s%n", b"a" * 300]) + b"\0" * noise.randrange(2)
    if kind in ("sockaddr", "socktuple"):
        return bytes([noise.choice([0, 1, 2, 10, 255])]) + noise.randbytes(noise.choice([0, 4, 6, 12, 18, 24, 36]))
    if kind in FIXED:
        return noise.randbytes(FIXED[kind])
    if kind in ("bytebuf", "charbufarray", "charbufpairs", "fdlist", "dyn"):
        return noise.randbytes(noise.randrange(60))
    return struct.pack("<q", noise.choice([-1, 0, 1, 3, noise.getrandbits(62), -noise.getrandbits(62)]))


def random_record(noise: random.Random, event: EventType, ts: int) -> bytes:
    """A record of that type, whole in structure and doubtful in content."""
    params = [random_param(noise, param.type) for param in event.params]
    if noise.random() < 0.1:
        params = params[: noise.randrange(len(params) + 1)]
    tid = noise.choice([1, 2, 3, 1234, -1, noise.getrandbits(40)])
    flags = noise.choice([0, 0, 0, 1, 0x10])
    code = noise.getrandbits(16) if noise.random() < 0.02 else event.code
    return pack_record(code, params, ts=ts, tid=tid, pid=tid & 0xFFFF, cgroup_id=noise.randrange(4), flags=flags)


def fuzz_engine(noise: random.Random) -> Callable[[], None]:
    """Whatever validation lets through, the engine survives; its faults are errors, and are printed."""
    engine = Engine()
    engine.print_lines("%evt.num %evt.type %evt.args")
    engine.write_records(1 << 20)

    def take() -> None:
        engine.take_output()
        engine.take_records()

    return feeding(noise, engine, take)


def fuzz_export(noise: random.Random) -> Callable[[], None]:
    """The same for what collects columns, keeps books of flows, and makes packets."""
    engine = Engine()
    collector = Collector(engine, [column(name) for name in COMMON])
    state_tables.follow_flows(engine)
    packets = engine.require("pcapng.sink")
    packets[b"start"]()
    file = Capture()

    def take() -> None:
        collector.take().validate(full=True)
        read_pcapng(packets[b"take"](), file)
        assert all(packet.checks for packet in file.packets)
        file.packets.clear()
        if noise.random() < 0.05:
            for table in state_tables.TABLES:
                state_tables.read(engine, table).validate(full=True)

    return feeding(noise, engine, take, lambda: connection(noise) if noise.random() < 0.5 else b"")


def connection(noise: random.Random) -> bytes:
    """A connection that is made as it should be, for doubtful records to come upon."""
    pair = bytes([2]) + noise.randbytes(12) if noise.random() < 0.5 else bytes([10]) + noise.randbytes(36)
    tid, fd = noise.choice([1, 2, 3]), noise.choice([0, 1, 3])
    stream = Stream(ts=1_700_000_000_000_000_000)
    if noise.random() < 0.3:
        return stream.event("SOCKET_ACCEPT4_6_X", tid=tid, fd=fd, tuple=pair).take()
    domain, kind = (2 if pair[0] == 2 else 10), noise.choice([1, 2])
    stream.event("SOCKET_SOCKET_X", tid=tid, fd=fd, domain=domain, type=kind, proto=0)
    return stream.event("SOCKET_CONNECT_X", tid=tid, res=noise.choice([0, -115]), tuple=pair, fd=fd).take()


def feeding(
    noise: random.Random, engine: Engine, take: Callable[[], None], before: Callable[[], bytes] = bytes
) -> Callable[[], None]:
    """Return what feeds random records to an engine, behind those of `before`, and then calls `take`."""
    memory, clock = Guarded(1 << 20), itertools.count(1_700_000_000_000_000_000, 1000)
    check = engine.require("validate")[b"validate"]

    def step() -> None:
        data = before() + b"".join(random_record(noise, noise.choice(TYPES), next(clock)) for _ in range(20))
        if noise.random() < 0.5:
            data = mutate(noise, data, noise.randrange(1, 6))
        sound = int(check(memory.place(data), len(data))[0])
        data = data[:sound]
        address, at = memory.place(data + bytes(SLACK)), 0
        while at < len(data):
            try:
                consumed = engine.feed(address + at, len(data) - at).consumed
            except EngineFault as fault:
                FAULTS[str(fault).splitlines()[0]] += 1
                consumed = fault.consumed
            assert consumed > 0, "no progress"
            at += consumed
        take()

    return step


def fuzz_index(noise: random.Random) -> Callable[[], None]:
    """Damaged ends of a trace: an index or an error."""
    good = trace([span(10, seed=i) for i in range(3)])

    def step() -> None:
        cut = len(good) - noise.randrange(1, 200)
        data = good[:cut] + mutate(noise, good[cut:], noise.randrange(1, 4))
        with NativeReader(io.BytesIO(data), "fuzz") as reader:
            try:
                reader.read_index()
            except TraceError as error:
                assert str(error).startswith("fuzz: ")

    return step


FAULTS: Counter[str] = Counter()
TARGETS = {"reader": fuzz_reader, "engine": fuzz_engine, "index": fuzz_index, "export": fuzz_export}


def main(target: str, seed: str, seconds: str) -> None:
    """Run one target for so many seconds."""
    noise = random.Random(int(seed))
    step = TARGETS[target](noise)
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end, count = time.monotonic() + float(seconds), 0
    while time.monotonic() < end:
        step()
        count += 1
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
    sys.stdout.write(f"{count} {grown}\n")
    for line, times in FAULTS.most_common():
        sys.stdout.write(f"{times} x {line}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
