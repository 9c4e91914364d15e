"""JSON over HTTP over a unix socket, with a bound on the whole exchange."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any, Final

MAX_BODY: Final = 64 << 20
_CHUNK: Final = 1 << 16


class _UnixConnection(http.client.HTTPConnection):
    """An HTTP connection whose transport is a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Open the socket; called by http.client."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def get_json(socket_path: str, target: str, timeout: float) -> Any | None:
    """Return the JSON answer to `GET target`; None when there is no answer, not in time, or no success.

    Args:
        socket_path: the unix socket.
        target: path and query.
        timeout: seconds the whole exchange may take.
    """
    connection = _UnixConnection(socket_path, timeout)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        body = _read(response, time.monotonic() + timeout)
        return json.loads(body) if response.status == http.client.OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """Read a body in pieces, since the socket's own timeout bounds each piece only."""
    pieces = []
    left = MAX_BODY
    while piece := response.read1(_CHUNK):
        pieces.append(piece)
        left -= len(piece)
        if left < 0 or time.monotonic() > deadline:
            raise TimeoutError
    return b"".join(pieces)
