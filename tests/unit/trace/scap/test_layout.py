import pytest

from sysdig_py.trace.scap import layout
from tests import scap


def test_block_types_mean_one_thing_each():
    kinds = [layout.MACHINE, layout.PROCESSES, layout.FDS, layout.INTERFACES, layout.USERS, layout.EVENTS]
    assert len(set().union(*kinds)) == sum(map(len, kinds))
    assert layout.is_state(0x215)
    assert not layout.is_state(0x216)


@pytest.mark.parametrize(
    ("start", "is_scap"),
    [
        (scap.section() + scap.machine(), True),
        (scap.section(options=b"\x01\x00\x04\x00note") + scap.machine(), True),
        (scap.section() + scap.block(1, b"pcapng interface"), False),
        (scap.machine(), False),
        (b"\x0a\x0d", False),
    ],
)
def test_a_file_is_known_by_its_first_two_blocks(start: bytes, is_scap: bool):
    assert layout.is_first(start) is is_scap
