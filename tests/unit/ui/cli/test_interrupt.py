"""Signals in real processes: heard between batches, and ended when nobody listens."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sysdig_py.trace.detect import open_trace
from sysdig_py.trace.format import make_header
from sysdig_py.trace.reader import NativeReader
from sysdig_py.trace.writer import NativeWriter
from sysdig_py.ui.cli.interrupt import GRACE_SECONDS, saved_in_any_case, stop_signals
from tests.source_tree import ROOT
from tests.synthetic import Stream

LOOPS = {
    "compiled": "local n = 0 while true do n = n + 1 end",
    "interpreted": "while true do pcall(string.rep, 'x', 10) collectgarbage('step') end",
}
# runs the program's own parts with a chisel that loops, and a trace that is being written
PROGRAM = """
import sys
from tests.unit.chisel.running import MACHINE
from sysdig_py.engine.vm import Engine
from sysdig_py.trace.format import make_header
from sysdig_py.trace.writer import NativeWriter
from sysdig_py.ui.cli.interrupt import saved_in_any_case, stop_signals
from tests.synthetic import Stream

stream = Stream()
for _ in range(50):
    stream.event("SYSCALL_CLOSE_X", 1, res=0)
records = stream.take()
with stop_signals() as stop:
    writer = NativeWriter(sys.argv[1], make_header(MACHINE, 1, 0, "", "test"))
    with saved_in_any_case(writer.abort):
        writer.write_block(records, 1, 2, 50)
        print("looping", flush=True)
        Engine(MACHINE).execute(sys.argv[2])
"""


def test_a_signal_is_an_entry_of_the_list() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_signals() as stop:
        assert stop == []
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        assert stop == [signal.SIGINT]
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is before
    assert not [thread for thread in threading.enumerate() if thread.name == "signals"]


def _stuck(folder: Path, loop: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder / "out.spy"), loop],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "looping\n"
    time.sleep(0.3)
    return process


def _saved_records(folder: Path) -> int:
    reader = open_trace(folder / "out.spy")
    assert isinstance(reader, NativeReader)
    with reader:
        return sum(block.meta.count for block in reader)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_second_signal_ends_a_stuck_process_at_once(loop: str, tmp_path: Path) -> None:
    process = _stuck(tmp_path, LOOPS[loop])
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert process.poll() is None
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT
    assert time.monotonic() - began < GRACE_SECONDS
    assert "what came before it is saved" in complaint
    assert _saved_records(tmp_path) == 50


def test_one_signal_ends_a_stuck_process_after_the_grace(tmp_path: Path) -> None:
    process = _stuck(tmp_path, LOOPS["compiled"])
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
    assert _saved_records(tmp_path) == 50


def test_nothing_is_saved_that_way_in_an_orderly_end(tmp_path: Path) -> None:
    writer = NativeWriter(tmp_path / "out.spy", make_header({"num_cpus": 1}, 1, 0, "", "test"))
    stream = Stream()
    stream.event("SYSCALL_CLOSE_X", 1, res=0)
    with stop_signals(), saved_in_any_case(lambda: pytest.fail("called")):
        writer.write_block(stream.take(), 1, 1, 1)
    writer.abort()
    assert _saved_records(tmp_path) == 1
