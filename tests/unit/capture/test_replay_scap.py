import gzip
import struct
from contextlib import closing
from pathlib import Path

import pytest

from sysdig_py.capture.replay_scap import ScapReplay
from sysdig_py.capture.traces import open_replay
from sysdig_py.engine.vm import Engine
from sysdig_py.errors import TraceError
from tests import scap
from tests.lua_probe import Probe
from tests.scap import i64, string, u32

STATE = (
    scap.block(0x219, scap.interface("lo", bytes([127, 0, 0, 1]), bytes([255, 0, 0, 0]))),
    scap.processes(scap.process(10, comm="prog"), scap.process(20, comm="other")),
    scap.fds(10, scap.fd(3, 16, u32(1) + scap.text("/etc/x") + u32(9))),
)
NOTE = "ev.num .. ' ' .. (ev.is_exit and '<' or '>') .. ev.name .. ' ' .. tostring(ev.thread.comm)"


def reads(trace: scap.Trace, count: int = 1, tid: int = 10) -> scap.Trace:
    for _ in range(count):
        trace.event(6, i64(3), u32(1), tid=tid).event(7, i64(1), b"a", tid=tid)
    return trace


def play(tmp_path: Path, data: bytes, note: str = NOTE) -> tuple[list[str], ScapReplay, Probe]:
    path = tmp_path / "t.scap"
    path.write_bytes(data)
    source = open_replay(path)
    assert isinstance(source, ScapReplay)
    with closing(source):
        probe = Probe(Engine(dialect=source.dialect))
        probe.note(note)
        source.start(probe.engine)
        while source.pump(probe.engine):
            pass
    return probe.noted(), source, probe


def test_events_follow_the_state_they_begin_with(tmp_path: Path):
    lines, source, probe = play(tmp_path, reads(scap.Trace(*STATE)).data, NOTE + " .. ' ' .. ev.fd.name")
    assert lines == ["1 >read prog /etc/x", "2 <read prog /etc/x"]
    assert source.warnings == []
    assert source.stats().events == 2
    assert probe.thread(20, "comm") == b"other"


def test_compressed_and_old_blocks_are_the_same_events(tmp_path: Path):
    old = scap.Trace(*STATE)
    for _ in range(2):
        old.old_event(6, i64(3), u32(1)).old_event(7, i64(1), b"a")
    new = reads(scap.Trace(*STATE), 2)
    assert play(tmp_path, old.data)[0] == play(tmp_path, gzip.compress(new.data))[0]


def test_leading_container_events_take_numbers_only(tmp_path: Path):
    trace = scap.Trace(*STATE).container(id="c0ffee", name="web").container(id="c0ffee", name="web2")
    lines, _, probe = play(tmp_path, reads(trace).container(id="c0ffee", name="web3").data)
    assert lines == ["3 >read prog", "4 <read prog", "5 >container container:c0ffee"]
    assert probe.value("containers.by_id.c0ffee.name") == b"web3"


def test_what_is_told_of_containers_in_turn_holds_each_time(tmp_path: Path):
    told = [("c0ffee", "early", "10.0.0.1"), ("c0ffee", "late", "10.0.0.2"), ("beef", "other", "10.0.0.1")]
    trace = reads(scap.Trace(*STATE))
    for id_, name, ip in told * 3:
        trace.container(id=id_, name=name, ip=ip, labels={"a": name})
    owner = "tostring((containers.by_ip['\\10\\0\\0\\1'] or {}).name)"
    note = f"tostring(ev.container and ev.container.name .. ev.container.labels.a) .. ' ' .. {owner}"
    lines, source, probe = play(tmp_path, trace.data, note)
    assert lines[2:] == ["earlyearly early", "latelate nil", "otherother other"] * 3
    assert probe.engine.stats()["state_records"] == len(told * 3) + 5
    assert source.stats().events == 11


def test_unknown_events_take_no_number(tmp_path: Path):
    trace = scap.Trace(*STATE).event(400, i64(1))
    assert play(tmp_path, reads(trace).data)[0] == ["1 >read prog", "2 <read prog"]


def test_state_only_events_are_not_delivered(tmp_path: Path):
    trace = reads(scap.Trace(*STATE).event(2, string("/f"), u32(1), u32(0), flags=1))
    trace.event(3, i64(9), string("/f"), u32(1), u32(0), u32(0), flags=1)
    lines, _, probe = play(tmp_path, trace.data)
    assert lines == ["2 >read prog", "3 <read prog"]
    assert probe.fd(10, 9) == b"/f"


def test_a_second_trace_behind_the_first_begins_anew(tmp_path: Path):
    second = scap.Trace(scap.processes(scap.process(10, comm="later"))).container(id="c0ffee", name="web")
    lines, _, probe = play(tmp_path, reads(scap.Trace(*STATE)).data + reads(second).data)
    assert lines == ["1 >read prog", "2 <read prog", "3 >read later", "4 <read later"]
    assert probe.thread(20, "comm") is None
    assert probe.fd(10, 3) is None


