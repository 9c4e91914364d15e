from contextlib import closing
from pathlib import Path

import pytest

from sysdig_py.capture.replay import Replay
from sysdig_py.capture.replay_scap import ScapReplay
from sysdig_py.capture.traces import open_replay
from sysdig_py.errors import TraceError
from tests import scap
from tests.traces import write_story


def test_the_format_decides(tmp_path: Path):
    other = tmp_path / "t.scap"
    other.write_bytes(scap.Trace().event(6, scap.i64(3), scap.u32(1)).data)
    with closing(open_replay(write_story(tmp_path / "t.spy"))) as native, closing(open_replay(other)) as foreign:
        assert isinstance(native, Replay)
        assert isinstance(foreign, ScapReplay)
        assert (native.dialect, foreign.dialect) == ("", "0293")


def test_what_is_no_trace_is_refused(tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(b"text")
    with pytest.raises(TraceError):
        open_replay(path)
