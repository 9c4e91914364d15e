"""Chisels that attack the program: run by the real program, since what they want is its end.

Whatever such a chisel does, it fails alone, with a line that says so; the chisel beside it gets its events.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.source_tree import ROOT
from tests.traces import write_story

FAILED = 6
HEAD = "description = 'x' short_description = 'x' args = {}\n"
SMALL = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/nonexistent"}

NESTING = {
    "calls": "local function f() return 1 + f() end f()",
    "coroutines": "local function f() local ok, e = coroutine.resume(coroutine.create(f)) assert(ok, e) end f()",
    "wrapped coroutines": "local function f() for _ in coroutine.wrap(f) do end end f()",
    "replacements": "local function f() return (('x'):gsub('x', f)) end f()",
    "replacements by an index": "local t = {} setmetatable(t, { __index = function() return (('x'):gsub('x', t)) end })"
    " string.gsub('x', 'x', t)",
    "sorting": "local function f() table.sort({ 1, 2 }, function(a, b) f() return a < b end) end f()",
    "texts": "local m = {} m.__tostring = function(t) return string.format('%s', t) end print(setmetatable({}, m))",
    "joining": "local m = {} m.__concat = function(a, b) return a .. b end local x = setmetatable({}, m) .. 'x'",
    "sorting in coroutines": """
        local function level(k)
            local function deep(n)
                table.sort({ 1, 2 }, function(a, b) if n > 0 then deep(n - 1) else level(k + 1) end return a < b end)
            end
            local ok, e = coroutine.resume(coroutine.create(function() return deep(3000) end))
            assert(ok, e)
        end
        level(0)""",
    "texts in coroutines": """
        local function level(k)
            local function deep(n)
                local function text() if n > 0 then return deep(n - 1) end level(k + 1) return "x" end
                return string.format("%s", setmetatable({}, { __tostring = text }))
            end
            local ok, e = coroutine.resume(coroutine.create(function() return deep(3000) end))
            assert(ok, e)
        end
        level(0)""",
}
ERRORS = {
    "an error that never becomes text": "error(setmetatable({}, { __tostring = function() while true do end end }))",
    "an error that loops when looked at": "error(setmetatable({}, { __index = function() while true do end end }))",
    "globals as an error": "error(_G)",
    "a bad order": "local t = {} for i = 1, 999 do t[i] = i end table.sort(t, function() return true end)",
    "too many results": "unpack({}, 1, 1e8)",
    "a pattern without an end": "(('x'):rep(3e5)):match((('x?'):rep(3e5)) .. (('x'):rep(3e5)))",
    "text without an end": "while true do print(('x'):rep(1e6)) end",
}
HARMLESS = {
    "globals that refuse": "",
    "source without an end": "print(load('return ' .. ('('):rep(1e6))) print(load(('do '):rep(1e6)))",
    "many coroutines": "for i = 1, 1e4 do local c = coroutine.create(coroutine.yield) coroutine.resume(c) end",
    "bytecode": "assert(not load('\\27LJ\\2', 'x', 'b')) assert(not pcall(string.dump or error, print))",
    "shared tables": "string.format, table.concat, bit.band = nil assert(('%d'):format(1) == '1')"
    " assert(not pcall(rawset, getmetatable(''), 'x', 1))",
}


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return write_story(tmp_path / "story.spy")


def command(trace: Path, body: str) -> list[str]:
    path = trace.with_name("attack.lua")
    path.write_text(HEAD + body)
    return [sys.executable, "-m", "sysdig_py", "-r", str(trace), "-c", str(path), "-c", "topscalls"]


def run(trace: Path, body: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    words = command(trace, body)
    return subprocess.run(
        words, capture_output=True, text=True, timeout=seconds, check=False, env=SMALL, cwd=trace.parent
    )


def in_event(body: str) -> str:
    return f"function on_init() return true end function on_event() {body} end"


@pytest.mark.parametrize("name", [*NESTING, *ERRORS])
def test_it_fails_alone(name: str, trace: Path) -> None:
    done = run(trace, in_event((NESTING | ERRORS)[name]))
    assert done.returncode == FAILED, done.stderr
    assert "chisel attack failed in on_event(): " in done.stderr
    assert "Traceback" not in done.stderr
    assert "Syscall" in done.stdout


@pytest.mark.parametrize("name", NESTING)
def test_a_listing_survives_it(name: str, trace: Path) -> None:
    path = Path(command(trace, f"(function() {NESTING[name]} end)()")[-3])
    words = [sys.executable, "-m", "sysdig_py", "-i", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env=SMALL)
    assert done.returncode == 2, done.stderr
    assert "Failed to load chisel attack: " in done.stderr


@pytest.mark.parametrize("name", HARMLESS)
def test_it_has_no_effect(name: str, trace: Path) -> None:
    strict = "setmetatable(_G, { __index = function(_, name) error('undefined ' .. name) end })\n"
    body = in_event(f"{HARMLESS[name]} sysdig.end_capture()")
    done = run(trace, strict + body if name == "globals that refuse" else body)
    assert (done.returncode, done.stderr) == (0, "")


def test_memory_without_an_end_is_refused(trace: Path) -> None:
    words = command(trace, in_event("kept = kept or {} for i = 1, 1e9 do kept[i] = { i } end"))
    bounded = ["prlimit", f"--data={1 << 30}", *words]
    done = subprocess.run(bounded, capture_output=True, text=True, timeout=60, check=False, env=SMALL)
    assert done.returncode == FAILED, done.stderr
    assert "chisel attack failed in on_event(): not enough memory" in done.stderr
    assert "Syscall" in done.stdout


@pytest.mark.parametrize("callback", ["on_init", "on_event"])
def test_a_loop_without_an_end_is_ended_by_ctrl_c(callback: str, trace: Path) -> None:
    body = in_event("return true") + f"\nfunction {callback}() while true do end end"
    with subprocess.Popen(command(trace, body), stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=SMALL) as process:
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=10)
    assert process.returncode == -signal.SIGINT
    assert b"an endless chisel?" in told


@pytest.mark.parametrize("words", ["-w stolen.spy", "-c attack --allow-io"])
def test_the_program_is_not_made_to_do_what_the_chisel_may_not(words: str, trace: Path) -> None:
    asked = f"-r {trace} {words}"
    body = in_event("return true") + f"\nfunction on_capture_end() sysdig.run_app({asked!r}) end"
    done = run(trace, body)
    assert done.returncode == FAILED
    assert "a chisel asked to run" in done.stderr
    assert not trace.with_name("stolen.spy").exists()
