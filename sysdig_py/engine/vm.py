"""The door to the data plane: the one place that imports lupa and talks to LuaJIT.

An `Engine` owns one Lua runtime with the modules of `engine/lua`. Records go in by address (`feed`,
`drain`), `Step` tells how far it got and why it stopped; text and trace records come out once per
batch. Text crosses the border as bytes. Lua code can call the callbacks of `HostCallbacks` and
reaches nothing else of Python.
"""

from __future__ import annotations

import ctypes
import enum
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, Protocol

from sysdig_py.engine import modules
from sysdig_py.errors import EnvironmentLack, SysdigPyError, UsageError

# Kinds of streams: exit events that carry everything; enter and exit events, as in a .scap.
DIALECTS: Final = ("", "0293")

_TIMES: Final = struct.Struct("<qqq")


class Status(enum.IntEnum):
    """Why a walk came back."""

    OK = 0  # nothing more to do now
    MORE = 1  # the given limit was reached
    CGROUP = 2  # a cgroup was made: feed its CGROUP and CONTAINER records, then go on
    FULL = 3  # take_records() first
    STOP = 4  # the run is over: -n, -M or sysdig.end_capture
    # only of feed_blocks and feed_container
    DAMAGED = 5  # the next block makes no sense
    BLOCK = 6  # the next block is not an event
    CONTAINER = 7  # the next block is a container event
    EVENT = 8  # the next block is an event
    AGAIN = 9  # what went by should have been looked at: begin the file again


class Step(NamedTuple):
    """How far a walk got: `consumed` bytes of a span (feed) or records of the ring (drain)."""

    status: Status
    consumed: int
    cgroup_id: int = 0
    path: bytes = b""


class Records(NamedTuple):
    """`number` records for the trace: times are ns since the epoch, 0 when no event is among them."""

    data: bytes
    first_ts: int
    last_ts: int
    number: int


class EngineFault(SysdigPyError):
    """Lua code failed. `consumed` is how far a walk had come, the failing event included."""

    def __init__(self, message: str, consumed: int = 0) -> None:
        """Keep how much of the span was used up, so that a caller can go on behind it."""
        super().__init__(message)
        self.consumed = consumed


class RingView(Protocol):
    """A mapped BPF ring: addresses of its pages; `size` is the length of the data area (mapped twice)."""

    @property
    def consumer(self) -> int: ...  # noqa: D102
    @property
    def producer(self) -> int: ...  # noqa: D102
    @property
    def data(self) -> int: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102


def _no_filter(text: str) -> str:
    raise SysdigPyError(f"no filter compiler is attached (filter: {text})")


def _no_chisel(name: str) -> tuple[str, bytes]:
    raise SysdigPyError(f"no chisel registry is attached (chisel: {name})")


class HostCallbacks(NamedTuple):
    """What Lua may ask of Python.

    Attributes:
        compile_filter: filter text -> Lua source.
        find_chisel: chisel name -> path and source text.
        window: width and height of the terminal, (-1, -1) without one.
        is_tty: whether the output is a terminal.
        notice: told one line about what is left out of the stream to cap its cost, when that changes.
    """

    compile_filter: Callable[[str], str] = _no_filter
    find_chisel: Callable[[str], tuple[str, bytes]] = _no_chisel
    window: Callable[[], tuple[int, int]] = lambda: (-1, -1)
    is_tty: Callable[[], bool] = lambda: False
    notice: Callable[[str], None] = lambda _line: None


def _bytes(text: str | bytes) -> bytes:
    return os.fsencode(text) if isinstance(text, str) else bytes(text)


def _text(raw: bytes | str) -> str:
    return raw.decode(errors="surrogateescape") if isinstance(raw, bytes) else raw


def _deny(_object: object, name: object, _is_setting: bool) -> str:
    raise AttributeError(f"Lua may not reach into Python objects ({name!r})")


def _lupa() -> Any:
    try:
        import lupa.luajit21 as lupa
    except ImportError as error:
        message = f"lupa with LuaJIT 2.1 is missing ({error}) -> pip install 'lupa>=2.0' (the wheel carries LuaJIT)"
        raise EnvironmentLack(message) from error
    return lupa


def luajit_version() -> tuple[str, bool]:
    """Return LuaJIT's version and whether its compiler is on.

    Raises:
        EnvironmentLack: lupa with LuaJIT is not installed.
    """
    version, on = _runtime().execute(b"return jit.version, (jit.status())")
    return _text(version), bool(on)


def _runtime() -> Any:
    """Return a Lua runtime that finds the modules of engine/lua and nothing else."""
    runtime = _lupa().LuaRuntime(
        encoding=None,
        register_eval=False,
        register_builtins=False,
        unpack_returned_tuples=True,
        attribute_filter=_deny,
    )
    runtime.execute(b"python = nil; package.loaded.python = nil; package.cpath = ''")
    runtime.execute(b"package.path = ''")
    modules.install(runtime)
    return runtime


