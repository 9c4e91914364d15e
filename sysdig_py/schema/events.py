"""What an event is: the table of every event type ever assigned, and the system call maps.

The numbers are those of the scap/ppm schema (falcosecurity/libs, schema 4.5.1) and are fixed
for ever: even codes are enter events, odd codes exit events. Rules for the table:
a new parameter is only ever appended; anything else needs a new event code.

`data/events.json`, `data/flags.json`, `data/syscalls.json` and `data/names.json` hold the facts;
this module gives them types. `python -m sysdig_py.schema.generate` derives the probe's header
and the engine's Lua table from them.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

SCHEMA_VERSION: Final = "4.5.1"

# bits of an event type's `flags` and `category`
EF_CREATES_FD: Final = 1
EF_USES_FD: Final = 4
EF_READS: Final = 8
EF_WRITES: Final = 16
EF_MODIFIES_STATE: Final = 32
EF_WAITS: Final = 128
EC_SYSCALL: Final = 512
# listen and setpgid feed the state tables although the schema does not say so
_ALSO_FEED_STATE: Final = frozenset((25, 295))


class Param(NamedTuple):
    """One parameter of an event type.

    Attributes:
        name: parameter name.
        type: parameter type, lower-case without the PT_ prefix (`fd`, `errno`, `fspath`, ...).
        fmt: print format (`na dec hex 10_padded_dec id dir oct`).
        flags: name of the flag table that spells the value, or "".
        dirfd: index of the parameter that holds the directory fd of a relative path, or -1.
        dynamic: name of the dynamic parameter table, or "".
    """

    name: str
    type: str
    fmt: str = "na"
    flags: str = ""
    dirfd: int = -1
    dynamic: str = ""


class EventType(NamedTuple):
    """One event type: `code`, upper-case `id`, user-visible `name`, bit masks and parameters."""

    code: int
    id: str
    name: str
    category: int
    flags: int
    params: tuple[Param, ...]

    @property
    def is_exit(self) -> bool:
        """Whether this is the exit half of a call."""
        return self.code % 2 == 1

    @property
    def feeds_state(self) -> bool:
        """Whether the engine's tables learn from it (`modifies` in engine/lua/event_info.lua)."""
        return self.flags & EF_MODIFIES_STATE != 0 or self.code in _ALSO_FEED_STATE

    @property
    def has_result(self) -> bool:
        """Whether the first parameter is the return value (`res_index` in engine/lua/event_info.lua)."""
        first = self.params[0].name if self.is_exit and self.params else ""
        return first == "res" or (first == "fd" and self.flags & EF_CREATES_FD != 0)

    @property
    def fd_index(self) -> int:
        """Position of the parameter with the fd the event works on (`fd_index` there), -1 without one."""
        if not self.flags & EF_USES_FD:
            return -1
        result = 0 if self.has_result else -1
        found = [i for i, param in enumerate(self.params) if param.type == "fd" and i != result]
        named = [i for i in found if self.params[i].name == "fd"]
        return (named or found or [-1])[0]


class Syscall(NamedTuple):
    """One system call of an architecture and the exit event it is reported as."""

    nr: int
    name: str
    ppm_sc: int
    exit_code: int
    flags: int


def load_data(name: str) -> Any:
    """Return the parsed content of `data/NAME.json`."""
    # slow to load, and few runs need the table here
    import json
    from importlib import resources

    return json.loads(resources.files(__package__).joinpath("data").joinpath(f"{name}.json").read_text())


@cache
def events() -> tuple[EventType, ...]:
    """Return every event type, indexed by code."""
    return tuple(
        EventType(e["code"], e["id"], e["name"], e["category"], e["flags"], tuple(Param(**p) for p in e["params"]))
        for e in load_data("events")
    )


@cache
def syscalls(arch: str) -> tuple[Syscall, ...]:
    """Return the system calls of `arch` (`x86_64` or `aarch64`)."""
    return tuple(Syscall(*row) for row in load_data("syscalls")[arch])


@cache
def compat_calls(arch: str) -> dict[int, str]:
    """Return the names of the calls that 32-bit programs make on `arch`, by their number; only x86_64's are known."""
    return dict(load_data("syscalls")["ia32"]) if arch == "x86_64" else {}


@cache
def syscall_names() -> tuple[str, ...]:
    """Return the system call names, indexed by the architecture-independent ppm_sc id."""
    return tuple(name or "" for name in load_data("syscalls")["ppm_sc"])


@cache
def flag_tables() -> dict[str, list[tuple[str, int]]]:
    """Return the flag tables: name -> [(flag name, bits)] in the order values are matched."""
    return {k: [(n, v) for n, v in rows] for k, rows in load_data("flags").items()}
