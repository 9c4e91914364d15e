from sysdig_py.capture.handlers import INLINE, SPECIAL, STEPPED, Handler, Rare
from sysdig_py.schema.events import events


def test_special_events_exist_and_their_detail_is_a_byte():
    assert set(SPECIAL) <= {event.id for event in events()}
    assert all(0 <= detail <= 255 for _, detail in SPECIAL.values())


def test_rare_calls_are_told_apart():
    found = [detail for handler, detail in SPECIAL.values() if handler is Handler.RARE]
    assert sorted(found) == sorted(Rare)


def test_what_the_exit_program_does_itself_is_no_program_of_its_own():
    assert not INLINE & STEPPED
    assert Handler.OPEN_BY_HANDLE.function == "handle_open_by_handle"
