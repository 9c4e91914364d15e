"""What a chisel can and cannot reach."""

from pathlib import Path

import pytest

from sysdig_py.chisel.run import ChiselSettings
from sysdig_py.errors import ChiselError
from tests.unit.chisel.running import play_script

ABSENT = [
    "ffi", "debug", "jit", "python", "module", "host", "package.loadlib", "package.loaders", "package.preload.ffi",
    "string.dump", "table.new", "package.loaded.host", "package.loaded.ffi", "_G.debug", "_G.package.loaded.debug",
]  # fmt: skip
REFUSED = [
    "dofile('x')", "loadfile('x')", "getfenv(0)", "getfenv(print)", "setfenv(1, {})", "newproxy(true)",
    "require('ffi')", "require('debug')", "require('host')", "require('jit')", "require('chisel.run')", "require('ev')",
    "require('../flows')", "require('/etc/passwd')", "require('..')", "require(7)",
    "os.execute('true')", "os.remove('x')", "os.rename('x', 'y')", "os.tmpname()", "os.setlocale('C')",
    "io.open('/etc/passwd')", "io.popen('id')", "io.lines('/etc/passwd')", "io.tmpfile()", "io.read()", "io.input()",
    "io.output('x')", "collectgarbage('stop')", "collectgarbage('setpause', 1)", "getmetatable('').__index.rep()",
    "load('\\27LJ')()", "loadstring('\\27LJ\\2')()", "load(function() return nil end, 'x', 'b')()", "('x').dump(print)",
    "sysdig.udp_setpeername('127.0.0.1', 1)", "sysdig.udp_send('x')",
]  # fmt: skip


@pytest.mark.parametrize("name", ABSENT)
def test_absent(tmp_path: Path, name: str) -> None:
    assert play_script(tmp_path, f"function on_init() print({name} == nil) return true end", b"").output == "true\n"


@pytest.mark.parametrize("call", REFUSED)
def test_refused(tmp_path: Path, call: str) -> None:
    text = f"function on_init() local ok, message = pcall(function() {call} end) print(ok) return true end"
    assert play_script(tmp_path, text, b"").output == ("true\n" if call.startswith("load(function") else "false\n")


@pytest.mark.parametrize("call", ["io.open('/etc/passwd')", "os.execute('true')", "io.popen('id')"])
def test_refusal_names_the_option(tmp_path: Path, call: str) -> None:
    text = f"function on_init() print(select(2, pcall(function() {call} end))) return true end"
    output = play_script(tmp_path, text, b"").output
    assert f"{call.split('(')[0]} is not available to chisels" in output
    assert "--allow-io" in output


