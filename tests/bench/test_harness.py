"""The harness measures what it says, with commands whose cost is known."""

import sys

import pytest

from tests.bench.harness import CommandFailed, Process, Run, interleave, medians, run, spread, wait_until
from tests.bench.oracle import EVENT_BLOCKS, _blocks, _time_at, enlarge
from tests.bench.tool import Account, account, capture
from tests.oracle.made_traces import files

BURN = "import time\nwhile time.process_time() < 0.3: pass"


def test_sleeping_costs_wall_time_and_burning_costs_processor_time():
    slept = run(["sleep", "0.3"])
    burned = run([sys.executable, "-S", "-c", BURN])
    assert slept.wall >= 0.3
    assert slept.cpu < 0.1
    assert burned.cpu >= 0.29


def test_processor_time_of_waited_for_children_counts():
    done = run(["sh", "-c", f'{sys.executable} -S -c "{BURN}"; true'])
    assert done.cpu >= 0.29


def test_output_is_kept_and_large_output_does_not_block():
    done = run([sys.executable, "-S", "-c", "import sys; print('x' * 300_000); print('y', file=sys.stderr)"])
    assert (len(done.out), done.err) == (300_001, "y\n")


def test_failed_command_gives_no_number():
    with pytest.raises(CommandFailed, match="exit code 3"):
        run(["sh", "-c", "exit 3"])


def test_running_process_can_be_sampled_and_interrupted():
    process = Process([sys.executable, "-S", "-c", "while True: pass"])
    wait_until(lambda: process.cpu_so_far() >= 0.05, 10, "burning")
    assert process.running()
    process.interrupt()
    assert process.wait().code != 0


def test_kill_ends_what_ignores_the_interrupt():
    process = Process(["sh", "-c", "trap '' INT; sleep 60"])
    process.kill()
    process.kill()
    # what the shell had started is another process' orphan by now, and its end takes a moment
    wait_until(lambda: not list_group(process.pid), 5, "the end of the group")


def list_group(pid):
    return run(["sh", "-c", f"pgrep -g {pid} || true"]).out


def test_rounds_are_interleaved_in_alternating_order():
    order = []
    variants = {name: (lambda name=name: float(order.append(name) or len(order))) for name in "ab"}
    samples = interleave(variants, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert samples == {"a": [1, 4, 5], "b": [2, 3, 6]}
    assert medians(samples) == {"a": 4, "b": 3}
    assert spread([8, 10, 12]) == 0.2


def test_summary_line_is_read():
    done = Run(1, 1, 0, 0, "", "noise\n1200 events, 99000 bytes, 3 lost, 1.25 seconds\n")
    assert account(done) == Account(1200, 99000, 3, 1.25)
    with pytest.raises(CommandFailed, match="no summary"):
        account(Run(1, 1, 0, 0, "", "nothing"))


def test_capture_that_cannot_start_is_an_error():
    with pytest.raises(CommandFailed, match="unknown option"), capture(["--nonsense"]):
        pass


def test_enlarged_trace_repeats_its_events_in_order(tmp_path):
    trace, large = files()[0], tmp_path / "large.scap"
    once = events_in(trace)
    events = enlarge(trace, large, 3 * once - 1)
    assert events == 3 * once
    assert events_in(large) == events


def events_in(path):
    kinds, times = [], []
    for kind, block in _blocks(path.read_bytes()):
        if kind in EVENT_BLOCKS:
            kinds.append(kind)
            times.append(int.from_bytes(block[_time_at(kind) :][:8], "little"))
    assert times == sorted(times)
    return len(kinds)
