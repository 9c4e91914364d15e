import ctypes
import struct
from pathlib import Path
from typing import Any

import pytest

from sysdig_py.capture.replay import GAP_CAUSE, Replay
from sysdig_py.engine.vm import Engine, EngineFault, Status, Step
from sysdig_py.errors import TraceError
from sysdig_py.schema.state import State
from sysdig_py.trace.reader import NativeReader
from tests.unit.trace.traces import HEADER, START, span, trace

SPANS = [span(10, START + i * 1_000_000, seed=i) for i in range(4)]


class Recorder:
    """Takes spans as the engine does and answers as it was told."""

    def __init__(self, *steps: Step | EngineFault) -> None:
        self.steps = list(steps)
        self.fed: list[bytes] = []
        self._real = Engine()

    def feed(self, address: int, length: int) -> Step:
        step = self.steps.pop(0) if self.steps else Step(Status.OK, length)
        self.fed.append(ctypes.string_at(address, min(length, step.consumed)))
        if isinstance(step, EngineFault):
            raise step
        return step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.spy"
    path.write_bytes(trace(SPANS))
    return path


def _run(replay: Replay, engine: Any) -> None:
    replay.start(engine)
    while replay.pump(engine):
        pass
    replay.close()


def _block_offsets(path: Path) -> list[int]:
    with NativeReader(path) as reader:
        return [block.offset for block in reader]


def _flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0xFF
    path.write_bytes(data)


def test_every_block_is_fed_in_order(path: Path) -> None:
    replay, engine = Replay(path), Recorder()
    _run(replay, engine)
    assert engine.fed == SPANS
    assert replay.warnings == []
    stats = replay.stats()
    assert (stats.bytes, stats.lost, stats.seconds) == (sum(map(len, SPANS)), {"ring-full": 4}, 0.003009)


def test_the_header_gives_machine_and_name(path: Path) -> None:
    replay = Replay(path)
    assert replay.machine == HEADER["machine"]
    assert (replay.name, replay.is_live, replay.header["filter"]) == (str(path), False, "fd.type=file")
    replay.close()


def test_feeding_goes_on_where_the_engine_stopped(path: Path) -> None:
    cuts = [Step(Status.FULL, 96), Step(Status.FULL, 0), Step(Status.MORE, 104)]
    engine = Recorder(*cuts)
    replay = Replay(path)
    replay.start(engine)  # type: ignore[arg-type]
    for _ in cuts:
        assert replay.pump(engine)  # type: ignore[arg-type]
    assert b"".join(engine.fed) == SPANS[0][:200]
    _run(replay, engine)
    assert b"".join(engine.fed) == b"".join(SPANS)


def test_an_engine_that_stops_ends_the_replay(path: Path) -> None:
    replay, engine = Replay(path), Recorder(Step(Status.OK, len(SPANS[0])), Step(Status.STOP, 96))
    _run(replay, engine)
    assert engine.fed == [SPANS[0], SPANS[1][:96]]


def test_a_stopped_replay_is_at_its_end(path: Path) -> None:
    replay, engine = Replay(path), Recorder()
    replay.start(engine)  # type: ignore[arg-type]
    assert replay.pump(engine)  # type: ignore[arg-type]
    replay.stop()
    _run(replay, engine)
    assert engine.fed == SPANS[:1]
    assert replay.warnings == []


def test_a_fault_of_the_engine_is_passed_on_and_can_be_left_behind(path: Path) -> None:
    replay, engine = Replay(path), Recorder(EngineFault("broken", 96))
    replay.start(engine)  # type: ignore[arg-type]
    with pytest.raises(EngineFault):
        replay.pump(engine)  # type: ignore[arg-type]
    _run(replay, engine)
    assert b"".join(engine.fed) == b"".join(SPANS)


def test_a_cut_is_told_once_and_ends_the_replay(path: Path) -> None:
    offset = _block_offsets(path)[3]
    path.write_bytes(path.read_bytes()[: offset + 50])
    told: list[str] = []
    replay, engine = Replay(path, told.append), Recorder()
    _run(replay, engine)
    assert engine.fed == SPANS[:3]
    reason = "the file ends inside a frame"
    assert told == [f"{path}: {reason}, at byte {offset}: what follows is lost; 30 records before it were read"]
    assert replay.warnings == told


