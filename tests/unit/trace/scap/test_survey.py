import pytest

from sysdig_py.schema.events import events, load_data
from sysdig_py.trace.scap.survey import OLD_PARAMETERS, Survey
from tests import scap


def surveyed(data: bytes) -> Survey:
    survey = Survey()
    survey.look(bytearray(data))
    survey.finish(bytearray(data))
    return survey


def test_enter_events_make_a_paired_stream():
    data = scap.Trace().event(6, scap.i64(3), scap.u32(1)).event(7, scap.i64(1), b"a").data
    assert surveyed(data).dialect == "0293"


def test_many_exits_without_an_enter_are_another_kind():
    trace = scap.Trace()
    for _ in range(4100):
        trace.event(7, scap.i64(1), b"a").event(152, scap.i64(1))
    assert surveyed(trace.data).dialect == ""
    assert surveyed(trace.data + scap.Trace().data).refusal == ""


def test_an_exit_with_later_parameters_is_of_the_other_kind():
    later = scap.Trace().event(2, scap.string("/x")).event(7, scap.i64(1), b"a", scap.i64(3), scap.u32(4))
    assert surveyed(later.data).dialect == ""
    assert surveyed(later.event(6, scap.i64(3), scap.u32(1)).data).dialect == "0293"


def test_the_old_numbers_of_parameters_are_those_of_the_old_table():
    old = {row["code"]: len(row["params"]) for row in load_data("events_0293")["events"] if row["code"] % 2}
    assert {code: count for code, count in old.items() if count < len(events()[code].params)} == OLD_PARAMETERS


def test_enters_that_both_kinds_have_decide_nothing():
    trace = scap.Trace()
    for _ in range(4100):
        trace.event(2, scap.string("/x")).event(3, scap.i64(3), scap.string("/x"), scap.u32(1), scap.u32(0))
    assert surveyed(trace.data).dialect == "0293"


def test_old_blocks_are_always_paired():
    assert surveyed(scap.Trace().old_event(7, scap.i64(1), b"a").data).dialect == "0293"


def test_a_block_that_is_not_there_yet_is_waited_for():
    data, survey = scap.Trace().event(6, scap.i64(3), scap.u32(1)).data, Survey()
    assert not survey.look(bytearray(data[:50]))
    assert survey.look(bytearray(data))
    assert survey.machine is not None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (scap.section(major=2) + scap.machine(), "version 2"),
        (scap.machine(), "does not start with a section header"),
        (scap.section()[:20], "cut at byte 20"),
    ],
)
def test_what_cannot_be_read_is_refused(data: bytes, reason: str):
    assert reason in surveyed(data).refusal