class Runtime:
    """A Lua runtime with the engine's modules; none is loaded yet."""

    def __init__(self) -> None:
        """Start LuaJIT.

        Raises:
            EnvironmentLack: lupa with LuaJIT is not installed.
        """
        self._lua = _runtime()
        self._error = _lupa().LuaError

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            raise EngineFault(str(error)) from error

    def _run(self, function: Any, *arguments: Any) -> Any:
        with self._faults():
            return function(*arguments)

    def require(self, module: str) -> Any:
        """Return an engine module as a Lua table; its functions are found under bytes keys."""
        return self._run(self._lua.require, module.encode())

    def execute(self, source: str | bytes, *arguments: Any) -> Any:
        """Run trusted Lua source with full rights; for engine parts and tests, never for chisels."""
        return self._run(self._lua.execute, _bytes(source), *arguments)

    def table(self, items: Sequence[Any] | dict[Any, Any]) -> Any:
        """Return `items` as a Lua table."""
        return self._lua.table_from(items)


class Engine(Runtime):
    """One data plane: state tables, filter, sinks and chisels of one run."""

    def __init__(
        self,
        machine: dict[str, Any] | None = None,
        is_live: bool = False,
        source_name: str = "",
        host: HostCallbacks | None = None,
        dialect: str = "",
    ) -> None:
        """Start LuaJIT and load the engine.

        Args:
            machine: facts about the traced machine (num_cpus, memory_size_bytes, ...).
            is_live: whether records come from this machine's kernel right now.
            source_name: the file being read, "" live.
            host: what Lua may ask of Python.
            dialect: kind of stream: "" exit events that carry everything, "0293" enter and exit events as in a .scap.

        Raises:
            EnvironmentLack: lupa with LuaJIT is not installed.
        """
        super().__init__()
        self.dialect = dialect
        self._run(self._run(self._lua.require, b"dialect")[b"choose"], dialect.encode())
        self._host = self._run(self._lua.require, b"host")
        self._call("init", *_callbacks(host or HostCallbacks()))
        self.begin(machine or {}, is_live, source_name)

    def begin(self, machine: dict[str, Any], is_live: bool, source_name: str) -> None:
        """Make ready for a source: state, event numbers and counters start anew, filter, sinks and chisels stay."""
        facts = {_bytes(k): v if isinstance(v, (int, float)) else _bytes(str(v)) for k, v in machine.items()}
        self._call("begin", self._lua.table_from(facts), is_live, _bytes(source_name))

    def _call(self, name: str, *arguments: Any) -> Any:
        return self._run(self._host[name.encode()], *arguments)

    # --- records in ---------------------------------------------------------------------------

    def _step(self, result: Any) -> Step:
        status, consumed, *rest = result
        if status < 0:
            raise EngineFault(_text(rest[0]), int(consumed))
        return Step(Status(int(status)), int(consumed), *((int(rest[0]), rest[1]) if rest else ()))

    def open_rings(self, views: Sequence[RingView]) -> None:
        """Take the mapped rings that `drain` walks; they must stay mapped as long as the engine is used."""
        self._call("forget_rings")
        for view in views:
            self._call("open_ring", view.consumer, view.producer, view.data, view.size)

    def drain(self, limit: int, until_ts: int = 0) -> Step:
        """Walk up to `limit` records of the rings, by their time.

        Args:
            limit: how many records at most.
            until_ts: of several rings, only records up to this time (ns since the epoch) are walked, since an older one
                may still come into another ring; 0 for all.
        """
        return self._step(self._call("drain", limit, until_ts))

    def feed(self, address: int, length: int) -> Step:
        """Walk a span of whole records; after FULL or CGROUP go on at `address + consumed`."""
        return self._step(self._call("feed", address, length))

    def feed_blocks(self, address: int, length: int, *, until_event: bool = False) -> tuple[Step, bool]:
        """Walk the blocks of a .scap up to one that is not an event; return also whether there were events.

        Args:
            address: of the first block. The blocks, and `HEADROOM` bytes before them, are used up.
            length: bytes of whole blocks, and the beginning of another; OK stops before that.
            until_event: stop before the first event.
        """
        result = self._call("feed_blocks", address, length, until_event)
        return self._step(result[:2] if result[0] >= 0 else result), result[2] is True

    def feed_container(self, address: int, *, shown: bool) -> Step:
        """Walk the one container event in the block at `address`, which is whole; `shown`: it may be delivered."""
        return self._step(self._call("feed_container", address, shown))

    def feed_bytes(self, records: bytes, offset: int = 0) -> Step:
        """Walk records held in `records` from `offset` on."""
        address = ctypes.cast(ctypes.c_char_p(records), ctypes.c_void_p).value or 0
        return self.feed(address + offset, len(records) - offset)

    # --- what to do with them -----------------------------------------------------------------

    def set_filter(self, lua_source: str | bytes) -> None:
        """Install the capture filter; "" removes it."""
        self._call("set_filter", _bytes(lua_source))

    def set_limits(self, max_events: int = 0, seconds: float = 0.0) -> None:
        """End each source after so many delivered events, or seconds of event time since the first; 0 = no limit."""
        self._call("set_limits", max_events, seconds)

    def set_end(self, until_ns: int = 0, until_rel: int = 0) -> None:
        """End each source soon after this time: ns since the epoch, or since the first event; 0 = no limit."""
        self._call("set_end", until_ns, until_rel)

    def print_lines(self, format_text: str, display_filter: str | bytes = "", *, shows_internal: bool = False) -> None:
        """Add a sink that writes one line per delivered event.

        Args:
            format_text: what the lines hold.
            display_filter: Lua source of a filter that decides what is printed, "" for everything.
            shows_internal: print internal events too.

        Raises:
            UsageError: the format makes no sense.
        """
        complaint = self._call("print_lines", _bytes(format_text), _bytes(display_filter), shows_internal)
        if complaint is not None:
            raise UsageError(_text(complaint))

    def write_records(self, buffer_bytes: int, *, selective: bool = False, tells_users: bool = False) -> None:
        """Add the sink that copies records for the trace writer.

        Args:
            buffer_bytes: how many are collected between two calls of `take_records`.
            selective: copy what the filter accepts, and of the state only what that needs.
            tells_users: but all users, for a format that has no place for them later.
        """
        self._call("write_records", buffer_bytes, selective, tells_users)

    def begin_file(self, *, tells_users: bool = False) -> None:
        """Have the records that come stand on their own, with the state they need; after `write_records(selective)`."""
        self._call("begin_file", tells_users)

    def redact(self, classes: Sequence[str], key: bytes) -> None:
        """Take secrets out of the records that are written; see `redact.lua` for the classes.

        Args:
            classes: payload, args, env, paths.
            key: 16 random bytes under which values are hashed; to be forgotten afterwards.
        """
        self._call("redact", key, *map(_bytes, classes))

    def limit_file(self, events: int, seconds: float) -> None:
        """Have a file be full after so many accepted events, or seconds of event time; 0 = no limit."""
        self._call("limit_file", events, seconds * 1e9)

    def want_file_when(self, lua_source: str | bytes) -> None:
        """Have events that pass this filter ask for a file (`take_marks`)."""
        self._call("want_file_when", _bytes(lua_source))

    def take_marks(self) -> tuple[bool, bool]:
        """Return whether the file is full (nothing goes on before `begin_file`), and whether an event asked for one."""
        due, wanted = self._call("take_marks")
        return bool(due), bool(wanted)

    # --- what comes out -----------------------------------------------------------------------

    @property
    def wants_ticks(self) -> bool:
        """Whether somebody waits for time to pass, event or not."""
        return bool(self._call("wants_ticks"))

    @property
    def needs_past(self) -> bool:
        """Whether somebody makes more of the events that are not shown than the state tables do."""
        return bool(self._call("needs_past"))

    def hand_output(self, write: Callable[[memoryview], object]) -> None:
        """Give the text written since the last call to `write`, if there is any.

        Nothing is copied: `write` must not keep it. Whether it raises or not, the text is gone.
        """
        address, size = self._call("look_at_output")
        if not size:
            return
        try:
            write(memoryview((ctypes.c_char * int(size)).from_address(int(address))).cast("B"))
        finally:
            self._call("drop_output")

    def take_output(self) -> bytes:
        """Return a copy of the text written since the last call."""
        taken: list[bytes] = []
        self.hand_output(lambda text: taken.append(bytes(text)))
        return b"".join(taken)

    def take_records(self) -> Records:
        """Return the trace records copied since the last call."""
        address, used, times = self._call("take_records")
        first, last, number = _TIMES.unpack(times)
        return Records(ctypes.string_at(int(address), int(used)) if used else b"", first, last, number)

    def stats(self) -> dict[str, int]:
        """Return the counters of the run: events, delivered, lost, threads and so on."""
        return {_text(name): int(value) for name, value in self._call("stats").items()}


def _callbacks(host: HostCallbacks) -> tuple[Callable[..., Any], ...]:
    """Wrap the callbacks so that Lua gives and gets bytes."""

    def find_chisel(name: bytes) -> tuple[bytes, bytes]:
        path, source = host.find_chisel(_text(name))
        return _bytes(path), _bytes(source)

    return (
        lambda text: _bytes(host.compile_filter(_text(text))),
        find_chisel,
        lambda: host.window(),
        lambda: bool(host.is_tty()),
        lambda line: host.notice(_text(line)),
    )
