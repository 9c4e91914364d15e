"""Life cycle: order of calls, chaining, intervals, and that a failure stops one chisel only."""

import re
from pathlib import Path

import pytest

from sysdig_py.chisel.registry import Registry
from sysdig_py.engine.vm import Status
from sysdig_py.errors import ChiselError, UsageError
from tests.synthetic import START, Stream
from tests.unit.chisel.running import file, play, play_script, read


def at(*milliseconds: int) -> bytes:
    """One read at each of these times after the start."""
    stream = Stream(step=0)
    stream.thread(7, comm="cat")
    file(stream, 7, 3, "/x")
    for ms in milliseconds:
        stream.ts = START + ms * 1_000_000
        read(stream, 7, 3, 1)
    return stream.take()


def test_order_of_calls(tmp_path: Path) -> None:
    text = """
        args = { { name = "a", argtype = "string" }, { name = "b", argtype = "string", optional = true } }
        function on_set_arg(name, value) print("arg", name, value) return true end
        function on_init() print("init") chisel.set_interval_s(1) return true end
        function on_capture_start() print("start") return true end
        function on_event() print("event", evt.get_num()) end
        function on_interval(s, ns, delta) print("interval", s, ns, delta, evt.get_num()) return true end
        function on_capture_end(s, ns, delta) print("end", s, ns, delta, evt.get_num()) end"""
    second = START // 10**9
    assert play_script(tmp_path, text, at(0, 1500), "x 'y z'").output.splitlines() == [
        "arg\ta\tx", "arg\tb\ty z", "init", "start", "event\t1", f"interval\t{second + 1}\t500000000\t0\t2", "event\t2",
        f"end\t{second + 1}\t500000000\t1500000000\t2",
    ]  # fmt: skip


def test_nothing_but_args_is_needed(tmp_path: Path) -> None:
    assert play_script(tmp_path, "", at(0)).failures == []


def intervals(folder: Path, call: str, data: bytes) -> list[list[int]]:
    text = f"""
        function on_init() {call} return true end
        function on_interval(s, ns, delta) print(s, ns, delta) return true end"""
    rows = play_script(folder, text, data).output.splitlines()
    return [[int(cell) for cell in row.split("\t")] for row in rows]


def test_one_call_however_many_boundaries_were_crossed(tmp_path: Path) -> None:
    second = START // 10**9
    assert intervals(tmp_path, "chisel.set_interval_s(1)", at(300, 900, 1000, 1999, 5500, 6000)) == [
        [second + 1, 0, 0], [second + 5, 500_000_000, 4_500_000_000], [second + 6, 0, 500_000_000],
    ]  # fmt: skip


def test_nanoseconds(tmp_path: Path) -> None:
    assert len(intervals(tmp_path, "chisel.set_interval_ns(10000000)", at(1, 9, 10, 11, 35))) == 2


def test_precise_intervals_catch_up(tmp_path: Path) -> None:
    second = START // 10**9
    assert intervals(tmp_path, "chisel.set_precise_interval_ns(1e9)", at(300, 900, 3400)) == [
        [second, 300_000_000, 10**9], [second + 1, 300_000_000, 10**9], [second + 2, 300_000_000, 10**9],
    ]  # fmt: skip


def test_rejected_events_move_time_on(tmp_path: Path) -> None:
    text = """
        function on_init() sysdig.set_filter("evt.num=1") chisel.set_interval_s(1) return true end
        function on_event() print("event") end
        function on_interval() print("interval") return true end"""
    assert play_script(tmp_path, text, at(0, 1500, 2500)).output == "event\ninterval\ninterval\n"


@pytest.mark.parametrize("call", ["chisel.set_interval_s(0)", "chisel.set_interval_ns('x')", "chisel.set_interval_s()"])
def test_bad_interval(tmp_path: Path, call: str) -> None:
    with pytest.raises(ChiselError):
        play_script(tmp_path, f"function on_init() {call} return true end", b"")


def test_chain(tmp_path: Path) -> None:
    (tmp_path / "second.lua").write_text("""
        args = { { name = "x", argtype = "string" }, { name = "y", argtype = "string" } }
        local seen = {}
        function on_set_arg(name, value) seen[#seen + 1] = name .. "=" .. value return true end
        function on_init() print(table.concat(seen, ","), leftover) return true end
        function on_event() print("second") end""")
    text = """
        leftover = true
        function on_init() chisel.set_filter("evt.num=99") chisel.exec("second", "a b", "", nil, "lost") end
        function on_event() print("first") end"""
    assert play_script(tmp_path, text, at(0)).output == "x=a b,y=\tnil\nsecond\n"


