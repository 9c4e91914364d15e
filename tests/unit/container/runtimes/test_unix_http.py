import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from sysdig_py.container.runtimes import unix_http
from sysdig_py.container.runtimes.unix_http import get_json
from tests.unit.container.runtimes.engine_server import engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def dribble(handler: BaseHTTPRequestHandler) -> bytes:
    """Send a body whose every byte comes within the socket's time-out, and which never ends."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(b" ")
        time.sleep(0.05)
    return b""


def test_an_answer(path: Path) -> None:
    with engine(path, {"/x": {"a": [1]}}) as server:
        assert get_json(str(path), "/x?y=1", 1) == {"a": [1]}
    assert server.asked == ["/x?y=1"]


def test_no_success(path: Path) -> None:
    with engine(path, {}):
        assert get_json(str(path), "/x", 1) is None


def test_no_json(path: Path) -> None:
    with engine(path, {"/x": b"<html>"}):
        assert get_json(str(path), "/x", 1) is None


def test_no_server(path: Path) -> None:
    assert get_json(str(path), "/x", 1) is None
    path.touch()
    assert get_json(str(path), "/x", 1) is None


def test_a_dribbling_server_is_cut_off(path: Path) -> None:
    with engine(path, {"/x": dribble}):
        begin = time.monotonic()
        assert get_json(str(path), "/x", 0.2) is None
        assert time.monotonic() - begin < 1


def test_an_endless_body_is_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_http, "MAX_BODY", 1000)
    with engine(path, {"/x": [0] * 1000}):
        assert get_json(str(path), "/x", 1) is None
