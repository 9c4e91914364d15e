import json
import re
from datetime import datetime, timezone

import pytest

from sysdig_py.errors import UsageError
from tests.lua_probe import Probe
from tests.synthetic import START, Stream


def lines(fmt: str, stream: Stream, *, style: str = "h", as_json: bool = False) -> list[str]:
    probe = Probe()
    probe.lua(f"assert(require('format').set_time_style('{style}'))")
    compiler = "compile_json" if as_json else "compile"
    probe.lua(f"""
        local line = require("format").{compiler}([==[{fmt}]==])
        require("walk").add_sink{{ on_event = function()
            local text = line()
            if text then require("out").write(text .. "\\n") end
        end }}""")
    probe.feed(stream)
    return probe.noted()


def reads(count: int = 1, **values: object) -> Stream:
    stream = Stream(step=1_000_001).thread(5, comm="cat")
    for _ in range(count):
        stream.call("SYSCALL_READ_X", {"res": 2, "data": b"hi", "fd": 3, "size": 2} | values, tid=5, latency_ns=2339)
    return stream


def test_fields_widths_and_literals():
    assert lines("%evt.num [%5proc.name|%2proc.name] %thread.tid!", reads()) == ["1 [cat  |ca] 5!"]
    assert lines("%proc.namefoo", reads()) == ["catfoo"]
    assert lines("%evt.arg[0]x%evt.rawarg.sizex %evt.arg.res", reads()) == ["2x2x 2"]


def test_lines_with_missing_values_need_the_star():
    assert lines("%evt.num %user.name", reads()) == []
    assert lines("*%evt.num %user.name", reads()) == ["1 <NA>"]
    assert lines("*%4user.name|", reads()) == ["<NA>|"]


def test_fields_with_memory_advance_although_the_line_is_dropped():
    assert lines("%evt.deltatime %evt.num", reads(2)) == ["0 1", "1000001 2"]
    stream = reads(1)
    stream.call("SYSCALL_READ_X", {"res": -5, "fd": 3, "size": 2}, tid=5)
    stream.call("SYSCALL_READ_X", {"res": -5, "fd": 3, "size": 2}, tid=5)
    assert lines("%evt.deltatime %evt.count.error", stream) == ["1000001 1", "1000001 1"]


@pytest.mark.parametrize(
    ("fmt", "words"),
    [
        ("%evt.num %nosuch.field", "invalid formatting token nosuch.field"),
        ("%-6fd.num", "invalid formatting token -6fd.num"),
        ("%evt.num %", "formatting cannot end with a %"),
        ("%fd.ip", "fd.ip is filter only and cannot be used as a display field"),
        ("%evt.arg", "invalid formatting token evt.arg"),
    ],
)
def test_bad_formats(fmt, words):
    with pytest.raises(UsageError, match=words):
        Probe().engine.print_lines(fmt)


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("h", ["01.000001", "02.000002"]),
        ("a", [f"{START // 10**9}.1000001", f"{START // 10**9}.2000002"]),
        ("r", ["0.000000000", "0.001000001"]),
        ("d", ["0.000002339", "0.000002339"]),
        ("D", ["0.000000000", "0.001000001"]),
    ],
)
def test_time_styles(style, expected):
    shown = lines("%evt.outputtime", reads(2), style=style)
    if style == "h":
        at = datetime.fromtimestamp(START // 10**9).astimezone()
        expected = [f"{at:%H:%M:%S}.001000001", f"{at:%H:%M:%S}.002000002"]
    assert shown == expected


def test_times_of_day_and_dates():
    at = datetime.fromtimestamp(START // 10**9).astimezone()
    utc = at.astimezone(timezone.utc)
    assert lines("%evt.time %evt.time.s %evt.datetime.s|%evt.datetime|%evt.time.iso8601 %evt.rawtime", reads()) == [
        f"{at:%H:%M:%S}.001000001 {at:%H:%M:%S} {at:%Y-%m-%d %H:%M:%S}|{at:%Y-%m-%d %H:%M:%S}.001000001"
        f"|{utc:%Y-%m-%dT%H:%M:%S}.001000001+0000 {START + 1_000_001}"
    ]


def test_all_fields_of_a_long_format_are_written():
    probe = Probe()
    probe.engine.print_lines(" ".join(f"%evt.rawarg.res%evt.num-{n}" for n in range(70)))
    probe.feed(reads())
    assert probe.noted() == [" ".join(f"21-{n}" for n in range(70))]


def test_json_members_are_sorted_and_typed():
    (line,) = lines("*%proc.name %evt.time %evt.failed %user.name %evt.arg[0] %evt.rawtime.ns %proc.name", reads(),
                    as_json=True)  # fmt: skip
    assert line == (
        '{"evt.arg[0]":"2","evt.failed":false,"evt.rawtime.ns":1000001,"evt.time":'
        f'{START + 1_000_001},"proc.name":"cat","user.name":null}}'
    )
    assert lines("%user.name", reads(), as_json=True) == []


BYTES = (b'a"b\\\n\x01\x7f', b"\xff\xc3\xa9\xe2\x82", b"\xed\xa0\x80\xf4\x90\x80\x80\xf0\x9f\x98\x80")


@pytest.mark.parametrize("data", BYTES)
def test_json_is_valid_whatever_the_bytes(data):
    (line,) = lines("%evt.rawarg.data", reads(data=data), as_json=True)
    shown, expected = json.loads(line)["evt.rawarg.data"], data.decode(errors="replace")
    assert re.sub("\ufffd+", "\ufffd", shown) == re.sub("\ufffd+", "\ufffd", expected)


@pytest.mark.parametrize(
    ("fmt", "line"),
    [
        ("%toupper(proc.name)!", "CAT!"),
        ("[%5toupper(proc.name)|%2tolower(evt.type)]", "[CAT  |re]"),
        ("%len(proc.name) %len(evt.rawarg.data)", "3 2"),
        ("%basename(proc.exe)%evt.num", "aGk1"),
        ("%toupper(basename(proc.exe))", "AGK"),
        ('%concat(proc.name, ":", toupper( evt.type ))(x)', "cat:READ(x)"),
        ("%b64(basename(proc.exe))x", "hix"),
        ("*%toupper(user.name) %len(user.name)", "<NA> 0"),
    ],
)
def test_transformers_in_formats(fmt, line):
    stream = Stream().thread(5, comm="cat", exe="/bin/aGk")
    stream.call("SYSCALL_READ_X", {"res": 2, "data": b"hi", "fd": 3, "size": 2}, tid=5)
    assert lines(fmt, stream) == [line]


def test_transformers_in_json():
    assert [json.loads(line) for line in lines("%toupper(proc.name) %len(proc.name)", reads(), as_json=True)] == [
        {"toupper(proc.name)": "CAT", "len(proc.name)": 3}
    ]


@pytest.mark.parametrize(
    ("fmt", "complaint"),
    [
        ("%toupper(evt.num)", r"toupper\(\) takes text, and evt.num is of type uint64"),
        ("%toupper(proc.name", r"toupper\(\) is not closed"),
        ("%concat(proc.name)", r"concat\(\) takes 2 or more arguments"),
        ("%len(proc.name,proc.exe)", r"len\(\) takes 1 argument"),
        ("%tolower(proc.nosuch)", "takes fields and quoted texts"),
        ("%nosuch(proc.name)", "invalid formatting token"),
        ("%" + "len(" * 500, "nested too deeply"),
    ],
)
def test_wrong_transformers(fmt, complaint):
    with pytest.raises(UsageError, match=complaint):
        Probe().engine.print_lines(fmt, "")