def test_chain_to_nowhere_and_in_circles(tmp_path: Path) -> None:
    with pytest.raises(ChiselError, match=r"chisel\.exec\(\): chisel nowhere_at_all not found"):
        play_script(tmp_path, "function on_init() chisel.exec('nowhere_at_all') end", b"")
    with pytest.raises(ChiselError, match="more than 16 chisels in a row"):
        play_script(tmp_path, "function on_init() chisel.exec('probe_chisel') end", b"")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("function on_init() return false end", r"init\(\) for chisel probe_chisel failed"),
        ("function on_init() end", r"wrong init\(\) return value"),
        ("function on_init() error('oops') end", r"failed in on_init\(\): \S*probe_chisel.lua:2: oops\n"),
        ("function on_capture_start() return false end", r"init\(\) for chisel probe_chisel failed"),
        ("function on_capture_start() end", r"wrong on_capture_start\(\) return value\. Boolean expected"),
        ("if chisel.request_field then evt.field({}) end", "was called outside of a callback"),
    ],
)
def test_failure_before_the_capture_is_raised(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises((ChiselError, UsageError), match=message):
        play_script(tmp_path, text, at(0))


def test_script_without_args(tmp_path: Path) -> None:
    (tmp_path / "bare.lua").write_text("function on_init() return true end")
    with pytest.raises(ChiselError, match="Failed to load chisel bare: args table missing"):
        play([("bare", None)], b"", registry=Registry({"SYSDIG_CHISEL_DIR": str(tmp_path)}))


@pytest.mark.parametrize(
    ("setter", "message"),
    [
        ("", r"chisel probe_chisel misses a set_arg\(\) function"),
        ("function on_set_arg() return false end", r"set_arg\(\) for chisel probe_chisel failed"),
        ("function on_set_arg() end", r"wrong set_arg\(\) return value"),
    ],
)
def test_arguments_that_are_not_taken(tmp_path: Path, setter: str, message: str) -> None:
    text = f'args = {{ {{ name = "a", argtype = "string" }} }}\n{setter}'
    with pytest.raises(ChiselError, match=message):
        play_script(tmp_path, text, b"", "x")
    with pytest.raises(UsageError, match="missing arguments for chisel probe_chisel"):
        play_script(tmp_path, text, b"")


BAD = """
    args = {}
    local function deeper(n)
        local missing
        return missing.field + n
    end
    function on_event()
        if evt.get_num() == 2 then deeper(1) end
        print("bad", evt.get_num())
    end
    function on_capture_end() print("bad end") end
"""
GOOD = """
    args = {}
    function on_event() print("good", evt.get_num()) end
    function on_capture_end() print("good end") end
"""


def test_a_failing_chisel_stops_alone(tmp_path: Path) -> None:
    (tmp_path / "bad.lua").write_text(BAD)
    (tmp_path / "good.lua").write_text(GOOD)
    played = play([("bad", None), ("good", None)], at(0, 1, 2), registry=Registry({"SYSDIG_CHISEL_DIR": str(tmp_path)}))
    assert played.output.splitlines() == ["bad\t1", "good\t1", "good\t2", "good\t3", "good end"]
    assert (played.alive, played.status, played.stopped) == (1, Status.OK, False)
    (report,) = played.failures
    name = r"\S*bad\.lua"
    assert re.match(rf"chisel bad failed in on_event\(\): {name}:5: attempt to index", report)
    frames = report.splitlines()[1:]
    assert re.match(rf"\t{name}:5: in function 'deeper'", frames[0])
    assert re.match(rf"\t{name}:8: in function <{name}:7>", frames[1])
    assert len(frames) == 2
    assert "engine/lua" not in report


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("function on_interval() error('tick') end", r"in on_interval\(\): .*tick"),
        ("function on_interval() return false end", "execution terminated by the probe_chisel chisel"),
        ("", r"sets an interval but has no on_interval\(\)"),
        ("function on_interval() return true end function on_capture_end() error('late') end", "late"),
        ("function on_interval() return true end function on_event() local t = {} t = t .. 'x' end", "concatenate"),
    ],
)
def test_failures_during_the_capture(tmp_path: Path, text: str, message: str) -> None:
    played = play_script(
        tmp_path, f"function on_init() chisel.set_interval_s(1) return true end {text}", at(0, 1500, 2500)
    )
    assert len(played.failures) == 1
    assert re.search(message, played.failures[0])
    assert played.alive == 0


def test_endless_recursion_is_a_failure(tmp_path: Path) -> None:
    played = play_script(tmp_path, "local function f() return 1 + f() end function on_event() f() end", at(0, 1))
    assert len(played.failures) == 1
    assert "stack overflow" in played.failures[0]


def test_several_chisels_run_in_order_with_worlds_of_their_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.lua").write_text(
            f"args = {{}} shared = (shared or '') .. '{name}' function on_event() print(shared) end"
        )
    registry = Registry({"SYSDIG_CHISEL_DIR": str(tmp_path)})
    assert play([("two", None), ("one", None)], at(0), registry=registry).output == "two\none\n"
