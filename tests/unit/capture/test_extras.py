import pytest

from sysdig_py.capture import extras, kernel
from sysdig_py.capture.features import REQUIRED_TRACEPOINTS
from sysdig_py.capture.kernel_types import Types
from sysdig_py.errors import UsageError
from sysdig_py.schema.events import events
from sysdig_py.schema.fields import fields


def test_nothing_is_captured_that_nothing_asks_for():
    assert extras.wanted(["", "evt.type=read", "evt.type!=switch"], ["proc.name", "thread.tid"]) == frozenset()


def test_a_filter_or_a_field_asks_for_what_it_needs():
    assert extras.wanted(["evt.type=switch or evt.type=page_fault"], []) == {"switch", "page_fault"}
    assert extras.wanted([], ["thread.exectime"]) == {"switch"}
    assert extras.wanted(["evt.type=procinfo"], ["thread.cpu"]) == {"procinfo"}


def test_every_extra_is_an_event_and_needs_fields_that_exist():
    names = {event.name for event in events()}
    assert set(extras.EXTRAS) <= names
    assert all(extra.fields <= set(fields()) for extra in extras.EXTRAS.values())


def test_the_list_of_the_option():
    assert extras.parse("switch, procinfo") == {"switch", "procinfo"}
    for text in ("", "read", "switch,reads"):
        with pytest.raises(UsageError, match="switch, page_fault, procinfo"):
            extras.parse(text)


def test_their_tracepoints_are_taken_where_the_kernel_has_them():
    text = "".join(f"typedef void (*btf_trace_{n})(void *);\n" for n in (*REQUIRED_TRACEPOINTS, "sched_switch"))
    assert kernel.tracepoints(Types(text))[-1] == "sched_switch"
