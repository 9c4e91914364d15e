import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.chisel.arguments import bind, split, wants_next_word
from sysdig_py.chisel.describe import Argument, Description
from sysdig_py.errors import UsageError


def chisel(*kinds: str) -> Description:
    """A chisel with arguments written as `m` (mandatory), `o` (optional) or `f` (optional filter)."""
    args = tuple(Argument(f"a{i}", "filter" if k == "f" else "string", "", k != "m") for i, k in enumerate(kinds))
    return Description("probe", "d", "s", "c", False, False, True, args)


@pytest.mark.parametrize(
    ("kinds", "words", "is_filter", "expected"),
    [
        ("", ["proc.name=x"], False, False),
        ("m", ["-x"], True, True),
        ("mo", ["proc.name=x"], True, True),
        ("o", [], False, False),
        ("o", ["-r"], False, False),
        ("o", ["proc.name=x"], True, False),
        ("o", ["disable_colors", "proc.name=x"], False, True),
        ("f", ["proc.name=x"], True, True),
        ("f", ["-r"], True, False),
        ("fo", ["proc.name=x"], True, False),
    ],
)
def test_wants_next_word(kinds: str, words: list[str], is_filter: bool, expected: bool) -> None:
    assert wants_next_word(chisel(*kinds), words, lambda _: is_filter) is expected


def test_all_words_left_are_tried_as_a_filter() -> None:
    assert not wants_next_word(chisel("o"), ["a", "and", "b"], lambda text: text == "a and b")


def test_missing_arguments() -> None:
    with pytest.raises(UsageError, match="missing arguments for chisel probe"):
        wants_next_word(chisel("m"), [], lambda _: False)
    with pytest.raises(UsageError, match="missing arguments for chisel probe"):
        bind(chisel("m"), None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" one  ", ["one"]),
        ("a b", ["a", "b"]),
        ("a  b", ["a", "", "b"]),
        ("'a b' c", ["a b", "c"]),
        ("`it's` x", ["it's", "x"]),
        ("pre'a b'post", ["prea bpost"]),
        ("''", [""]),
    ],
)
def test_split(text: str, words: list[str]) -> None:
    assert split("probe", text) == words


@pytest.mark.parametrize("text", ["'a", "a 'b c", "`x'"])
def test_open_quote(text: str) -> None:
    with pytest.raises(UsageError, match="corrupted parameters for chisel probe"):
        split("probe", text)


@given(st.text(alphabet="ab '`", max_size=20))
def test_split_always_ends(text: str) -> None:
    try:
        words = split("probe", text)
    except UsageError:
        return
    assert sum(map(len, words)) <= len(text)


def test_counts() -> None:
    assert bind(chisel("m", "o"), "1 2") == ["1", "2"]
    assert bind(chisel("o"), None) == []
    with pytest.raises(UsageError, match="wrong number of parameters for chisel probe, 2 required, 1 given"):
        bind(chisel("m", "m"), "1")
    with pytest.raises(UsageError, match="too many parameters for chisel probe, 1 required, 1 optional, 3 given"):
        bind(chisel("m", "o"), "1 2 3")
