"""The formats that need no -p FORMAT."""

from sysdig_py.ui.cli import formats
from sysdig_py.ui.cli.options import Options


def test_a_terminal_gets_colours_and_the_process_number() -> None:
    text = formats.line_format(Options(), is_terminal=True)
    assert "\x1b[01;32m%proc.name\x1b[00m (\x1b[01;36m%proc.pid\x1b[00m.%thread.tid)" in text
    assert formats.line_format(Options(), is_terminal=False) == formats.PLAIN


def test_named_formats_are_the_same_everywhere() -> None:
    for data, field in (("container", "container.name"), ("kubernetes", "k8s.pod.name"), ("mesos", "mesos.task.name")):
        text = formats.line_format(Options(data=data), is_terminal=True)
        assert text == formats.line_format(Options(data=data), is_terminal=False)
        assert f" %{field} (%container.id) %proc.name (%thread.tid:%thread.vtid) " in text


def test_escapes_of_a_given_format() -> None:
    options = Options(format=r"%evt.num\t%evt.type\n\e[0m\\ \q", data="container")
    assert formats.line_format(options, is_terminal=True) == "%evt.num\t%evt.type\n\x1b[0m\\ \\q"


def test_colours_come_from_the_terminal_or_from_the_given_format() -> None:
    for is_terminal in (True, False):
        assert formats.uses_colours(Options(), is_terminal=is_terminal) == is_terminal
        assert formats.uses_colours(Options(format=r"\e[1m%evt.num"), is_terminal=is_terminal)
        assert not formats.uses_colours(Options(format="%evt.num"), is_terminal=is_terminal)
