from pathlib import Path

import pytest

from sysdig_py.capture.traces import open_replay
from sysdig_py.trace.reader import NativeReader
from sysdig_py.ui.cli.options import Options
from sysdig_py.ui.cli.writing import open_writer
from tests.traces import write_story
from tests.unit.trace.traces import TOTALS


@pytest.mark.parametrize(
    ("name", "compress", "starts"),
    [
        ("x.scap", False, b"\x0a\x0d\x0d\x0a"),
        ("x.scap", True, b"\x1f\x8b"),
        ("x.scap.gz", False, b"\x1f\x8b"),
        ("x", False, b"\x8fSPY"),
    ],
)
def test_the_name_says_which_format_is_written(tmp_path: Path, name: str, compress: bool, starts: bytes) -> None:
    source = open_replay(write_story(tmp_path / "a.spy"))
    open_writer(str(tmp_path / name), source, Options(compress=compress)).close(TOTALS)
    source.close()
    assert (tmp_path / name).read_bytes().startswith(starts)


def test_a_copy_keeps_when_and_how_the_trace_was_captured(tmp_path: Path) -> None:
    source = open_replay(write_story(tmp_path / "a.spy"))
    open_writer(str(tmp_path / "b.spy"), source, Options(words=("evt.type=read",))).close(TOTALS)
    source.close()
    with NativeReader(tmp_path / "a.spy") as first, NativeReader(tmp_path / "b.spy") as second:
        assert second.header["filter"] == "evt.type=read"
        assert {k: first.header[k] for k in ("start_ts", "snaplen")} == {
            k: second.header[k] for k in ("start_ts", "snaplen")
        }
