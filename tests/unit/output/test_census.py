from sysdig_py.engine.vm import Engine
from sysdig_py.output.census import Census, CensusTaker
from tests.synthetic import START
from tests.traces import story


def test_events_are_counted_by_name_program_and_container() -> None:
    engine = Engine()
    taker = CensusTaker(engine)
    engine.feed_bytes(story().data)
    counted = taker.take()
    assert counted == Census(
        {"read": 5, "write": 5}, {"cat": 10}, {"web": 10}, 1, 1, START + 1_000_000, START + 10_000_000
    )


def test_without_events_there_is_nothing_to_tell() -> None:
    assert CensusTaker(Engine()).take() == Census({}, {}, {}, 0, 0, 0, 0)
