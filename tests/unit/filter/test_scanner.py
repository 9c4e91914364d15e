import pytest

from sysdig_py.errors import FilterError
from sysdig_py.filter.scanner import Scanner


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("abc def", "abc"),
        ("a=b)", "a=b"),
        ('"a b"', "a b"),
        (r'"a\"b\\c\n"', 'a"b\\c\n'),
        (r"'\x41\xff'", "A\udcff"),
        ("'it\"s'", 'it"s'),
        (")", None),
        ("", None),
    ],
)
def test_values(text, value):
    assert Scanner(text).value(in_list=False) == value


def test_a_comma_ends_a_value_in_lists_only():
    assert Scanner("a,b").value(in_list=True) == "a"
    assert Scanner("a,b").value(in_list=False) == "a,b"


@pytest.mark.parametrize(("text", "position"), [('"abc', 0), (r'"a\q"', 2), (r'"\x4"', 1), ("proc.aname[", 10)])
def test_errors_point_at_the_trouble(text, position):
    scanner = Scanner(text)
    with pytest.raises(FilterError) as caught:
        scanner.value(in_list=False) if text[0] == '"' else scanner.field()
    assert caught.value.position == position
    assert caught.value.text == text


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("proc.name=x", "proc.name"),
        ("proc.aname[2] = x", "proc.aname[2]"),
        ('evt.arg["a b"]', "evt.arg[a b]"),
        ("evt.dir=<", "evt.dir"),
        ("name=x", ""),
    ],
)
def test_fields(text, field):
    assert Scanner(text).field() == field


def test_words_are_whole():
    assert Scanner(" and(").take_word("and")
    assert not Scanner("android").take_word("and")
    assert not Scanner("or.name").take_word("or")
