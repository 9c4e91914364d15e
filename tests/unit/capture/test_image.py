import struct

from sysdig_py.capture.image import (
    CONSTANT_BASE,
    KERNEL_FUNCTION,
    Constant,
    Image,
    MapSpec,
    call_kernel,
    link,
    tracepoint_function,
    unlink,
)


def instruction(code, registers=0, imm=0):
    return struct.pack("<BBhi", code, registers, 0, imm)


def wide(source, low, high=0):
    return instruction(0x18, source << 4 | 1, low) + instruction(0, 0, high)


EXIT = instruction(0x95)


def test_what_is_packed_is_unpacked():
    spec = MapSpec("ring", 27, 0, 0, 4096, 0)
    image = Image((spec,), {"on_a": EXIT, "on_b": wide(1, 0) + EXIT}, ("a", "b"))
    assert Image.unpack(image.pack()) == image


def test_maps_are_named_by_place_and_linked_by_descriptor():
    code = wide(1, 12) + instruction(0xB7, 1, 12) + wide(1, 9) + EXIT
    placed = unlink(code, {12: 1, 9: 0})
    assert placed == wide(1, 1) + instruction(0xB7, 1, 12) + wide(1, 0) + EXIT
    assert link(placed, [50, 60], {}) == wide(1, 60) + instruction(0xB7, 1, 12) + wide(1, 50) + EXIT


def test_constants_of_the_run_fill_all_64_bits():
    value = 0x1234_5678_9ABC_DEF0
    code = wide(0, CONSTANT_BASE + Constant.CLOCK_OFFSET) + EXIT
    linked = link(code, [], {Constant.CLOCK_OFFSET: value})
    low, high = struct.unpack_from("<I", linked, 4)[0], struct.unpack_from("<I", linked, 12)[0]
    assert high << 32 | low == value
    assert struct.unpack_from("<I", link(code, [], {Constant.CLOCK_OFFSET: -1}), 12)[0] == 0xFFFFFFFF


def test_other_wide_loads_stay_as_they_are():
    code = wide(0, CONSTANT_BASE + 1, 1) + wide(0, -1, -1) + wide(0, CONSTANT_BASE + 99) + EXIT
    assert link(code, [], dict.fromkeys(Constant, 7)) == code


def test_the_second_half_of_a_wide_load_is_no_instruction():
    code = wide(0, 5, 0x18) + EXIT
    assert link(code, [1], dict.fromkeys(Constant, 7)) == code


def test_a_program_has_its_tracepoints_name():
    assert tracepoint_function("sys_exit") == "on_sys_exit"


def test_calls_of_the_kernels_own_functions_are_marked_and_no_others():
    helper, hook, marked = instruction(0x85, 0, 14), instruction(0x85, 0, 0x5359F001), instruction(0x85, 0x20, 70)
    code = helper + instruction(0x85, 0, KERNEL_FUNCTION + 70) + hook + instruction(0xB7, 1, KERNEL_FUNCTION) + EXIT
    assert call_kernel(code) == helper + marked + hook + instruction(0xB7, 1, KERNEL_FUNCTION) + EXIT
