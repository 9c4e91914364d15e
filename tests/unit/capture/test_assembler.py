import struct

import pytest

from sysdig_py.capture.assembler import CALL, EXIT, INSTRUCTION, JUMP, Code, Label, is_jump, splice
from tests.unit.capture.bpf_machine import run

HOOK = 0x5359F0FF


def line(opcode, registers=0, offset=0, value=0):
    return INSTRUCTION.pack(opcode, registers, offset, value)


def offsets(code):
    return [INSTRUCTION.unpack_from(code, at)[2] for at in range(0, len(code), 8)]


@pytest.mark.parametrize("value", [0, 1, -1, 2**31 - 1, 2**31, -(2**31), 2**32, 2**63, -(2**63), 2**64 - 1])
def test_constants_of_every_size(value):
    code = Code()
    code.constant(0, value)
    assert run(code.pack(), b"") == value % 2**64


@pytest.mark.parametrize("bound", [0, -5, 7, 2**31, 2**40, -(2**40)])
@pytest.mark.parametrize("value", [0, -5, 6, 7, 8, 2**31, 2**40 + 1, -(2**40) - 1])
def test_conditions_are_signed(value, bound):
    for condition, holds in {"=": value == bound, "<": value < bound, ">=": value >= bound}.items():
        code, yes = Code(), Label()
        code.load(2, 1, 0)
        code.constant(0, 1)
        code.jump_if(2, condition, bound, yes)
        code.constant(0, 0)
        code.place(yes)
        assert run(code.pack(), struct.pack("<q", value)) == holds, condition


def test_calls_and_exits_are_no_jumps():
    assert is_jump(JUMP) and is_jump(0x16)
    assert not is_jump(CALL) and not is_jump(EXIT) and not is_jump(0x79)


def test_jumps_across_the_hook_grow_and_others_stay():
    before = line(JUMP, offset=2) + line(0x15, offset=0) + line(CALL, value=HOOK) + line(0x15, offset=0) + line(EXIT)
    made = splice(before, HOOK, line(0xB7) * 4)
    assert len(made) // 8 == 8
    assert offsets(made) == [5, 0, 0, 0, 0, 0, 0, 0], "the jump to behind the hook is three longer"


def test_jumps_to_the_hook_and_back_across_it():
    before = line(JUMP, offset=1) + line(0xB7) + line(CALL, value=HOOK) + line(0x15, offset=-2) + line(0x15, offset=-3)
    made = splice(before, HOOK, line(0xB7) * 3)
    assert offsets(made) == [1, 0, 0, 0, 0, -4, -5]


def test_every_call_of_the_hook_is_replaced_and_other_calls_are_not():
    call, other = line(CALL, value=HOOK), line(CALL, value=5)
    assert splice(call + other + call, HOOK, line(EXIT)) == line(EXIT) + other + line(EXIT)


def test_the_second_half_of_a_wide_load_is_no_jump():
    wide = line(0x18, 1, 0, 5) + line(0, 0, 0, 0x05)
    before = wide + line(CALL, value=HOOK) + line(EXIT)
    assert splice(before, HOOK, line(0xB7) * 2).startswith(wide)


def test_what_nothing_leads_to_is_left_out():
    code, never, end = Code(), Label(), Label()
    code.constant(0, 1)
    code.jump(end)
    code.constant(0, 2)
    code.jump_if(0, "=", 2, never)
    code.place(never)
    code.mask(0, 1)
    code.place(end)
    assert len(code.lines) == 2
    assert run(code.pack(), b"") == 1
