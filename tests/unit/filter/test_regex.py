import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.filter.automaton import build
from sysdig_py.filter.regex import regex

EXPRESSIONS = [
    "a.c", "(foo|ba+r)*x?", "[^a-c]{2,3}", r"\d+\.\w*", "(?i)HeLLo", "^x", "x$", "(|a)+b", r"\Wx", r"[\d-]+",
    "(?:ab){2,}", "a??b*?", "[[:alpha:]]+", r"\x41\n?", r"[\]a]", "", "a|", r"é+", r"[^\s]",
]  # fmt: skip
TEXTS = st.text(alphabet="abcforx12.-hHeElLo\né]A", max_size=6)


@given(st.sampled_from(EXPRESSIONS), TEXTS)
def test_agrees_with_python_where_both_speak_the_language(expression, text):
    twin = expression.replace("[[:alpha:]]", "[A-Za-z]").removesuffix("$")
    assert build(regex(expression)).matches(text.encode()) == bool(re.fullmatch(twin, text, re.ASCII))


WRONG = [
    "a(", "a)", "[a", "*a", "a**", r"\b", r"(?=x)", r"\1", r"\p{L}", "a^b", "a{3,2}", "a{2000}", "[z-a]", "[é]", "a\\",
    "(?P<n>",
]  # fmt: skip


@pytest.mark.parametrize("expression", WRONG)
def test_what_is_wrong_or_not_supported_says_so(expression):
    with pytest.raises(ValueError, match=r"regular expression"):
        regex(expression)


def test_dot_is_one_character_of_utf8():
    table = build(regex("."))
    assert table.matches("é".encode())
    assert table.matches("😀".encode())
    assert not table.matches(b"\xff")
    assert not table.matches(b"\n")
