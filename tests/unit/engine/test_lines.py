"""Event lines: internal events, and the filter that decides only what is printed."""

from sysdig_py import filter as event_filter
from sysdig_py.engine.vm import Engine
from tests.synthetic import Stream


def lines(*, shown: str = "", shows_internal: bool = False, form: str = "%evt.num %evt.type") -> list[str]:
    engine, stream = Engine(), Stream(step=5)
    source = event_filter.compile(shown).lua_source if shown else ""
    engine.print_lines(form, source, shows_internal=shows_internal)
    stream.event("SYSCALL_READ_X", 1).event("PROCINFO_E", 1).event("SYSCALL_CLOSE_X", 1)
    engine.feed_bytes(stream.take())
    return engine.take_output().decode().splitlines()


def test_internal_events_are_hidden_unless_asked_for() -> None:
    assert lines() == ["1 read", "3 close"]
    assert lines(shows_internal=True) == ["1 read", "2 procinfo", "3 close"]


def test_what_the_display_filter_hides_was_formatted_all_the_same() -> None:
    assert lines(shown="evt.num=3", form="%evt.num %evt.deltatime", shows_internal=True) == ["3 5"]