def test_allowed_io_is_the_real_one(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("hello")
    text = f"function on_init() local f = io.open('{tmp_path}/note') print(f:read('*a')) f:close() return true end"
    assert play_script(tmp_path, text, b"", settings=ChiselSettings(allow_io=True)).output == "hello\n"


def test_loaded_code_stays_in_the_sandbox(tmp_path: Path) -> None:
    text = """
        x = 5
        function on_init()
            print(load("return x")(), loadstring("x = 6 return _G.x")(), x, load("return ffi")())
            print(load("return x", "n", "bt", { x = "own" })())
            print(load(coroutine.wrap(function() coroutine.yield("return ") coroutine.yield("x") end))())
            return true
        end"""
    assert play_script(tmp_path, text, b"").output == "5\t6\t6\tnil\nown\n6\n"


def test_libraries_are_copies(tmp_path: Path) -> None:
    text = """
        function on_init()
            string.format, table.concat, math.floor = nil, nil, nil
            print(("%d"):format(5), pcall(setmetatable, "", {}))
            return true
        end"""
    assert play_script(tmp_path, text, b"").output.startswith("5\tfalse\t")
    assert (
        play_script(tmp_path, "function on_init() print(string.format('%d', 7)) return true end", b"").output == "7\n"
    )


def test_output_functions(tmp_path: Path) -> None:
    text = """
        function on_init()
            print(1, nil, "x", nil)
            print()
            io.write("a", 2, "\\n")
            io.stdout:write("b"):write("c\\n")
            io.stdout:flush()
            io.stderr:write("e\\n")
            print(io.type(io.stdout), io.type(5), io.stdout:setvbuf("no"))
            return true
        end"""
    assert play_script(tmp_path, text, b"").output == "1\tnil\tx\tnil\n\na2\nbc\ne\nfile\tnil\ttrue\n"


def test_os_functions(tmp_path: Path) -> None:
    text = """
        function on_init()
            print(type(os.time()), type(os.date()), type(os.clock()), os.getenv("HOME") ~= nil, os.difftime(5, 3))
            return true
        end"""
    assert play_script(tmp_path, text, b"").output == "number\tstring\tnumber\ttrue\t2\n"


def test_require_loads_once_into_the_same_sandbox(tmp_path: Path) -> None:
    (tmp_path / "counted.lua").write_text("times = (times or 0) + 1\nfrom_module = 'seen'\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inner.lua").write_text("return { name = ... }")
    text = """
        require "counted" require "counted"
        function on_init()
            print(times, from_module, require("folder.inner").name, require("string") == string, package.path ~= nil)
            return true
        end"""
    assert play_script(tmp_path, text, b"").output == "1\tseen\tfolder.inner\ttrue\ttrue\n"


def test_missing_module_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ChiselError, match=rf"module 'gone' not found: .*{tmp_path}"):
        play_script(tmp_path, "function on_init() require('gone') return true end", b"")


def test_broken_module_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.lua").write_text("x = = 1")
    with pytest.raises(ChiselError, match=r"broken\.lua:1: unexpected symbol"):
        play_script(tmp_path, "function on_init() require('broken') return true end", b"")


def test_exit_ends_the_run_without_a_failure(tmp_path: Path) -> None:
    played = play_script(tmp_path, "function on_init() print('bye') os.exit(0) end", b"")
    assert (played.output, played.failures, played.stopped, played.alive) == ("bye\n", [], True, 0)


@pytest.mark.parametrize(
    "call",
    ["sysdig.set_snaplen(0/0)", "sysdig.set_snaplen(1/0)", "sysdig.set_snaplen(-1)", "chisel.set_interval_ns(0/0)",
     "chisel.set_interval_ns(1/0)", "chisel.set_event_formatter('%999999999evt.num')", "chisel.set_filter({})"],
)  # fmt: skip
def test_numbers_that_are_none_are_refused(tmp_path: Path, call: str) -> None:
    text = f"function on_init() print(pcall(function() {call} end)) return true end"
    assert play_script(tmp_path, text, b"").output.startswith("false\t")


GSUB = """
    local function angled(...) return "<" .. table.concat({ ... }, "|") .. ">" end
    function on_init()
        print(("abc"):gsub("%w*", angled), ("a b"):gsub("", angled), ("aXbX"):gsub("X", angled, 1))
        print(("k=v, l=w"):gsub("(%w+)=(%w+)", angled), ("aab"):gsub("^a", angled), ("ab"):gsub("()", angled))
        print(("a-b"):gsub("%w", function(c) return c == "a" and 1 end), ("ab"):gsub("b", function() return false end))
        print(("ab"):gsub("%w", setmetatable({}, { __index = function(_, c) return c == "a" and "A" or nil end })))
        print(pcall(string.gsub, "a", "a", function() return {} end), pcall(string.gsub, "a", "(", angled))
        return true
    end"""


def test_gsub_with_functions_is_luas(tmp_path: Path) -> None:
    output = play_script(tmp_path, GSUB, b"").output.splitlines()
    assert output[0].split("\t") == ["<abc><>", "<>a<> <>b<>", "a<X>bX", "1"]
    assert output[1].split("\t") == ["<k|v>, <l|w>", "<a>ab", "<1>a<2>b<3>", "3"]
    assert output[2].split("\t") == ["1-b", "ab", "1"]
    assert output[3].split("\t") == ["Ab", "2"]
    assert output[4].split("\t")[0] == "false"
    assert output[4].split("\t")[-2] == "false"