def test_many_events_in_large_and_small_blocks(tmp_path: Path):
    trace = scap.Trace(*STATE)
    for number in range(300):
        trace.event(6, i64(3), u32(1)).event(7, i64(1), bytes(50000), cpu=number % 4)
    trace.event(7, i64(1), bytes(6_000_000), large=True)
    reads(trace, 20000)
    lines, source, _ = play(tmp_path, trace.data, "ev.num")
    assert lines == [str(number) for number in range(1, 40602)]
    assert source.warnings == []


@pytest.mark.parametrize("kept", [1, 7, 20])
def test_a_cut_trace_is_replayed_up_to_the_cut(tmp_path: Path, kept: int):
    whole = reads(scap.Trace(*STATE)).data
    last = len(reads(scap.Trace(*STATE)).event(6, i64(3), u32(1)).data) - len(whole)
    cut = reads(scap.Trace(*STATE)).event(6, i64(3), u32(1)).data[: -(last - kept)]
    lines, source, _ = play(tmp_path, cut)
    assert len(lines) == 2
    assert source.warnings == [f"{source.name}: the last block is cut off, at byte {len(whole)}: what follows is lost"]


def test_damage_ends_the_replay_with_one_warning(tmp_path: Path):
    good = reads(scap.Trace(*STATE)).data
    broken = bytearray(reads(scap.Trace(*STATE), 3).data)
    broken[len(good) + 4] ^= 0x04
    lines, source, _ = play(tmp_path, bytes(broken))
    assert lines == ["1 >read prog", "2 <read prog"]
    assert len(source.warnings) == 1
    assert f"at byte {len(good)}" in source.warnings[0]


def test_a_trace_of_which_nothing_can_be_read_is_an_error(tmp_path: Path):
    broken = scap.section() + scap.machine() + struct.pack("<II", 0x215, 5000) + bytes(30)
    with pytest.raises(TraceError, match="nothing can be read"):
        play(tmp_path, broken)


def test_interfaces_with_a_wrong_block_length_are_read_all_the_same(tmp_path: Path):
    block = bytearray(STATE[0])
    wrong = struct.pack("<I", len(block) - 4)
    block[4:8], block[-4:] = wrong, wrong
    lines, source, probe = play(tmp_path, reads(scap.Trace(bytes(block), *STATE[1:])).data)
    assert (len(lines), source.warnings) == (2, [])
    assert probe.value("#require('state.interfaces').list") == 1


def test_options_of_the_section_header_are_passed_over(tmp_path: Path):
    data = scap.section(options=b"\x01\x00\x04\x00note\0\0\0\0") + reads(scap.Trace(*STATE)).data[28:]
    assert play(tmp_path, data)[0] == ["1 >read prog", "2 <read prog"]


ID = "5" * 64


def exits(*state: bytes) -> scap.Trace:
    """Reads as recorders without enter events report them: with the fd and the size."""
    trace = scap.Trace(*state)
    for tid in (10, 11, 77):
        trace.event(7, i64(1), b"a", i64(3), u32(4), tid=tid)
    return trace


def test_of_exits_alone_process_and_container_are_what_the_thread_table_knows(tmp_path: Path):
    cgroups = f"cpu=/docker/{ID}\0memory=/docker/{ID}".encode()
    threads = (scap.process(10, comm="main", cgroups=cgroups), scap.process(11, pid=10, comm="kid", cgroups=cgroups))
    etc = scap.fd(3, 16, u32(1) + scap.text("/etc/x") + u32(9))
    trace = exits(scap.processes(*threads), scap.fds(10, etc)).container(id=ID[:12], name="web", type=0)
    trace.event(7, i64(1), b"a", i64(3), u32(4), tid=11)
    shown = ("thread.tid", "proc.pid", "proc.name", "container.id", "container.name", "fd.name", "evt.latency")
    note = " .. ' ' .. ".join(f"tostring(require('fields.init').lookup('{name}').text())" for name in shown)
    lines, source, _ = play(tmp_path, trace.data, note)
    assert source.dialect == ""
    assert lines == [
        "10 10 main 555555555555 nil /etc/x nil",
        "11 10 kid 555555555555 nil /etc/x nil",
        "77 77 <NA> host host  nil",
        "-1 -1 <NA> host host nil 0",
        "11 10 kid 555555555555 web /etc/x nil",
    ]


def test_stop_is_the_end(tmp_path: Path):
    path = tmp_path / "t.scap"
    path.write_bytes(reads(scap.Trace(*STATE)).data)
    with closing(open_replay(path)) as source:
        engine = Engine(dialect=source.dialect)
        source.start(engine)
        source.stop()
        assert not source.pump(engine)
