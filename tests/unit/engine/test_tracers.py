"""Spans that programs announce by writing to /dev/null."""

import pytest

from sysdig_py import filter as event_filter
from tests.lua_probe import Probe
from tests.synthetic import Stream


def parsed(text: str, tid: int = 7) -> list[object] | None:
    """What a text announces: direction, id, tags, arguments."""
    probe = Probe()
    found = probe.engine.execute(
        f"""local t = require("tracer.text").parse(..., {{ tid = {tid}, pid = 5, main = {{ ptid = 3 }} }})
        if not t then return nil end
        local pairs_text = require("tracer.spans").pairs_text
        return t.is_exit and "<" or ">", t.id, table.concat(t.tags, "|"), pairs_text(t.names, t.values, "=")""",
        text.encode(),
    )
    return found and [item.decode() if isinstance(item, bytes) else item for item in found]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (">:1:a.b:x=1,y=2:", [">", 1, "a|b", "x=1,y=2"]),
        ("<:1:a.b::\n", ["<", 1, "a|b", ""]),
        (">:t:a::", [">", 7, "a", ""]),
        (">:p:a::", [">", 5, "a", ""]),
        (">:pp:a::", [">", 3, "a", ""]),
        (">::a::", [">", 0, "a", ""]),
        (">:-12:::", [">", -12, "", ""]),
        (r">:1:a\.b\:c:n\=m=v\,w:", [">", 1, "a.b:c", "n=m=v,w"]),
        ('[">", 4, ["a", "b"], [{"k": "v"}]]', [">", 4, "a|b", "k=v"]),
        ('["<", "t", [], []]', ["<", 7, "", ""]),
    ],
)
def test_what_a_text_announces(text: str, meaning: list[object]) -> None:
    assert parsed(text) == meaning


@pytest.mark.parametrize(
    "text",
    ["", ">", ">:", ">:1", ">:1:a", ">:1:a:", ">:1:a:x", ">:1:a:x:", ">:1:a:x=1", ">:1:a:x=1,:", ">:x:a::", ">:01:a::",
     "hello", " >:1:a::", "\\", ">:1:a\\", "[", "[]", "[1]", '[">", 1, "a", []]', '[">", 1, ["a"], ["b"]]',
     '[">", 1, [2], []]', '[">", {}, [], []]', "[" * 300],
)  # fmt: skip
def test_what_announces_nothing(text: str) -> None:
    assert parsed(text) is None


def announced(*texts: str) -> Stream:
    stream = Stream().thread(10, comm="app", ptid=1).thread(11, pid=10, comm="aide", ptid=1)
    stream.event("SYSCALL_OPENAT_2_X", 10, fd=3, dirfd=-100, name="/dev/null", flags=2)
    for text in texts:
        if text:
            stream.event("SYSCALL_WRITE_X", 10, res=len(text), data=text.encode(), fd=3, size=len(text))
        else:
            stream.event("SYSCALL_CLOSE_X", 10, res=0, fd=9).event("SYSCALL_CLOSE_X", 11, pid=10, res=0, fd=9)
    return stream


NOTE = "ev.num .. (ev.is_exit and '<' or '>') .. ev.name"


def numbers(stream: Stream, text: str) -> list[str]:
    probe = Probe()
    probe.note("ev.num")
    probe.engine.set_filter(event_filter.compile(text).lua_source)
    probe.feed(stream)
    return probe.noted()


def test_a_write_that_announces_is_a_tracer() -> None:
    probe = Probe()
    probe.note(NOTE + " .. ' ' .. require('fields.init').lookup('evt.args').text()")
    probe.feed(announced(">:1:a:x=y:", "nothing", "<:1:a::"))
    assert probe.noted()[1:] == [
        "2>tracer id=1 tags=a args=x:y ",
        "3<write res=7 data=nothing fd=3(<f>/dev/null) size=7 ",
        "4<tracer id=1 tags=a args= ",
    ]


STORY = (">:1:a.b:x=1:", "", ">:2:c::", "", "<:1:a.b::", "", "<:2:c::", "")


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("evt.type=tracer", [2, 5, 8, 11]),
        ("span.duration>0", [8, 11]),
        ("evtin.span.id=1", [3, 5, 6, 8]),
        ("evtin.span.p.id=1", [3, 4, 5, 6, 7, 8]),
        ("evtin.span.m.tags=c", [6, 7, 8, 9, 10, 11]),
        ("evtin.span.s.id exists", []),
        ("evtin.span.arg.x=1", [3, 5, 6, 8]),
        ("evtin.span.ntags>1", [3, 5, 6, 8]),
        ("evt.type=close and not evtin.span.m.id exists", [12, 13]),
    ],
)
def test_spans_in_filters(text: str, accepted: list[int]) -> None:
    assert numbers(announced(*STORY), text) == [str(number) for number in accepted]


def test_a_span_that_never_ends_does_not_stay_for_ever() -> None:
    probe = Probe()
    probe.feed(announced(*(f">:{n}:a::" for n in range(1, 5001)), "<:1:a::", "<:5000:a::"))
    probe.lua("spans, other = 0, require('tracer.spans')")
    assert (
        probe.value("(function() local n = 0; other.any(function() n = n + 1; return false end); return n end)()")
        == 4095
    )


def test_the_next_file_knows_nothing_of_spans() -> None:
    probe = Probe()
    probe.feed(announced(">:1:a::"))
    probe.engine.begin({}, False, "next")
    assert numbers(announced("", ""), "evtin.span.m.id exists") == []
    assert not probe.value("require('tracer.spans').any(function() return true end)")
