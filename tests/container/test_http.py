"""Two real containers talk HTTP over the bridge: the program names both, counts the bytes, shows the request."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench.tool import capture
from tests.container.engine import Engine

pytestmark = [pytest.mark.container, pytest.mark.kernel]

REQUESTS = 20
PAGE = "/status-page.txt"
BODY = b"all is well\n" * 100
CHISELS = ["-pc", "-c", "flows", "-c", "echo_fds", "disable_colors"]
FILTER = ["container.name in (shop, till)"]


@dataclass
class Talk:
    """One captured conversation: the trace and what the live run printed."""

    trace: Path
    live: str
    server_ip: str


@pytest.fixture(scope="module")
def talk(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    """Capture a client container that fetches a page from a server container."""
    folder = tmp_path_factory.mktemp("http")
    page = folder / "www"
    page.mkdir()
    (page / PAGE[1:]).write_bytes(BODY)
    trace = folder / "http.spy"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", f"unix://{engine.socket}")
        with capture(["-w", str(trace), *CHISELS, *FILTER]) as process:
            address = _converse(engine, page)
    yield Talk(trace, process.done.out, address)


def _converse(engine: Engine, page: Path) -> str:
    """Start server and client after the capture: their names must be right from their first event on."""
    volume = ["--volume", f"{page}:/page:ro"]
    server = engine.run("shop", "httpd", "-f", "-p", "80", "-h", "/page", options=volume)
    loop = f"for i in $(seq {REQUESTS}); do wget -q -O /dev/null http://{server.ip}{PAGE} || exit 1; done"
    client = engine.run("till", "sh", "-c", loop)
    assert client.wait() == 0
    engine.remove(client)
    engine.remove(server)
    return server.ip


def _replay(talk: Talk, *words: str) -> str:
    command = [sys.executable, "-m", "sysdig_py", "-r", str(talk.trace), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_flows_names_both_containers_and_counts_the_bytes(talk: Talk) -> None:
    rows = [line.split() for line in _replay(talk, "-c", "flows").splitlines()]
    row = next(r for r in rows if {"till", "shop"} <= set(r))
    assert row.index("till") < row.index("shop"), "the client comes first"
    assert str(REQUESTS) in row, "number of requests"


def test_bytes_are_those_of_the_conversation(talk: Talk) -> None:
    lines = _replay(
        talk, "-p", "%evt.rawres", "container.name=till and fd.sport=80 and evt.is_io_read=true and evt.rawres>0"
    )
    received = sum(map(int, lines.split()))
    header = received - REQUESTS * len(BODY)
    assert 0 < header / REQUESTS < 1000, f"{received} bytes for {REQUESTS} answers of {len(BODY)}"


def test_both_ends_see_the_same_connection(talk: Talk) -> None:
    def connections(container: str) -> set[str]:
        return set(
            _replay(talk, "-p", "%fd.name", f"container.name={container} and fd.sport=80 and evt.is_io=true").split()
        )

    client, server = connections("till"), connections("shop")
    assert len(client) == REQUESTS
    assert client == server
    assert all(re.search(rf"->{re.escape(talk.server_ip)}:80$", name) for name in client)


def test_echo_fds_shows_the_request_path_and_who_sent_it(talk: Talk) -> None:
    text = _replay(talk, "-pc", "-c", "echo_fds", "disable_colors", "fd.sport=80")
    assert f"GET {PAGE} HTTP/1.1" in text
    assert "HTTP/1.1 200 OK" in text
    assert re.search(r"------ Write \S+ to .*\btill\b", text)


def test_every_event_of_the_containers_has_its_name(talk: Talk) -> None:
    names = set(_replay(talk, "-p", "%container.name %container.image").splitlines())
    assert {name.split()[0] for name in names} == {"till", "shop"}


def test_the_replay_prints_what_the_live_run_printed(talk: Talk) -> None:
    assert talk.live
    assert _replay(talk, *CHISELS, *FILTER) == talk.live
