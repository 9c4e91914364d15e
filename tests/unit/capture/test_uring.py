import pytest

from sysdig_py.capture import uring
from sysdig_py.capture.plans import plans
from sysdig_py.capture.uring import ROWS, Chosen, Slot, Source
from sysdig_py.schema.events import events, syscalls


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_every_row_names_a_call_of_the_architecture_and_at_most_six_arguments(arch):
    made = uring.ring_plans(arch)
    assert set(made) == set(ROWS)
    numbers = {s.nr for s in syscalls(arch)}
    for plan in made.values():
        assert {plan.nr, plan.stream_nr} <= numbers
        assert len(plan.sources) <= uring.ARGUMENTS
        assert plan.operation < uring.PLAN_COUNT


def test_paths_go_where_the_calls_event_has_paths():
    names = {s.name: s for s in syscalls("x86_64")}
    table = events()
    for row in ROWS.values():
        call, *words = row.split()
        event = table[names[call.split("|")[0]].exit_code]
        paths = [p for p in event.params if p.type in ("fspath", "fsrelpath", "charbuf") and event.id != "GENERIC_X"]
        assert sum(word in ("text", "text2") for word in words) == len(paths), row


def test_packed_rows():
    made = uring.packed("x86_64")
    assert len(set(map(len, made.values()))) == 1
    read, openat, close, accept = made[22], made[18], made[19], made[13]
    assert read[:8] == bytes((17, 0, 0, 0, 1, Slot.NONE, 0, Chosen.READ)), "pread64, or read on a stream"
    assert openat[4:8] == bytes((1, Slot.FILLED, 0, 0))
    assert openat[8:] == bytes((Source.NUMBER, Source.TEXT, Source.FLAGS, Source.LENGTH, 0, 0, 0, 0))
    assert close[5] == Slot.CLOSED
    assert accept[6] == 1
    assert made[49][6] == uring.REPEATS_ALWAYS


def test_the_calls_have_plans_of_their_own():
    made = plans("aarch64")
    assert all(plan.nr in made for plan in uring.ring_plans("aarch64").values())


def test_kept_sources_come_after_plain_addresses_and_those_after_numbers():
    order = [Source.NAME_LENGTH, Source.POINTER, Source.TEXT, Source.MESSAGE, Source.VECTOR, Source.TEXT2, Source.HOW2]
    assert order == sorted(order)
