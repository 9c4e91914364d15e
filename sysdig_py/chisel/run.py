"""The chisels of one run, driven from the control plane.

Order: `add` for every `-c`, then for every source `init`, `start`, records through the engine,
`finish`. A chisel that fails is stopped alone; `take_failures` gives its report.
"""

from __future__ import annotations

import os
from typing import Any, Final, NamedTuple

from sysdig_py.chisel.modules import read_module
from sysdig_py.chisel.registry import Registry
from sysdig_py.chisel.timing import CallbackTime
from sysdig_py.engine.vm import Engine
from sysdig_py.errors import ChiselError


class ChiselSettings(NamedTuple):
    """What chisels may ask about the command line.

    Attributes:
        filter_text: the capture filter, already given to the engine.
        container_data: whether -pc was given.
        json: whether tables are to be JSON (-j without a buffer format).
        buffer_format_forced: whether the user chose how buffers are shown.
        allow_io: whether chisels may open files and run commands.
        profile: whether the time spent in callbacks is measured.
    """

    filter_text: str = ""
    container_data: bool = False
    json: bool = False
    buffer_format_forced: bool = False
    allow_io: bool = False
    profile: bool = False


_DEFAULTS: Final = ChiselSettings()


class ChiselRequests(NamedTuple):
    """What chisels asked of the run: a filter, the snaplen they need, a command line to run afterwards."""

    filter_text: str = ""
    snaplen: int | None = None
    run_app: str | None = None


class ChiselRun:
    """All chisels of one run of an engine."""

    def __init__(self, engine: Engine, registry: Registry, settings: ChiselSettings = _DEFAULTS) -> None:
        """Tell the engine's side what chisels may know."""
        self.engine, self.registry, self.settings = engine, registry, settings
        self._lua: Any = engine.require("chisel.run")
        engine.require("chisel.loader")[b"set_reader"](read_module)
        self._call(
            "setup",
            engine.table(
                {
                    b"filter": os.fsencode(settings.filter_text),
                    b"container_data": settings.container_data,
                    b"json": settings.json,
                    b"buffer_format_forced": settings.buffer_format_forced,
                    b"allow_io": settings.allow_io,
                    b"profile": settings.profile,
                    b"dirs": os.fsencode("\n".join(self.registry.module_dirs)),
                }
            ),
        )

    def add(self, name: str, argument_text: str | None = None) -> None:
        """Load a chisel and hand it its arguments.

        Raises:
            UsageError: there is no such chisel, or the arguments do not fit.
            ChiselError: its script or its on_set_arg failed.
        """
        # not needed by a run without chisels
        from sysdig_py.chisel.arguments import bind
        from sysdig_py.chisel.describe import describer

        script = self.registry.find(name)
        values = bind(describer(self.registry).describe(script), argument_text)
        self._call("add", os.fsencode(script.name), os.fsencode(script.path), script.source, *map(os.fsencode, values))
        self._raise_failures()

    def init(self) -> ChiselRequests:
        """Call every on_init, before a source is opened.

        Raises:
            ChiselError: one of them failed.
        """
        self._call("init")
        self._raise_failures()
        return self._requests()

    def start(self) -> None:
        """Call every on_capture_start; from here on the chisels get the engine's events.

        Raises:
            ChiselError: one of them failed.
        """
        self._call("start")
        self._raise_failures()

    def finish(self) -> ChiselRequests:
        """Call every on_capture_end and return what was asked of the run."""
        self._call("finish")
        return self._requests()

    def take_failures(self) -> list[str]:
        """Return the reports of the chisels that failed since the last call."""
        return _texts(self._call("take_failures"))

    def take_logs(self) -> list[tuple[str, str]]:
        """Return the messages of sysdig.log since the last call: severity and text."""
        pairs = (line.partition(" ") for line in _texts(self._call("take_logs")))
        return [(severity, text) for severity, _, text in pairs]

    def wants(self) -> list[tuple[str, str]]:
        """Return the living chisels that get events: name and filter, "" for all events."""
        flat = _texts(self._call("wants"))
        return list(zip(flat[::2], flat[1::2], strict=True))

    @property
    def filter_changes(self) -> int:
        """How often a chisel has set a filter."""
        return int(self._call("filter_changes"))

    @property
    def alive(self) -> int:
        """How many chisels have not failed."""
        return int(self._call("alive"))

    @property
    def stopped(self) -> bool:
        """Whether a chisel asked for the end of the run (sysdig.end_capture, os.exit)."""
        return bool(self._call("stopped"))

    def timings(self) -> list[CallbackTime]:
        """Return the time spent in every callback that was called, when `profile` was set."""
        flat = self._call("timings") or ()
        return [CallbackTime(_text(flat[i]), int(flat[i + 1]), int(flat[i + 2])) for i in range(0, len(flat), 3)]

    def set_progress(self, percent: float) -> None:
        """Tell the chisels how much of the file was read."""
        self._call("set_progress", percent)

    def _call(self, name: str, *arguments: Any) -> Any:
        return self._lua[name.encode()](*arguments)

    def _requests(self) -> ChiselRequests:
        filter_text, snaplen, run_app = self._call("requests")
        return ChiselRequests(
            _text(filter_text), None if snaplen is None else int(snaplen), None if run_app is None else _text(run_app)
        )

    def _raise_failures(self) -> None:
        failures = self.take_failures()
        if failures:
            raise ChiselError("\n".join(failures))


def _text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def _texts(answer: Any) -> list[str]:
    if answer is None:
        return []
    return [_text(line) for line in (answer if isinstance(answer, tuple) else (answer,))]
