"""Real .scap files cut and damaged everywhere: what lies before it is replayed, and one warning tells where it is.

Needs the captured traces (`tests/oracle/tools.py` says where they are looked for); the hand-made ones are always there.
"""

from __future__ import annotations

import gzip
import os
import random
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from sysdig_py.capture.traces import open_replay
from sysdig_py.engine.vm import Engine
from sysdig_py.errors import TraceError
from tests.oracle.made_traces import files
from tests.oracle.tools import traces

SEED = os.environ.get("SYSDIG_PY_FUZZ_SEED") or str(int.from_bytes(os.urandom(4), "little"))
FORMAT = "*%evt.num %evt.type %evt.args %proc.name %fd.name"
# engines are told apart by what they read alone: one of each kind does for all
_ENGINES: dict[str, Engine] = {}


@dataclass(frozen=True)
class Replayed:
    """What came of a file: the lines, the warnings, or the refusal."""

    lines: list[bytes]
    warnings: list[str]
    refusal: str = ""


def engine_for(dialect: str) -> Engine:
    if dialect not in _ENGINES:
        _ENGINES[dialect] = Engine(dialect=dialect)
        _ENGINES[dialect].print_lines(FORMAT, shows_internal=True)
    return _ENGINES[dialect]


def replay(path: Path) -> Replayed:
    try:
        source = open_replay(path)
    except TraceError as error:
        return Replayed([], [], str(error))
    with closing(source):
        engine = engine_for(source.dialect)
        engine.begin(source.machine, False, source.name)
        source.start(engine)
        refusal = ""
        try:
            while source.pump(engine):
                pass
        except TraceError as error:
            refusal = str(error)
        return Replayed(engine.take_output().splitlines(), source.warnings, refusal)


