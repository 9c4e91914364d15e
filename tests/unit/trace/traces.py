"""Small traces for the tests of this folder."""

import io
import random
import struct

from sysdig_py.schema.record import pack_record
from sysdig_py.trace.format import Totals, make_header
from sysdig_py.trace.reader import Block, NativeReader
from sysdig_py.trace.writer import NativeWriter

READ_X = 7
START = 1_700_000_000_000_000_000
HEADER = make_header({"hostname": "box", "num_cpus": 2}, START, 80, "fd.type=file", "sysdig-py 0.1.0")
TOTALS = Totals(events=30, bytes=3000, lost={"ring-full": 4}, seconds=1.5)


def span(count: int, first_ts: int = START, seed: int = 0) -> bytes:
    """Return `count` read records, one microsecond apart."""
    noise = random.Random(seed)
    return b"".join(read_record(first_ts + 1000 * i, noise.randbytes(noise.randrange(40))) for i in range(count))


def read_record(ts: int, data: bytes) -> bytes:
    """Return one read exit record."""
    params = [struct.pack("<q", len(data)), data, struct.pack("<q", 5), struct.pack("<I", 4096)]
    return pack_record(READ_X, params, ts=ts, tid=1234, pid=1234)


def trace(spans: list[bytes], count: int = 10) -> bytes:
    """Return a complete trace with one block per span; every span has `count` records."""
    file = io.BytesIO()
    writer = NativeWriter(file, HEADER, block_bytes=1)
    for number, records in enumerate(spans):
        writer.write_block(records, START + number * 1_000_000, START + number * 1_000_000 + 9000, count)
    writer.close(TOTALS)
    return file.getvalue()


def read(data: bytes) -> tuple[NativeReader, list[Block]]:
    """Read a trace to its end."""
    reader = NativeReader(io.BytesIO(data), "memory")
    return reader, list(reader)
