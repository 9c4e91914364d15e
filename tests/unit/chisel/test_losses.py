"""What was lost stands beside the figures that it is missing from."""

import json
import struct

import pytest

from sysdig_py.chisel.run import ChiselSettings
from sysdig_py.engine.vm import Engine
from sysdig_py.output.summary import Summary
from sysdig_py.schema.state import LEFT_OUT, Role, State
from tests.synthetic import Stream, by_id
from tests.unit.chisel.running import play, read, socket, write

MARK = "! 7 events were lost in this time: the figures are lower bounds"


def stream(*, lost: bool) -> Stream:
    """curl asks twice; what is lost is lost between its two requests, and before nginx asks once."""
    made = Stream(step=1_000_000)
    made.thread(300, comm="curl").thread(400, comm="nginx")
    socket(made, 300, 3, ("10.0.0.1", 5000, "10.0.0.2", 443), Role.CLIENT)
    socket(made, 400, 4, ("10.0.0.1", 6000, "10.0.0.3", 80), Role.CLIENT)
    write(made, 300, 3, 100)
    read(made, 300, 3, 500)
    if lost:
        made.state(State.GAP, cause="ring full", count=7, total=7, cpu=1)
    write(made, 300, 3, 100)
    read(made, 300, 3, 500)
    write(made, 400, 4, 10)
    read(made, 400, 4, 20)
    return made


@pytest.mark.parametrize("name", ["topprocs_net", "topconns", "flows"])
@pytest.mark.parametrize("lost", [True, False])
def test_tables_end_with_the_losses(name: str, lost: bool) -> None:
    lines = play([(name, None)], stream(lost=lost).take()).output.splitlines()
    assert (lines[-1] == MARK) is lost
    assert sum(line.startswith("! ") for line in lines) == lost


@pytest.mark.parametrize("name", ["topprocs_net", "flows"])
def test_json_tables_hold_the_losses(name: str) -> None:
    settings = ChiselSettings(json=True)
    assert json.loads(play([(name, None)], stream(lost=True).take(), settings=settings).output)["lost"] == 7
    assert "lost" not in json.loads(play([(name, None)], stream(lost=False).take(), settings=settings).output)


def test_only_flows_that_were_open_during_the_loss_are_marked() -> None:
    rows = play([("flows", None)], stream(lost=True).take()).output.splitlines()[2:4]
    assert {row.split()[0]: row.endswith(" !") for row in rows} == {"curl": True, "nginx": False}


def test_the_counts_of_the_summary_say_what_they_miss() -> None:
    engine = Engine()
    summary = Summary(engine)
    summary.start()
    engine.feed_bytes(stream(lost=True).take())
    assert summary.text().endswith(b"! 7 events were lost: the counts are lower bounds\n")
    engine.begin({}, False, "next")
    assert b"7 events were lost" in summary.text(), "counts go on over all files, and so do losses"


COUNTED = "! 9 calls were only counted in this time, to cap the overhead: the figures are lower bounds"
REDUCED = "! data and arguments were left out in this time, to cap the overhead"


def reduced(step: int, calls: int) -> bytes:
    """What a capture tells that left things out to cap its cost, between two requests."""
    made = stream(lost=False)
    packed = struct.pack(LEFT_OUT, by_id()["SYSCALL_READ_X"].code, 0, calls) if calls else b""
    made.state(State.OVERHEAD, step=step, one_in=1, programs=1, own=1, limit=1, calls=packed)
    made.state(State.OVERHEAD, step=0, one_in=1, programs=1, own=1, limit=1)
    return made.take() + stream(lost=False).take()


@pytest.mark.parametrize("name", ["topprocs_net", "topconns", "flows"])
@pytest.mark.parametrize(("step", "calls", "mark"), [(0, 0, None), (1, 0, REDUCED), (3, 9, COUNTED)])
def test_tables_end_with_what_was_left_out_to_cap_the_overhead(name: str, step: int, calls: int, mark: str) -> None:
    lines = play([(name, None)], reduced(step, calls)).output.splitlines()
    assert [line for line in lines if line.startswith("! ")] == ([mark] if mark else [])


def test_tables_as_json_hold_what_was_only_counted() -> None:
    settings = ChiselSettings(json=True)
    for name in ("topprocs_net", "flows"):
        assert json.loads(play([(name, None)], reduced(3, 9), settings=settings).output)["counted"] == 9
        assert "counted" not in json.loads(play([(name, None)], reduced(1, 0), settings=settings).output)
