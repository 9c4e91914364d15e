"""Runs the instructions that judge_code writes: enough of eBPF for that, over `struct facts` as bytes."""

from sysdig_py.capture.assembler import INSTRUCTION, WIDE_LOAD

MASK = 2**64 - 1


def signed(value):
    return value - 2**64 if value >= 2**63 else value


CONDITIONS = {
    0x10: lambda a, b: a == b,
    0x40: lambda a, b: a & b != 0,
    0x50: lambda a, b: a != b,
    0x60: lambda a, b: signed(a) > signed(b),
    0x70: lambda a, b: signed(a) >= signed(b),
    0xC0: lambda a, b: signed(a) < signed(b),
    0xD0: lambda a, b: signed(a) <= signed(b),
}


def run(code: bytes, facts: bytes) -> int:
    """Return r0 after the last instruction; r1 points at `facts`."""
    lines = [INSTRUCTION.unpack_from(code, at) for at in range(0, len(code), INSTRUCTION.size)]
    registers, at = {1: 0}, 0
    while at < len(lines):
        opcode, numbers, offset, value = lines[at]
        target, source = numbers & 15, numbers >> 4
        at += 1
        if opcode == WIDE_LOAD:
            registers[target] = value & 0xFFFFFFFF | (lines[at][3] & 0xFFFFFFFF) << 32
            at += 1
        elif opcode in (0x61, 0x79):
            assert source == 1
            registers[target] = int.from_bytes(facts[offset : offset + (4 if opcode == 0x61 else 8)], "little")
        elif opcode == 0xB7:
            registers[target] = value & MASK
        elif opcode in (0x5C, 0x5F):
            registers[target] &= registers[source] & (0xFFFFFFFF if opcode == 0x5C else MASK)
        elif opcode == 0x05:
            assert offset >= 0
            at += offset
        else:
            assert opcode & 7 == 5 and offset >= 0, hex(opcode)
            other = registers[source] if opcode & 8 else value & MASK
            at += offset if CONDITIONS[opcode & 0xF0](registers[target], other) else 0
    assert at == len(lines), "jumped behind the end"
    return registers[0]