def test_a_trace_without_footer_is_told(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: struct.unpack("<Q", data[-16:-8])[0]])
    replay, engine = Replay(path), Recorder()
    _run(replay, engine)
    assert engine.fed == SPANS
    assert len(replay.warnings) == 1
    assert "without its footer" in replay.warnings[0]


def test_a_damaged_block_becomes_a_gap_where_it_was(path: Path) -> None:
    offset = _block_offsets(path)[1]
    _flip(path, offset + 80)
    replay, engine = Replay(path), Recorder()
    _run(replay, engine)
    assert [engine.fed[0], *engine.fed[2:]] == [SPANS[0], *SPANS[2:]]
    type_code, _, *lengths = struct.unpack_from("<HIHHHH", engine.fed[1], 52)
    assert (type_code, lengths) == (State.GAP, [len(GAP_CAUSE) + 1, 8, 8, 2])
    assert struct.unpack_from("<QQh", engine.fed[1], 66 + lengths[0]) == (10, 10, -1)
    assert replay.warnings == [f"{path}: checksum does not match, at byte {offset}: 10 records lost; reading goes on"]
    assert replay.stats().lost == {"ring-full": 4, GAP_CAUSE: 10}


def test_a_trace_of_which_nothing_can_be_read_is_an_error(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: _block_offsets(path)[0] + 20])
    replay = Replay(path)
    with pytest.raises(TraceError, match=f"^{path}: nothing can be read: .* at byte "):
        _run(replay, Recorder())
    replay.close()


def test_an_empty_trace_is_none(path: Path) -> None:
    path.write_bytes(trace([]))
    replay, engine = Replay(path), Recorder()
    _run(replay, engine)
    assert (engine.fed, replay.warnings, replay.stats().seconds) == ([], [], 0.0)


def test_a_malformed_record_never_reaches_the_engine(path: Path) -> None:
    bad = bytearray(SPANS[0])
    third = len(span(2, START, 0))
    struct.pack_into("<I", bad, third, 1 << 20)
    path.write_bytes(trace([bytes(bad), SPANS[1]]))
    replay, engine = Replay(path), Recorder()
    _run(replay, engine)
    assert engine.fed[0] == SPANS[0][:third]
    assert engine.fed[2] == SPANS[1]
    assert f"record at {third} is malformed" in replay.warnings[0]
    assert replay.stats().lost[GAP_CAUSE] == 8


def test_warnings_stay_few(path: Path) -> None:
    path.write_bytes(trace([b"\xff" * 640] * 30))
    told: list[str] = []
    replay = Replay(path, told.append)
    _run(replay, Recorder())
    assert len(told) == 9
    assert told[-1].startswith(f"{path}: more damaged places")
    assert replay.stats().lost[GAP_CAUSE] == 300


def test_odd_machine_facts_are_left_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = {"hostname": "box", "list": [1], "huge": 1 << 63, "raw": b"\xff", "nothing": None}
    monkeypatch.setitem(HEADER, "machine", odd)
    path.write_bytes(trace(SPANS))
    replay = Replay(path)
    assert replay.machine == {"hostname": "box", "raw": "\ufffd"}
    replay.close()


def test_the_real_engine_counts_what_was_saved(path: Path) -> None:
    replay = Replay(path)
    engine = Engine(replay.machine, replay.is_live, replay.name)
    _run(replay, engine)
    assert replay.stats().events == 40


def test_the_real_engine_writes_what_it_replays(path: Path) -> None:
    replay = Replay(path)
    engine = Engine(replay.machine, replay.is_live, replay.name)
    engine.write_records(1 << 16)
    replay.start(engine)
    saved, more = b"", True
    while more:
        more = replay.pump(engine)
        saved += engine.take_records().data
    replay.close()
    assert saved == b"".join(SPANS)