def plain(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of every block; an interface list may tell a wrong length, and is then looked for."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        end = at + size
        if data[end - 4 : end] != struct.pack("<I", size):
            assert kind == 0x219
            end = data.index(struct.pack("<I", size), at + 8) + 4
        yield at, end
        at = end


REAL = [path for path in traces() if path.stat().st_size < 30_000]
_BY_NAME = {path.name: path for path in files()}
MADE = [_BY_NAME["pl9-fdl2-il2-ul2-ev2.scap"], _BY_NAME["pl4-fdl1-il1-ul1-ev1.scap"]]


def check(result: Replayed, whole: list[bytes], cut: int, told: str) -> None:
    """What was read is the start of the whole; what was not is told once."""
    assert result.lines == whole[: len(result.lines)], told
    complaints = [*result.warnings, *([result.refusal] if result.refusal else [])]
    assert len(complaints) == 1, (told, complaints)
    assert f" at byte {cut}" in complaints[0] or result.refusal, (told, complaints)


@pytest.mark.parametrize("trace", [*REAL, *MADE], ids=lambda path: path.stem)
def test_a_cut_at_any_border_of_a_block_loses_what_is_behind_it_only(trace: Path, tmp_path: Path) -> None:
    data, path = plain(trace), tmp_path / "cut.scap"
    whole, borders = replay(trace).lines, list(blocks(data))
    chosen = random.Random(SEED).sample(borders, min(len(borders), 60))
    shown = {end: len(_until(path, data, end)) for _, end in chosen}
    for start, end in sorted(chosen):
        for cut in (end - 1, end + 1):
            told = f"seed {SEED}: cut at {cut}, in the block from {start} to {end}"
            path.write_bytes(data[:cut])
            result = replay(path)
            if cut >= len(data):
                assert (result.lines, result.warnings) == (whole, [])
                continue
            check(result, whole, start if cut < end else end, told)
            if cut > end:
                assert len(result.lines) == shown[end], told
    assert shown


def _until(path: Path, data: bytes, end: int) -> list[bytes]:
    """Return what a file that ends properly at `end` shows, without complaint once it has a state to read."""
    path.write_bytes(data[:end])
    result = replay(path)
    assert result.refusal or not result.warnings
    return result.lines


@pytest.mark.parametrize("trace", [*REAL, *MADE], ids=lambda path: path.stem)
def test_all_events_before_a_cut_are_shown(trace: Path, tmp_path: Path) -> None:
    """A file grown block by block shows line by line what the whole shows."""
    data, path = plain(trace), tmp_path / "grown.scap"
    whole, ends = replay(trace).lines, [end for _, end in blocks(data)]
    shown = [len(_until(path, data, end)) for end in random.Random(SEED).sample(ends, 20)]
    assert max(shown) <= len(whole)
    in_order = [len(_until(path, data, end)) for end in ends[-12:]]
    assert in_order == sorted(in_order)
    assert in_order[-1] == len(whole)
    assert all(later - earlier in (0, 1) for earlier, later in pairwise(in_order))


@pytest.mark.parametrize("trace", [*REAL, *MADE], ids=lambda path: path.stem)
def test_a_compressed_file_cut_anywhere_is_read_up_to_there(trace: Path, tmp_path: Path) -> None:
    noise, data, path = random.Random(SEED), gzip.compress(plain(trace)), tmp_path / "cut.scap.gz"
    whole = replay(trace).lines
    for cut in [noise.randrange(20, len(data)) for _ in range(40)]:
        path.write_bytes(data[:cut])
        result = replay(path)
        assert result.lines == whole[: len(result.lines)], (SEED, cut)
        assert len(result.warnings) + bool(result.refusal) == 1, (SEED, cut)


def test_nearly_all_of_a_file_cut_by_a_byte_is_shown(tmp_path: Path) -> None:
    for trace in MADE:
        path = tmp_path / "cut.scap"
        path.write_bytes(gzip.compress(plain(trace))[:-9])
        whole, result = replay(trace).lines, replay(path)
        assert len(result.lines) >= len(whole) - 1
        assert "compressed data ends early" in result.warnings[0]


def test_compressed_data_is_used_up_to_a_wrong_byte(tmp_path: Path) -> None:
    trace, path = MADE[0], tmp_path / "wrong.scap.gz"
    data = bytearray(gzip.compress(plain(trace)))
    data[-6] ^= 0xFF  # in the checksum: all of the data comes before it
    path.write_bytes(data)
    result = replay(path)
    assert result.lines == replay(trace).lines
    assert "compressed data is damaged" in result.warnings[0]


@pytest.mark.parametrize("trace", [*REAL, *MADE], ids=lambda path: path.stem)
def test_any_bytes_may_be_wrong(trace: Path, tmp_path: Path) -> None:
    """Nothing but lines, warnings and refusals comes of it."""
    noise, data, path = random.Random(SEED), plain(trace), tmp_path / "wrong.scap"
    for _ in range(60):
        wrong = bytearray(data)
        for _ in range(noise.randrange(1, 4)):
            wrong[noise.randrange(len(wrong))] = noise.choice([0, 1, 0x7F, 0x80, 0xFF, noise.randrange(256)])
        path.write_bytes(wrong)
        result = replay(path)
        assert len(result.warnings) + bool(result.refusal) <= 1, SEED


def _with_event(data: bytes, change: bytes, at_event: int = 3) -> tuple[bytes, int]:
    """Return the trace with a block in front of its n-th event, and where that is."""
    starts = [start for start, _ in blocks(data) if struct.unpack_from("<I", data, start)[0] in (0x216, 0x204)]
    where = starts[at_event]
    return data[:where] + change + data[where:], where


def _block(kind: int, payload: bytes) -> bytes:
    size = struct.pack("<I", len(payload) + 12)
    return struct.pack("<I", kind) + size + payload + size


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            _block(0x216, struct.pack("<HqqIHI", 0, 1, 1, 26, 6, 9_000_000) + b"\0\0"), id="more parameters than fit"
        ),
        pytest.param(_block(0x216, struct.pack("<HqqIHI", 0, 1, 1, 70_000, 6, 0)), id="longer than its block"),
        pytest.param(_block(0x216, struct.pack("<HqqIHI", 0, 1, 1, 5, 6, 0)), id="shorter than its head"),
        pytest.param(_block(0x216, b"\0\0\0\0"), id="a block without an event"),
        pytest.param(_block(0x7777, bytes(1 << 20)), id="an unknown block"),
        pytest.param(_block(0x216, struct.pack("<HqqIHI", 0, 1, 0, 26, 272, 0)), id="an empty container event"),
        pytest.param(_block(0x220, b"\xff" * 64), id="users of a wrong length"),
        pytest.param(
            _block(0x216, struct.pack("<HqqIHI", 0, 1, 1, 26, 65535, 0)), id="the newest event there could be"
        ),
    ],
)
def test_a_senseless_block_is_left_out_and_the_rest_is_read(change: bytes, tmp_path: Path) -> None:
    data, path = plain(MADE[0]), tmp_path / "odd.scap"
    odd, where = _with_event(data, change)
    path.write_bytes(odd)
    whole, result = replay(MADE[0]).lines, replay(path)
    assert result.refusal == ""
    assert len(result.lines) in (len(whole), len(whole) + 1)
    assert [line.split(b" ")[1:] for line in result.lines[-5:]] == [line.split(b" ")[1:] for line in whole[-5:]]
    for warning in result.warnings:
        assert "left out" in warning
        assert f"at byte {where}" in warning


def test_a_block_that_is_too_long_is_passed_over_without_being_held(tmp_path: Path) -> None:
    data, path, size = plain(MADE[0]), tmp_path / "long.scap", (256 << 20) + 16
    starts = [start for start, _ in blocks(data) if struct.unpack_from("<I", data, start)[0] == 0x216]
    with path.open("wb") as file:
        file.write(data[: starts[3]])
        file.write(struct.pack("<II", 0x216, size))
        file.seek(size - 12, os.SEEK_CUR)
        file.write(struct.pack("<I", size))
        file.write(data[starts[3] :])
    result = replay(path)
    assert result.lines == replay(MADE[0]).lines
    assert result.warnings == [
        f"{path}: a block was left out: a block of {size} bytes at byte {starts[3]}",
    ]


@pytest.mark.parametrize("size", [0, 4, 11, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_length_that_cannot_be_is_the_end(size: int, tmp_path: Path) -> None:
    data, path = plain(MADE[0]), tmp_path / "length.scap"
    odd, where = _with_event(data, struct.pack("<II", 0x216, size))
    path.write_bytes(odd)
    result = replay(path)
    assert result.lines == replay(MADE[0]).lines[: len(result.lines)]
    assert 0 < len(result.lines) < 6
    assert len(result.warnings) == 1
    assert f"at byte {where}" in result.warnings[0]
