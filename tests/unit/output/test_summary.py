"""The table of -S: the most frequent events first, at most a hundred."""

from sysdig_py.engine.vm import Engine
from sysdig_py.output.summary import Summary
from tests.synthetic import Stream

HEAD = "----------------------\nEvent           #Calls\n----------------------\n"


def summary_of(*calls: str) -> list[str]:
    engine, stream = Engine(), Stream()
    summary = Summary(engine)
    summary.start()
    for call in calls:
        stream.event(call, 1)
    engine.feed_bytes(stream.take())
    text = summary.text().decode()
    assert text.startswith(HEAD)
    return text[len(HEAD) :].splitlines()


def test_events_are_counted_by_name_and_direction() -> None:
    calls = ["SYSCALL_READ_X"] * 12 + ["SYSCALL_READ_E"] * 3 + ["SYSCALL_CLOSE_X"] * 3
    assert summary_of(*calls) == ["< read            12", "< close           3", "> read            3"]


def test_without_events_there_is_only_the_head() -> None:
    assert summary_of() == []


def test_nothing_is_counted_before_the_start() -> None:
    engine, stream = Engine(), Stream()
    summary = Summary(engine)
    engine.feed_bytes(stream.event("SYSCALL_READ_X", 1).take())
    assert summary.text().decode() == HEAD


def test_a_long_name_is_cut_to_its_column() -> None:
    assert summary_of("SYSCALL_IO_URING_REGISTER_X") == ["< io_uring_registe1"]
