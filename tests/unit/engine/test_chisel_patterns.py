"""What chisels get for string.match, string.find and math.log10 answers as Lua's own do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sysdig_py.engine.vm import Runtime

_COMPARE = rb"""
local plain = { match = string.match, find = string.find, log10 = math.log10 }
local patterns, logarithms = require("chisel.patterns"), require("chisel.logarithms")
local ours = { match = patterns.match, find = patterns.find, log10 = logarithms.log10 }

local function told(ok, ...)
    local parts = { tostring(ok) }
    for i = 1, select("#", ...) do parts[#parts + 1] = tostring((select(i, ...))):gsub("^%S+:%d+: ", "") end
    return table.concat(parts, "|")
end

return function(name, ...)
    return told(pcall(plain[name], ...)), told(pcall(ours[name], ...))
end
"""
_PIECES = (
    "^", "^(", "(", ")", "()", "$", ".", "+", "*", "-", "?", "%u+", "%g+", "%d", "%s*", "%.", "%-", "%%", "%(", "%1",
    "%b()", "%f[%a]", "%z", "%", "[%g]", "[^a]", "[", "]", "a", "b", "GET", "HTTP/", "Host: ", "\0", "\xe4",
)  # fmt: skip
patterns = st.lists(st.sampled_from(_PIECES), max_size=6).map("".join)
texts = st.lists(
    st.sampled_from(("", "a", "b", "ab", "GET", "HTTP/1.1 200", "Host: x..", " ", "()", "\0", "\xe4", "-")), max_size=5
)


@pytest.fixture(scope="module")
def compare() -> Any:
    return Runtime().execute(_COMPARE)


@pytest.mark.parametrize("name", [b"match", b"find"])
@given(pattern=patterns, pieces=texts)
@example(pattern="^(%u+) (%g+)", pieces=["GET", " ", "ab"])
@example(pattern="^(%u+) (%g+)", pieces=["a"])
@example(pattern="^(%u+) (%g+)", pieces=[])
@example(pattern="HTTP/[%g]+ (%d+)", pieces=["HTTP/1.1 200"])
@example(pattern="HTTP/[%g]+ (%d+)", pieces=["a"])
@example(pattern="%(%) ?{.+", pieces=["a"])
@example(pattern="ab[", pieces=["a"])
def test_patterns_find_what_luas_own_find(compare: Any, name: bytes, pattern: str, pieces: list[str]) -> None:
    theirs, ours = compare(name, "".join(pieces).encode("latin-1"), pattern.encode("latin-1"))
    assert ours == theirs


@pytest.mark.parametrize(
    "arguments",
    [
        (b"match", b"ab", b"^b", 2), (b"match", 12, b"^1"), (b"match", b"1", 1), (b"match", b"a", None),
        (b"match", None, b"a"), (b"find", b"a.b", b".b", 1, True),
        (b"find", b"a.b", b"b%.", None, True), (b"find", b"abab", b"b(a)", 2),
        (b"find", b"a", None), (b"find", {}, b"a"), (b"log10", b"100"), (b"log10", b"x"), (b"log10", None),
    ],
)  # fmt: skip
def test_other_arguments_are_handed_on(compare: Any, arguments: tuple[Any, ...]) -> None:
    theirs, ours = compare(*arguments)
    assert ours == theirs


def test_patterns_made_without_end_are_not_all_kept(compare: Any) -> None:
    for number in range(2500):
        theirs, ours = compare(b"match", b"a7b", b"^(a%%d)|%d" % number)
        assert ours == theirs


@given(st.one_of(st.integers(-5, 70000), st.floats()))
@example(1)
@example(65535)
@example(65536)
def test_a_logarithm_is_luas_own_when_asked_again(compare: Any, number: float) -> None:
    theirs, first = compare(b"log10", float(number))
    _, again = compare(b"log10", float(number))
    assert (first, again) == (theirs, theirs)
