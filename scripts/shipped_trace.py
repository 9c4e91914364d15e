"""`python -m scripts.shipped_trace FILE`: make the trace that comes with the project from one the demo saved.

Keeps the containers' own events and what names them; the processes, environments and users of the
machine it was captured on stay out of it.
"""

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from sysdig_py.schema.record import PPM_HEADER, PREFIX
from sysdig_py.schema.state import State
from sysdig_py.trace.format import Totals, make_header
from sysdig_py.trace.reader import NativeReader
from sysdig_py.trace.writer import NativeWriter

SHIPPED = Path("tests/data/demo.spy")
MACHINE = {"hostname": "demo", "arch": "x86_64", "num_cpus": 2, "memory_size_bytes": 8 << 30, "max_pid": 32768}


def main(arguments: list[str]) -> int:
    """Write the shipped trace."""
    with NativeReader(Path(arguments[0])) as reader:
        records = [bytes(record) for block in reader for record in split(block.records)]
        start_ts = reader.header["start_ts"]
    kept = [record for record in records if is_kept(record, container_cgroups(records))]
    events = [record for record in kept if type_of(record) < State.THREAD]
    data, stamps = b"".join(kept), [PPM_HEADER.unpack_from(record, PREFIX.size)[0] for record in events]
    SHIPPED.parent.mkdir(exist_ok=True)
    writer = NativeWriter(SHIPPED, make_header(MACHINE, start_ts, 80, "", "sysdig-py"))
    writer.write_block(data, min(stamps), max(stamps), len(kept))
    writer.close(Totals(len(events), len(data), {}, (max(stamps) - min(stamps)) / 1e9))
    print(f"{SHIPPED}: {len(events)} events, {SHIPPED.stat().st_size} bytes")
    return 0


def split(span: memoryview) -> Iterator[memoryview]:
    """Yield the records of a span."""
    offset = 0
    while offset < len(span):
        (length,) = struct.unpack_from("<I", span, offset)
        yield span[offset : offset + length]
        offset += length


def type_of(record: bytes) -> int:
    """Return a record's type code."""
    return int(PPM_HEADER.unpack_from(record, PREFIX.size)[3])


def container_cgroups(records: list[bytes]) -> set[int]:
    """Return the cgroup ids that are containers."""
    found = set()
    for record in records:
        if type_of(record) == State.CGROUP:
            params = record[PREFIX.size + PPM_HEADER.size + 6 :]
            path, container = params[8:].split(b"\0")[:2]
            if container and path:
                found.add(struct.unpack_from("<Q", params)[0])
    return found


def is_kept(record: bytes, cgroups: set[int]) -> bool:
    """Whether a record belongs to a container, or says what one is."""
    kind = type_of(record)
    if kind in (State.CONTAINER, State.GAP):
        return True
    if kind == State.CGROUP:
        return struct.unpack_from("<Q", record, PREFIX.size + PPM_HEADER.size + 6)[0] in cgroups
    return PREFIX.unpack_from(record)[2] in cgroups


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
