"""Any sequence of records, sound or damaged, leaves the engine alive and its event well-formed."""

import random
import subprocess
import sys
import time

import pytest

from sysdig_py.engine.vm import Engine, EngineFault, Status
from sysdig_py.schema.events import Param, events
from sysdig_py.schema.record import HEADER_SIZE, pack_record
from sysdig_py.schema.state import STATE_TYPES
from tests.synthetic import FORMATS, START

TYPES = [*events(), *STATE_TYPES]
TEXTS = (b"/tmp/x\0", b"a/../b\0", b"\0", b"abc", b"k=v\0w\0", b"\xff\x01/\0")
TUPLE_SIZES = {1: 20, 2: 12, 10: 36, 16: 3}
SECONDS = 4.0

WATCH = """
local ev = require("ev")
seen = 0
require("walk").add_sink{ on_event = function()
    seen = seen + 1
    local thread, fd = ev.thread, ev.fd
    assert(type(thread.fds) == "table" and thread.main and ev.info and ev.name and ev.num > 0)
    assert(not fd or (type(fd.name) == "string" and type(fd.type) == "number"))
end }
"""


def value(rng: random.Random, param: Param) -> bytes:
    if rng.random() < 0.1:
        return rng.randbytes(rng.randrange(40))
    if param.type in FORMATS:
        size = {"b": 1, "h": 2, "i": 4, "q": 8}[FORMATS[param.type][1].lower()]
        number = rng.choice((rng.randrange(12), rng.getrandbits(8 * size), 0, (1 << 8 * size) - 1))
        return number.to_bytes(size, "little")
    if param.type in ("socktuple", "sockaddr"):
        family = rng.choice(tuple(TUPLE_SIZES))
        return bytes([family]) + rng.randbytes(TUPLE_SIZES[family])
    return rng.choice(TEXTS)


def one(rng: random.Random, number: int) -> bytes:
    kind, tid = rng.choice(TYPES), rng.randrange(1, 40)
    params = [value(rng, p) for p in kind.params][: rng.choice((99, 99, 99, 1, 3))]
    header = {"ts": START + number, "tid": tid, "pid": rng.choice((tid, tid, 0, 7)), "cgroup_id": rng.randrange(5)}
    flags, latency = rng.choice((0, 0, 0, 1, 4)), rng.choice((0, 500))
    data = bytearray(pack_record(kind.code, params, **header, flags=flags, latency_ns=latency))
    if rng.random() < 0.05 and len(data) > HEADER_SIZE:
        data[rng.randrange(HEADER_SIZE - 10, len(data))] = rng.randrange(256)
    return bytes(data)


def feed(engine: Engine, data: bytes) -> None:
    offset = 0
    while offset < len(data):
        try:
            step = engine.feed_bytes(data, offset)
        except EngineFault as fault:
            assert "damaged record" in str(fault), fault
            return
        offset += step.consumed
        if step.status is Status.FULL:
            engine.take_records()


def hammer(seed: int) -> None:
    rng, deadline = random.Random(seed), time.monotonic() + SECONDS
    engine, number = Engine(), 0
    engine.execute(WATCH)
    if seed % 2:
        engine.write_records(1 << 16)
    if seed % 3 == 0:
        engine.set_filter("local ev = require('ev') return function() return ev.num % 3 == 0 end")
    while time.monotonic() < deadline:
        feed(engine, b"".join(one(rng, number + i) for i in range(500)))
        number += 500
    # not what the engine counted: records may claim any number of events that were only counted
    assert engine.execute("return seen") > 1000


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_record_breaks_the_engine(seed):
    code = f"from tests.fuzz.test_engine_fuzz import hammer; hammer({seed})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
