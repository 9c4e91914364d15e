"""Live captures into files, as a user starts them: a .scap that the real sysdig reads, and the last seconds."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.tool import PROGRAM, Capture, capture

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("probe")]

WRITES = 50_000
SCRIPT = f"""
import os
file = os.open("/dev/null", os.O_WRONLY)
for number in range({WRITES}): os.write(file, b"%d" % number)
"""
LINE = "%evt.num %evt.time %evt.type %evt.args"


def lines(program: list[str], path: Path, filter_text: str, line: str = LINE) -> list[str]:
    words = [*program, "-r", str(path), "-p", line, filter_text]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()


@pytest.mark.parametrize("words", [[], ["-z"]], ids=["plain", "compressed"])
def test_a_live_scap_holds_every_call_and_reads_as_sysdig_reads_it(tmp_path: Path, words: list[str]) -> None:
    path = tmp_path / "live.scap"
    with capture([*words, "-w", str(path)]) as process:
        child = subprocess.Popen([sys.executable, "-I", "-S", "-c", SCRIPT])
        assert child.wait(60) == 0
    assert process.account.lost == 0
    filter_text = f"proc.pid={child.pid}"
    ours = lines(PROGRAM, path, filter_text)
    # an enter and an exit each
    assert sum(" write " in line for line in ours) == 2 * WRITES
    if shutil.which("sysdig"):
        assert lines(["sysdig"], path, filter_text) == ours


def test_a_live_scap_is_readable_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "live.scap"
    with capture(["-w", str(path)]):
        pass
    assert path.stat().st_mode & 0o777 == 0o600


def touch(path: Path) -> None:
    """Open a file in a process of its own, so that the capture, which leaves itself out, sees it."""
    subprocess.run(["touch", str(path)], check=True, timeout=30)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def opened(path: Path, folder: Path) -> list[str]:
    """Return which files of the folder a trace has seen opened, in order."""
    found = lines(PROGRAM, path, f"evt.type=openat and evt.failed=false and fd.directory={folder}", "%fd.filename")
    return list(dict.fromkeys(found))


def last_seconds(folder: Path, seconds: int, *words: str) -> list[str]:
    return ["--last", f"{seconds}s", *words, "-w", str(folder / "last.spy")]


def test_what_led_up_to_an_event_is_written_when_it_happens(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()
    dump_when = ("--dump-when", f"evt.type=openat and fd.name={seen}/trigger")
    with capture(last_seconds(tmp_path, 10, *dump_when)) as process:
        touch(seen / "before")
        assert not (tmp_path / "last.spy0").exists()
        touch(seen / "trigger")
        wait_for((tmp_path / "last.spy0").exists)
        touch(seen / "between")
        touch(seen / "trigger")
        wait_for((tmp_path / "last.spy1").exists)
        touch(seen / "after")
    assert process.account.lost == 0
    assert opened(tmp_path / "last.spy0", seen) == ["before", "trigger"]
    assert opened(tmp_path / "last.spy1", seen) == ["between", "trigger"]
    assert not (tmp_path / "last.spy2").exists(), "what nobody asked for is not kept"


def test_a_signal_has_the_last_seconds_written(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()
    with capture(last_seconds(tmp_path, 10)) as process:
        touch(seen / "first")
        ask(process, tmp_path / "last.spy0")
        touch(seen / "second")
        ask(process, tmp_path / "last.spy1")
    assert opened(tmp_path / "last.spy0", seen) == ["first"]
    assert opened(tmp_path / "last.spy1", seen) == ["second"]


def ask(process: Capture, path: Path) -> None:
    os.kill(process.pid, signal.SIGUSR2)
    wait_for(path.exists)


def test_what_is_older_is_forgotten_and_the_file_still_has_its_state(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()
    script = f"f = open({str(seen / 'held')!r}, 'w', buffering=1)\nimport time\n"
    script += "for number in range(60): f.write('x\\n'); time.sleep(0.1)"
    with capture(last_seconds(tmp_path, 2)) as process:
        writer = subprocess.Popen([sys.executable, "-I", "-S", "-c", script])
        touch(seen / "old")
        time.sleep(4)
        touch(seen / "new")
        ask(process, tmp_path / "last.spy0")
        assert writer.wait(30) == 0
    path = tmp_path / "last.spy0"
    assert opened(path, seen) == ["new"]
    written = lines(PROGRAM, path, f"evt.type=write and fd.name={seen}/held", "%evt.reltime.s %proc.pid")
    assert len(written) > 5
    assert {line.split()[1] for line in written} == {str(writer.pid)}
    assert max(int(line.split()[0]) for line in written) <= 3
