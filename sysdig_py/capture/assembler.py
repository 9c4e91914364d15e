"""eBPF instructions with labels: just what a predicate needs.

Instructions as in the kernel's `struct bpf_insn`: opcode, registers, 16-bit offset, 32-bit immediate.
Jumps go to labels and forward only, so that every program ends.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

INSTRUCTION: Final = struct.Struct("<BBhi")
SIZE: Final = INSTRUCTION.size
WIDE_LOAD: Final = 0x18  # BPF_LD | BPF_IMM | BPF_DW, two instructions long
CALL: Final = 0x85
EXIT: Final = 0x95
JUMP: Final = 0x05  # always
_LOADS: Final = {4: 0x61, 8: 0x79}
_MOVE: Final = 0xB7
_AND: Final = {4: 0x5C, 8: 0x5F}
# condition -> BPF_JMP opcode that compares with an immediate, order signed
_CONDITIONS: Final = {
    "=": 0x15, "&": 0x45, "!=": 0x55, ">": 0x65, ">=": 0x75, "<": 0xC5, "<=": 0xD5,
}  # fmt: skip
_BY_REGISTER: Final = 0x08
_CLASS_JUMP: Final = (0x05, 0x06)
_INT32: Final = range(-(2**31), 2**31)
SPARE: Final = 5  # register for constants that fit no immediate


def is_jump(opcode: int) -> bool:
    """Whether an instruction's offset is a distance in instructions."""
    return opcode & 7 in _CLASS_JUMP and opcode not in (CALL, EXIT)


@dataclass(slots=True)
class Label:
    """A place in the code; jumps to it are filled in when it is placed."""

    jumps: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Code:
    """Instructions in the making; the kernel refuses such as nothing leads to, so these are left out."""

    lines: list[tuple[int, int, int, int]] = field(default_factory=list)
    is_reached: bool = True

    def _add(self, *lines: tuple[int, int, int, int]) -> None:
        if self.is_reached:
            self.lines += lines

    def load(self, target: int, source: int, offset: int, size: int = 8) -> None:
        """Load memory, without sign extension."""
        self._add((_LOADS[size], target | source << 4, offset, 0))

    def constant(self, target: int, value: int) -> None:
        """Load a number of up to 64 bits."""
        value &= 2**64 - 1
        signed = value - 2**64 if value >= 2**63 else value
        if signed in _INT32:
            self._add((_MOVE, target, 0, signed))
            return
        low, high = (part - 2**32 if part >= 2**31 else part for part in (value & 0xFFFFFFFF, value >> 32))
        self._add((WIDE_LOAD, target, 0, low), (0, 0, 0, high))

    def mask(self, target: int, mask: int, size: int = 8) -> None:
        """Keep the bits of a mask."""
        self.constant(SPARE, mask)
        self._add((_AND[size], target | SPARE << 4, 0, 0))

    def jump(self, label: Label) -> None:
        """Go on at a label."""
        self._jump(JUMP, 0, 0, label)
        self.is_reached = False

    def jump_if(self, register: int, condition: str, value: int, label: Label) -> None:
        """Go on at a label when a register compares to a number."""
        opcode = _CONDITIONS[condition]
        if value in _INT32:
            self._jump(opcode, register, value, label)
            return
        self.constant(SPARE, value)
        self._jump(opcode | _BY_REGISTER, register | SPARE << 4, 0, label)

    def _jump(self, opcode: int, registers: int, value: int, label: Label) -> None:
        if self.is_reached:
            label.jumps.append(len(self.lines))
            self._add((opcode, registers, 0, value))

    def place(self, label: Label) -> None:
        """Let a label be here."""
        self.is_reached = self.is_reached or bool(label.jumps)
        for at in label.jumps:
            opcode, registers, _, value = self.lines[at]
            self.lines[at] = (opcode, registers, len(self.lines) - at - 1, value)
        label.jumps.clear()

    def pack(self) -> bytes:
        """Return the instructions as bytes."""
        return b"".join(INSTRUCTION.pack(*line) for line in self.lines)


def splice(code: bytes, hook: int, replacement: bytes) -> bytes:
    """Put instructions in the place of every call of the helper number `hook`, which no kernel has.

    What takes the place has its argument in r1, leaves its result in r0, and may use r2 to r5.
    """
    at = _find(code, hook)
    while at is not None:
        code = _replace(code, at, replacement)
        at = _find(code, hook)
    return code


def _find(code: bytes, hook: int) -> int | None:
    for at in range(0, len(code), SIZE):
        opcode, registers, _, value = INSTRUCTION.unpack_from(code, at)
        if opcode == CALL and not registers and value == hook:
            return at // SIZE
    return None


def _replace(code: bytes, place: int, replacement: bytes) -> bytes:
    """Widen one instruction to many: jumps across it get longer."""
    grown = len(replacement) // SIZE - 1
    made = bytearray()
    is_second_half = False
    for i in range(len(code) // SIZE):
        opcode, registers, offset, value = INSTRUCTION.unpack_from(code, i * SIZE)
        if i == place:
            made += replacement
            continue
        if is_jump(opcode) and not is_second_half:
            target = i + 1 + offset
            offset += grown * ((i < place < target) - (target <= place < i))
        is_second_half = opcode == WIDE_LOAD and not is_second_half
        made += INSTRUCTION.pack(opcode, registers, offset, value)
    return bytes(made)
