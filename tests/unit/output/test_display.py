"""Display settings reach the engine's formatter and buffer rendering."""

import pytest

from sysdig_py.engine.vm import Engine
from sysdig_py.output.display import Display
from tests.synthetic import START
from tests.traces import MACHINE, story


def _lines(display: Display, line_format: str) -> list[str]:
    engine = Engine(MACHINE)
    display.apply(engine)
    engine.print_lines(line_format)
    engine.feed_bytes(story().data)
    return engine.take_output().decode().splitlines()


def test_time_style() -> None:
    seconds = START // 10**9
    assert _lines(Display(time_style="a"), "%evt.outputtime")[0].startswith(f"{seconds}.")
    assert _lines(Display(time_style="r"), "%evt.outputtime")[0] == "0.000000000"


@pytest.mark.parametrize(("name", "text"), [("normal", "hello"), ("base64", "aGVsbG8=")])
def test_buffer_format(name: str, text: str) -> None:
    assert _lines(Display(buffer_format=name), "%evt.arg.data")[0] == text


def test_json() -> None:
    assert _lines(Display(json=True), "%evt.num %proc.name")[0] == '{"evt.num":1,"proc.name":"cat"}'
