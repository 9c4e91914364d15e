import pytest

from sysdig_py.filter.automaton import (
    ANYTHING,
    Alt,
    Bytes,
    Cat,
    Repeat,
    TooLargeError,
    build,
    fold_case,
    literal,
    span,
)


def test_literal_alternatives_and_repetition():
    table = build(Cat((Alt((literal(b"ab"), literal(b"c"))), Repeat(Bytes(span(0x30, 0x39)), 1, 3))))
    assert all(table.matches(v) for v in (b"ab1", b"c123"))
    assert not any(table.matches(v) for v in (b"ab", b"c1234", b"b1", b"ab1x", b""))


def test_nothing_matches_no_alternatives():
    assert not build(Alt(())).matches(b"")
    assert build(Cat(())).matches(b"")
    assert not build(Cat(())).matches(b"a")


def test_folding_touches_ascii_letters_only():
    table = build(fold_case(Cat((ANYTHING, literal(b"Ab[\xc4"), ANYTHING))))
    assert table.matches(b"xxaB[\xc4")
    assert not table.matches(b"xxaB{\xc4")
    assert not table.matches(b"xxaB[\xe4")


def test_size_is_limited():
    bomb = Cat((ANYTHING, literal(b"a"), Repeat(Bytes(span(0x61, 0x62)), 20, 20)))
    with pytest.raises(TooLargeError):
        build(bomb)
    with pytest.raises(TooLargeError):
        build(Repeat(Repeat(literal(b"abcdefgh"), 1000, 1000), 1000, 1000))


def test_dead_state_is_zero_and_stays_dead():
    table = build(literal(b"ab"))
    assert set(table.rows[0]) == {0}
    assert 0 not in table.accepting
