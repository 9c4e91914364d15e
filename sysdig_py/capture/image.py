"""The compiled probe as data: its maps, its programs, and what is filled in when it is loaded.

In a program's instructions a reference to a map holds the map's place in `Image.maps`, and a
constant of the run (`Constant`) stands as a marked 64-bit load. `link` replaces both, so that one
image serves every run, and a value costs no memory access in the kernel.
"""

from __future__ import annotations

import enum
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from sysdig_py.capture.assembler import CALL, INSTRUCTION, SIZE, WIDE_LOAD, splice

_TO_MAP: Final = 1  # BPF_PSEUDO_MAP_FD
_LENGTH: Final = struct.Struct("<I")
CONSTANT_BASE: Final = 0x53590000
# A call of a helper from here on is one of the kernel's own function (kfunc) with the rest as its id among the types.
KERNEL_FUNCTION: Final = 0x5A000000
# the program of `single_calls.py`
LAST_CHANCE: Final = "on_last_chance"
_IDS: Final = 0xFFFFFF
_TO_FUNCTION: Final = 2  # BPF_PSEUDO_KFUNC_CALL


class Constant(enum.IntEnum):
    """What a run knows and a compiled program does not; the probe names them CONSTANT_*."""

    TRACER_PID = 1
    CLOCK_OFFSET = 2
    SNAPLEN = 3
    WAKE_BYTES = 4
    RING_COUNT = 5
    JUDGE_DROPS = 6  # whether there are calls that are dropped by their number alone
    JUDGE_FILTERS = 7  # whether there are filters at all
    JUDGE_NEEDS = 8  # which facts to gather (`judge_code.NEEDS`)
    JUDGE_RULES = 9  # whether there are snaplen rules
    OVERHEAD = 10  # whether the cost is capped
    LATENCY = 11  # whether entries of calls are looked at


@dataclass(frozen=True, slots=True)
class MapSpec:
    """A map to make."""

    name: str
    kind: int
    key_size: int
    value_size: int
    entries: int
    flags: int


@dataclass(frozen=True, slots=True)
class Image:
    """Everything needed to load the probe without a compiler.

    Attributes:
        maps: the maps, in the order programs refer to them.
        programs: instructions by function name.
        tracepoints: the raw tracepoints to attach, in order.
        needs_entries: whether the exit of a call cannot be told without its entry.
        last_chances: calls of which nothing is left at their exit, where other calls can do without.
    """

    maps: tuple[MapSpec, ...]
    programs: dict[str, bytes]
    tracepoints: tuple[str, ...]
    needs_entries: bool = False
    last_chances: tuple[str, ...] = ()

    def pack(self) -> bytes:
        """Return the image as bytes."""
        head = {
            "maps": [asdict(spec) for spec in self.maps],
            "programs": [[name, len(code)] for name, code in self.programs.items()],
            "tracepoints": self.tracepoints,
            "needs_entries": self.needs_entries,
            "last_chances": self.last_chances,
        }
        text = json.dumps(head).encode()
        return _LENGTH.pack(len(text)) + text + b"".join(self.programs.values())

    @staticmethod
    def unpack(raw: bytes) -> Image:
        """Return the image `pack` made."""
        at = _LENGTH.size + _LENGTH.unpack_from(raw)[0]
        head = json.loads(raw[_LENGTH.size : at])
        programs = {}
        for name, length in head["programs"]:
            programs[name] = raw[at : at + length]
            at += length
        maps = tuple(MapSpec(**spec) for spec in head["maps"])
        tracepoints, last_chances = tuple(head["tracepoints"]), tuple(head["last_chances"])
        return Image(maps, programs, tracepoints, head["needs_entries"], last_chances)


def tracepoint_function(tracepoint: str) -> str:
    """Return the name of the program of a raw tracepoint."""
    return f"on_{tracepoint}"


def call_kernel(code: bytes) -> bytes:
    """Return instructions whose calls from KERNEL_FUNCTION on are calls of the kernel's own functions."""
    made = bytearray(code)
    for at in range(0, len(made), SIZE):
        opcode, registers, offset, value = INSTRUCTION.unpack_from(made, at)
        if opcode == CALL and not registers and value & ~_IDS == KERNEL_FUNCTION:
            INSTRUCTION.pack_into(made, at, opcode, _TO_FUNCTION << 4, offset, value & _IDS)
    return bytes(made)


def unlink(code: bytes, places: Mapping[int, int]) -> bytes:
    """Return instructions that name maps by descriptor with the maps' `places` instead."""
    return _rewrite(code, lambda load: places[load.low] if load.source == _TO_MAP else None)


def link(
    code: bytes, map_fds: Sequence[int], constants: Mapping[Constant, int], hooks: Mapping[int, bytes] | None = None
) -> bytes:
    """Return instructions ready to load; `hooks` are what takes the place of calls that no kernel has."""

    def value(load: _Load) -> int | None:
        if load.source == _TO_MAP:
            return map_fds[load.low]
        if not load.source and not load.high and load.low - CONSTANT_BASE in constants:
            return constants[Constant(load.low - CONSTANT_BASE)]
        return None

    for hook, instructions in (hooks or {}).items():
        code = splice(code, hook, instructions)
    return _rewrite(code, value)


@dataclass(frozen=True, slots=True)
class _Load:
    source: int
    low: int
    high: int


def _rewrite(code: bytes, value: Callable[[_Load], int | None]) -> bytes:
    """Replace the operand of every 64-bit load that `value` has an answer for."""
    made = bytearray(code)
    at = 0
    while at < len(made):
        if made[at] != WIDE_LOAD:
            at += SIZE
            continue
        (_, registers, _, low), (*_, high) = (INSTRUCTION.unpack_from(made, at + i * SIZE) for i in range(2))
        new = value(_Load(registers >> 4, low, high))
        if new is not None:
            struct.pack_into("<I", made, at + 4, new & 0xFFFFFFFF)
            struct.pack_into("<I", made, at + SIZE + 4, new >> 32 & 0xFFFFFFFF)
        at += 2 * SIZE
    return bytes(made)
