import pytest

from sysdig_py import filter as filters
from sysdig_py.errors import FilterError
from sysdig_py.filter.nodes import Check
from sysdig_py.filter.parser import parse
from sysdig_py.filter.semantics import FieldValue, typed
from sysdig_py.filter.values import Kind


def left_of(text: str) -> object:
    check = parse(text)
    assert isinstance(check, Check)
    return typed(check, text).left


def test_raw_arguments_take_the_type_of_the_event_table():
    assert left_of("evt.rawarg.res < 0") == FieldValue("evt.rawarg.res", Kind.NUMBER, "errno")
    assert left_of("evt.rawarg.data contains x") == FieldValue("evt.rawarg.data", Kind.BYTES, "bytebuf")


def test_a_bare_ancestor_is_any_ancestor():
    assert left_of("proc.aname = sh") == FieldValue("proc.aname", Kind.TEXT, "charbuf", any_of=True)
    assert left_of("proc.aname[1] = sh") == FieldValue("proc.aname[1]", Kind.TEXT, "charbuf")


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("proc.nam=x", 0, "unrecognized field proc.nam; did you mean proc.name?"),
        ("proc.namefoo=x", 0, "unrecognized field proc.namefoo"),
        ("evt.num=1 and zz.qq=x", 14, "unrecognized field zz.qq; -l lists the fields"),
        ("evt.num contains 3", 0, "'contains' does not work on evt.num, which is a number"),
        ("evt.num=x", 8, "x is not a valid number"),
        ("proc.pid in (1, b)", 16, "b is not a valid number"),
        ("evt.type=opn", 9, "unknown event type opn"),
        ("evt.type in (open, opn)", 19, "unknown event type opn"),
        ("evt.type.is.nosuch=1", 0, "unknown event type nosuch"),
        ("evt.rawarg.nosuch=1", 0, "unknown event argument nosuch"),
        ("evt.arg=x", 0, "evt.arg needs an argument"),
        ("evt.outputtime=x", 0, "display only"),
        ("proc.aname[x]=y", 0, "must be a whole number"),
        ("evt.abspath.foo=y", 0, "takes .src or .dst"),
        ("evt.around[5]<7", 0, "'<' does not work on evt.around[5]"),
        ("evt.rawarg.tuple=1", 0, "can only be tested with exists"),
        ("proc.name = val(proc.pid)", 16, "proc.pid is a number, expected text"),
        ("proc.name glob val(proc.pname)", 19, "must be a constant"),
        ("fd.net = val(fd.cnet)", 13, "must be a constant"),
        ("tolower(evt.num) = 1", 8, "tolower() takes text, evt.num is a number"),
        ("getopt(proc.name) = 1", 0, "the transformer getopt is not supported"),
        ("evt.buffer bcontains xyz", 21, "hex digits"),
        ("proc.name regex 'a('", 0, "missing ) in the regular expression"),
        ("evt.is_io in (true)", 0, "'in' does not work on evt.is_io, which is a boolean"),
    ],
)
def test_errors_name_what_was_expected_and_where(text, position, words):
    with pytest.raises(FilterError) as caught:
        filters.compile(text)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"filter error at position {position}: ")
    assert caught.value.position == position
    assert caught.value.text == text
