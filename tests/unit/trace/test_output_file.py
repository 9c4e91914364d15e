import errno
import io
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sysdig_py.errors import TraceError
from sysdig_py.trace.output_file import FrameSink, open_output


def test_a_new_trace_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.spy"
    open_output(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_old_file_is_overwritten_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "a.spy"
    path.write_bytes(b"old content")
    path.chmod(0o644)
    with open_output(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_directories_devices_and_missing_folders_are_refused(tmp_path: Path) -> None:
    for path, word in ((tmp_path, "directory"), (tmp_path / "no" / "a.spy", "No such file"), ("/dev/zero", "device")):
        with pytest.raises(TraceError, match=word):
            open_output(path)


def test_a_terminal_is_refused() -> None:
    controller, terminal = os.openpty()
    try:
        with pytest.raises(TraceError, match="terminal"):
            open_output(os.ttyname(terminal))
    finally:
        os.close(controller)
        os.close(terminal)


def test_the_null_device_and_standard_output_are_taken() -> None:
    open_output("/dev/null").close()
    code = "from sysdig_py.trace.output_file import open_output; open_output('-').write(b'x')"
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
    assert done.stdout == b"x"


class FullDisk(io.FileIO):
    """A disk that takes `room` more bytes, and three at a time."""

    room = 0

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        taken = min(3, self.room, len(data))
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= taken
        return super().write(data[:taken]) or 0


@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_a_frame_that_does_not_fit_is_taken_back(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.spy"
    path.write_bytes(b"older")
    with FullDisk(path, mode) as file:
        sink = FrameSink(file)  # type: ignore[arg-type]
        file.room = 15
        sink.write(b"0123456789")
        with pytest.raises(OSError, match="No space"):
            sink.write(b"abcdefghij")
    assert path.read_bytes() == (b"older" if mode == "ab" else b"") + b"0123456789"
    assert sink.offset == 10


def test_bytes_waiting_in_the_files_own_buffer_come_first(tmp_path: Path) -> None:
    path = tmp_path / "a.spy"
    with path.open("wb") as file:
        file.write(b"head")
        FrameSink(file).write(b"frame")
    assert path.read_bytes() == b"headframe"
