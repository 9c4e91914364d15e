"""A live capture through the whole pipeline, inside the test's process: what it prints for what is done meanwhile."""

import io
import subprocess
import sys
import threading
from contextlib import contextmanager

from sysdig_py import filter as event_filter
from sysdig_py.capture.live import LiveCapture, LiveOptions
from sysdig_py.engine.vm import HostCallbacks
from sysdig_py.output.text import TextOutput
from sysdig_py.pipeline import Pipeline, Plan
from sysdig_py.ui.cli.listing import registry


class Capture:
    """A running capture; `lines` is there once it has ended."""

    lines: list[str]

    def __init__(self, line_format: str, filter_text: str, options: LiveOptions, output: io.BytesIO) -> None:
        host = HostCallbacks(
            lambda text: event_filter.compile(text).lua_source, lambda name: ("", b""), lambda: (-1, -1)
        )
        plan = Plan(filter_text=filter_text, line_format=line_format)
        self.source = LiveCapture(options)
        self.pipeline = Pipeline(plan, TextOutput(output, flush_each_batch=True), host, registry())
        self.pipeline.open(self.source)
        self._output, self._ready, self._stop = output, threading.Event(), threading.Event()
        self._going = threading.Event()
        self._going.set()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._ready.wait(60)

    def _run(self) -> None:
        try:
            self.pipeline.run(self._stopped, lambda _percent: self._ready.set())
        except BaseException as error:
            self._problem = error
        finally:
            self._ready.set()

    def _stopped(self) -> bool:
        self._going.wait()
        return self._stop.is_set()

    @contextmanager
    def not_reading(self):
        """Leave the ring alone while the body runs."""
        self._going.clear()
        try:
            yield
        finally:
            self._going.set()

    def end(self) -> None:
        self._stop.set()
        self._thread.join(60)
        self.source.close()
        if self._problem:
            raise self._problem
        self.lines = self._output.getvalue().decode(errors="replace").splitlines()


@contextmanager
def capturing(line_format: str, filter_text: str = "", **options):
    """Capture while the body runs, by default without the snapshot of /proc."""
    settings = {"snapshot": False, "user_names": False, "drop_rights": False, "ring_bytes": 64 << 20} | options
    capture = Capture(line_format, filter_text, LiveOptions(**settings), io.BytesIO())
    try:
        yield capture
    finally:
        capture.end()


@contextmanager
def waiting(script, *args, **options):
    """A Python process that has run `script` up to its `input()` calls; `step` lets it go on."""
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True} | options
    with subprocess.Popen([sys.executable, "-I", "-S", "-u", "-c", script, *args], **options) as process:
        first = process.stdout.readline()

        def step():
            process.stdin.write("\n")
            process.stdin.flush()
            return process.stdout.readline()

        process.step, process.first = step, first.strip()
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(30)
