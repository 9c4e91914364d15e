"""What was lost stands beside the figures that it is missing from."""

import json

import pytest

from sysdig_py.chisel.run import ChiselSettings
from sysdig_py.engine.vm import Engine
from sysdig_py.output.summary import Summary
from sysdig_py.schema.state import Role, State
from tests.synthetic import Stream
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
