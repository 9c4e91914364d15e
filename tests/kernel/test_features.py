"""The probe calls no helper of the kernel that came after 5.8, but for those of the list of features."""

import re

import pytest

from sysdig_py.capture import features, headers, image_cache
from sysdig_py.capture.assembler import INSTRUCTION, SIZE, WIDE_LOAD
from sysdig_py.capture.cgroups import detect
from sysdig_py.capture.kernel import cpu_count, machine
from sysdig_py.capture.options import LiveOptions
from sysdig_py.capture.probe import _sizes, image_key
from sysdig_py.capture.ring import ring_count

pytestmark = pytest.mark.kernel

LAST_OF_5_8 = 135  # BPF_FUNC_csum_level; numbers are never given anew
NO_HELPER = 1000  # the places of hooks
CALL = 0x85


def helpers(code):
    """Return the numbers of the helpers that a program calls."""
    found, at = set(), 0
    while at < len(code):
        opcode, registers, _, operand = INSTRUCTION.unpack_from(code, at)
        if opcode == CALL and registers >> 4 == 0 and 0 < operand < NO_HELPER:
            found.add(operand)
        at += 2 * SIZE if opcode == WIDE_LOAD else SIZE
    return found


def test_helpers_are_those_of_5_8_and_of_the_list(probe):
    cpus = cpu_count()
    image = image_cache.find(image_key(machine(), detect(), _sizes(LiveOptions(), cpus, ring_count(cpus))))
    called = set().union(*(helpers(code) for code in image.programs.values()))
    assert 130 in called  # ringbuf_output
    numbers = re.findall(r"^\tBPF_FUNC_(\w+) = (\d+),$", headers.dump_btf(), re.MULTILINE)
    names = {int(number): name for name, number in numbers}
    newer = {names[number] for number in called if number > LAST_OF_5_8}
    listed = " ".join(feature.what for feature in features.FEATURES)
    assert {name for name in newer if f"`bpf_{name}`" not in listed} == set()
