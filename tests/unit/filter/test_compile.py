from hypothesis import example, given
from hypothesis import strategies as st

from sysdig_py import filter as filters
from sysdig_py.errors import FilterError
from tests.unit.filter.evaluator import evaluate
from tests.unit.filter.lua import holds, load

WORDS = (
    "and", "or", "not", "(", ")", ",", "=", "!=", "<", ">=", "in", "pmatch", "contains", "icontains", "glob", "regex",
    "exists", "oneof", "anyof", "allof", "startswith", "proc.name", "proc.aname", "proc.aname[2]", "evt.num",
    "evt.type", "fd.ip", "fd.net", "fd.port", "evt.buffer", "evt.is_io", "evt.rawarg.res", "evt.arg[0]",
    "evt.around[5]", "tolower(", "len(", "val(", "join(", "1", "0x2", "-3", "true", "open", "1.2.3.4", "10.0.0.0/8",
    "http", "'a b'", '"', "a*b", "[a", "\\x41", "é", "/etc",
)  # fmt: skip


@given(st.text())
@example("proc.name = '\ud800'")
@example("proc.name = \x00")
@example("not" * 500)
@example("(" * 5000)
@example("tolower(" * 5000)
@example("proc.name regex '" + "(" * 500 + "'")
@example("evt.around[99999999999999999999]=5")
def test_any_text_compiles_or_is_refused(text):
    _compiles_or_is_refused(text)


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_any_words_compile_or_are_refused(text):
    _compiles_or_is_refused(text)


def _compiles_or_is_refused(text):
    try:
        compiled = filters.compile(text)
    except FilterError as error:
        assert error.text == text
        assert 0 <= error.position <= len(text)
        assert str(error)
        assert "\n" not in str(error) or "\n" in text
    else:
        assert compiled.text == text
        load(text)


TEXTS = st.text(alphabet="abA/*", max_size=4)
ADDRESSES = st.sampled_from([bytes([10, 0, 0, 1]), bytes([10, 0, 128, 7]), bytes([192, 168, 1, 1])])
NETWORKS = st.sampled_from(["10.0.0.0/8", "10.0.0.0/17", "10.0.128.0/20", "192.168.1.1/32", "0.0.0.0/0", "10.0.0.0/31"])
NUMBERS = st.integers(-3, 3)
VALUES = st.fixed_dictionaries(
    {
        "proc.name": st.none() | TEXTS,
        "fd.name": st.none() | TEXTS,
        "evt.rawres": st.none() | NUMBERS,
        "fd.port": st.none() | st.tuples(st.integers(0, 4), st.none() | st.integers(0, 4)),
        "fd.net": st.none() | st.tuples(ADDRESSES, st.none() | ADDRESSES),
        "evt.failed": st.none() | st.booleans(),
    }
)


def _quoted(text: str) -> str:
    return f"'{text}'"


def _listed(items: list[str]) -> str:
    return "(" + ", ".join(items) + ")"


TEXT_CHECKS = st.one_of(
    st.tuples(
        st.sampled_from(["proc.name", "fd.name"]),
        st.sampled_from(["=", "!=", "contains", "icontains", "startswith", "endswith", "glob"]),
        st.sampled_from(["", "oneof", "anyof", "allof"]),
        st.lists(TEXTS.map(_quoted), max_size=3),
    ).map(lambda t: f"{t[0]} {t[1]} {t[2]} {_listed(t[3]) if t[2] else (t[3] or [_quoted('')])[0]}"),
    st.tuples(st.sampled_from(["in", "intersects"]), st.lists(TEXTS.map(_quoted), max_size=4)).map(
        lambda t: f"proc.name {t[0]} {_listed(t[1])}"
    ),
    st.lists(st.text(alphabet="ab", max_size=2).map(lambda p: "/" + p), max_size=3).map(
        lambda paths: f"fd.name pmatch {_listed(paths)}"
    ),
)
NUMBER_CHECKS = st.tuples(
    st.sampled_from(["evt.rawres", "fd.port"]), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.integers(0, 3)
).map(lambda t: f"{t[0]} {t[1]} {t[2]}")
OTHER_CHECKS = st.one_of(
    st.tuples(st.sampled_from(["=", "!="]), NETWORKS).map(lambda t: f"fd.net {t[0]} {t[1]}"),
    st.lists(NETWORKS, max_size=3).map(lambda nets: f"fd.net in {_listed(nets)}"),
    st.sampled_from(["evt.failed=true", "evt.failed!=false", "fd.port exists", "proc.name exists", "fd.net exists"]),
    st.lists(NUMBERS.map(str), max_size=3).map(lambda numbers: f"evt.rawres in {_listed(numbers)}"),
)
FILTERS = st.recursive(
    TEXT_CHECKS | NUMBER_CHECKS | OTHER_CHECKS,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
    ),
    max_leaves=8,
)


@given(FILTERS, VALUES)
def test_agrees_with_a_second_evaluator(text, values):
    given_values = {name.replace(".", "__"): _present(value) for name, value in values.items() if value is not None}
    assert holds(text, **given_values) == evaluate(filters.compile(text).ast, values), text


def _present(value):
    return tuple(v for v in value if v is not None) if isinstance(value, tuple) else value


def test_fields_are_named():
    text = "proc.aname[2]=sh and tolower(proc.name)=x or fd.sip in (1.2.3.4) or proc.exe=val(proc.pname)"
    assert filters.compile(text).fields == {"proc.aname[2]", "proc.name", "fd.sip", "proc.exe", "proc.pname"}
    assert filters.compile("").fields == frozenset()
