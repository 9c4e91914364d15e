import ctypes
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sysdig_py.filter.automaton import build
from sysdig_py.filter.glob import glob, path_prefix

fnmatch = ctypes.CDLL(None).fnmatch
fnmatch.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int]

PATTERNS = st.lists(
    st.text(alphabet="ab/.*?]!^-\\", max_size=4) | st.sampled_from(["[ab]", "[!a.]", "[a-b]", "[.?*]", "[!*]"]),
    max_size=4,
).map("".join)
VALUES = st.text(alphabet="ab/.[]!^-\\c", max_size=8)


@given(PATTERNS, VALUES)
def test_agrees_with_the_c_library(pattern, value):
    plain = re.sub(r"\[!?[^]\[\\^/!-]+(-[ab])?\]", "", pattern)
    assume("[" not in plain)  # malformed brackets are read differently from one C library to the next
    expected = fnmatch(pattern.encode(), value.encode(), 0) == 0
    assert build(glob(pattern.encode())).matches(value.encode()) == expected


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        (b"/etc/*", b"/etc/a/b", True),
        (b"[[:digit:]x]", b"7", True),
        (b"[[:digit:]x]", b"y", False),
        (b"[!a-c]", b"d", True),
        (b"[]]", b"]", True),
        (b"a[", b"a[", True),
        (b"\\*", b"*", True),
        (b"\\*", b"x", False),
        (b"?", b"\xff", True),
    ],
)
def test_details(pattern, value, expected):
    assert build(glob(pattern)).matches(value) == expected


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (b"/etc", b"/etc", True),
        (b"/etc", b"/etc/passwd", True),
        (b"/etc/", b"/etc/passwd", True),
        (b"/etc", b"/etcetera", False),
        (b"/usr/*/bin", b"/usr/local/bin/x", True),
        (b"/usr/*/bin", b"/usr/a/b/bin", False),
        (b"/", b"/anything", True),
        (b"etc", b"etc/x", True),
        (b"etc", b"/etc/x", False),
        (b"", b"", False),
    ],
)
def test_path_prefixes(path, value, expected):
    assert build(path_prefix(path)).matches(value) == expected
