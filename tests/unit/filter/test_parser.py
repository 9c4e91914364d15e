import pytest

from sysdig_py.errors import FilterError
from sysdig_py.filter.nodes import And, Check, FieldRef, Literal, Node, Not, Or, Transform
from sysdig_py.filter.parser import MAX_DEPTH, parse


def shape(node: Node) -> str:
    if isinstance(node, Check):
        return f"{node.left.name}{node.op}{node.modifier}"
    if isinstance(node, Not):
        return f"!{shape(node.item)}"
    return "(" + ("&" if isinstance(node, And) else "|").join(map(shape, node.items)) + ")"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "()"),
        ("  \t\n", "()"),
        ("a.b=1", "a.b="),
        ("a.b==1", "a.b="),
        ("a.b=1 or c.d=2 and e.f=3", "(a.b=|(c.d=&e.f=))"),
        ("not a.b=1 and c.d=2", "(!a.b=&c.d=)"),
        ("not(a.b=1 and c.d=2)", "!(a.b=&c.d=)"),
        ("not not a.b=1", "a.b="),
        ("(a.b=1)and(c.d=2)or(e.f=3)", "((a.b=&c.d=)|e.f=)"),
        ("a.b exists or c.d pmatch (/x)", "(a.bexists|c.dpmatch)"),
        ("a.b contains oneof (x, y)", "a.bcontainsoneof"),
        ("tolower(a.b) = x", "tolower="),
        ("a.b in (and, or)", "a.bin"),
    ],
)
def test_structure(text, expected):
    assert shape(parse(text)) == expected


def test_what_looks_like_an_operator_can_be_a_value():
    assert parse("evt.dir=<") == Check(FieldRef("evt.dir", 0), "=", "", (Literal("<", 8),), 0)
    assert parse("evt.dir!=>") == Check(FieldRef("evt.dir", 0), "!=", "", (Literal(">", 9),), 0)


def test_lists_may_be_empty_and_quoted():
    check = parse("proc.name in ( a ,'b, c' , \"\")")
    assert isinstance(check, Check)
    assert [v.text for v in check.right if isinstance(v, Literal)] == ["a", "b, c", ""]
    assert parse("proc.name in ()") == Check(FieldRef("proc.name", 0), "in", "", (), 0)


def test_right_side_field():
    check = parse("proc.name = val(proc.pname)")
    assert isinstance(check, Check) and check.right == (FieldRef("proc.pname", 16),)
    check = parse("proc.name = tolower(proc.pname)")
    assert isinstance(check, Check) and isinstance(check.right[0], Transform)


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("a.b", 3, "unrecognized comparison operator after a.b: the end"),
        ("a.b like x", 4, "unrecognized comparison operator after a.b: like"),
        ("a.b=1 x", 6, "expected 'and' or 'or', found x"),
        ("a.b=1)", 5, "')' without '('"),
        ("(a.b=1", 6, "missing ')' for the '(' at position 0"),
        ("a.b=", 4, "= needs a value"),
        ("a.b=1 and", 9, "expected a field"),
        ("a.b in x", 7, "expected '(' after 'in' operand"),
        ("a.b in (x y)", 10, "expected ',' or ')'"),
        ("foo(a.b) = 1", 0, "unknown transformer foo"),
        ("=1", 0, "expected a field, found =1"),
    ],
)
def test_errors(text, position, words):
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert caught.value.position == position
    assert words in str(caught.value)


def test_depth_is_limited():
    assert isinstance(parse("(" * MAX_DEPTH + "a.b=1" + ")" * MAX_DEPTH), Check)
    with pytest.raises(FilterError, match="nested more than"):
        parse("(" * (MAX_DEPTH + 1) + "a.b=1")
    assert isinstance(parse("not (a.b=1 or " * MAX_DEPTH + "a.b=1" + ")" * MAX_DEPTH), Not)
    assert isinstance(parse(" or ".join(["a.b=1"] * 5000)), Or)
