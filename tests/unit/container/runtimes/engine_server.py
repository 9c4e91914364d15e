"""A small HTTP server on a unix socket, which answers as a container engine does."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


class Server(socketserver.ThreadingUnixStreamServer):
    """Serves `answers` (path -> JSON value, bytes, None for 404, or a function of the handler)."""

    daemon_threads = True
    answers: dict[str, Any]
    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answer = self.server.answers.get(unquote(urlsplit(self.path).path))
        with suppress(BrokenPipeError):  # the client may have given up
            if callable(answer):
                answer = answer(self)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def engine(path: Path, answers: dict[str, Any]) -> Iterator[Server]:
    """Serve on the socket `path` for the time of a `with` block."""
    with Server(str(path), _Handler) as server:
        server.answers, server.asked = answers, []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
