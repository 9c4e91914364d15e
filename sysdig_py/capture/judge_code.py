"""Formulas about facts as eBPF instructions.

The instructions take the place of a call in the probe (`assembler.splice`): r1 points at `struct facts`
of probe/judge.c, r0 is to be the result. No memory is written and no helper called; every jump goes
forward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sysdig_py.capture.assembler import Code, Label
from sysdig_py.filter.kernel import Formula, Group, Mode
from sysdig_py.filter.kernel_comparison import NAME_MAX, Comparison
from sysdig_py.filter.kernel_facts import Fact
from sysdig_py.filter.values import Network

HOOK_FILTER: Final = 0x5359F001
HOOK_SNAPLEN: Final = 0x5359F002

# offsets in `struct facts`
GROUP, KIND = 0, 4
NUMBERS: Final = {
    Fact.PID: 8,
    Fact.TID: 16,
    Fact.UID: 24,
    Fact.CPU: 32,
    Fact.RESULT: 40,
    Fact.OUTCOME: 48,
    Fact.LENGTH: 40,
    Fact.LATENCY: 56,
    Fact.FD: 64,
}
CONTAINERS, NAME, KNOWN, OWN_PORT, OTHER_PORT = 72, 80, 96, 100, 104
ADDRESS_SIZE, OWN_ADDRESS, OTHER_ADDRESS = 108, 112, 128

KNOWN_USER, KNOWN_CONTAINER, KNOWN_ENDS, KNOWN_NO_ENDS, KNOWN_SOME_ENDS = 1, 2, 4, 8, 16

# what the probe has to gather for a fact; the others it has anyway
NEEDS: Final = {
    Fact.NAME: 1,
    Fact.UID: 2,
    Fact.CONTAINER: 4,
    Fact.KIND: 8,
    Fact.FAMILY: 8,
    Fact.PORT: 16,
    Fact.ADDRESS: 32,
}

# Kinds of open files as the kernel tells them apart -> what fd.type can show for one, the usual first. A FIFO or a
# directory that was opened by its name is a file, and on tmpfs there are files and memfds.
KINDS: Final[dict[str, tuple[bytes, ...]]] = {
    "FILE": (b"file",),
    "DIRECTORY": (b"directory", b"file"),
    "TMPFS": (b"file", b"memfd"),
    "PIPE": (b"pipe", b"file"),
    "UNIX": (b"unix",),
    "IPV4": (b"ipv4",),
    "IPV6": (b"ipv6", b"ipv4"),
    "NETLINK": (b"netlink",),
    "OTHER": (),  # whatever is in no other row
}
FAMILIES: Final = {b"ip": ("IPV4", "IPV6"), b"unix": ("UNIX",)}
KIND_NUMBERS: Final = {name: number for number, name in enumerate(KINDS, 1)}
_NAMED: Final = frozenset(word for words in KINDS.values() for word in words)

# formulas and what the first of them that holds gives
Rules = tuple[tuple[Formula, int], ...]

_FACTS, _FIRST, _SECOND, _KNOWN = 1, 2, 3, 4  # registers


def constants() -> dict[str, int]:
    """Return what probe/judge.c must agree on."""
    return {
        "HOOK_FILTER": HOOK_FILTER,
        "HOOK_SNAPLEN": HOOK_SNAPLEN,
        "FACT_RESULT": NUMBERS[Fact.RESULT],
        "FACT_KNOWN": KNOWN,
        "FACT_OTHER_ADDRESS": OTHER_ADDRESS,
        "KNOWN_USER": KNOWN_USER,
        "KNOWN_CONTAINER": KNOWN_CONTAINER,
        "KNOWN_ENDS": KNOWN_ENDS,
        "KNOWN_NO_ENDS": KNOWN_NO_ENDS,
        "KNOWN_SOME_ENDS": KNOWN_SOME_ENDS,
        "NEED_NAME": NEEDS[Fact.NAME],
        "NEED_USER": NEEDS[Fact.UID],
        "NEED_CONTAINER": NEEDS[Fact.CONTAINER],
        "NEED_KIND": NEEDS[Fact.KIND],
        "NEED_PORT": NEEDS[Fact.PORT],
        "NEED_ADDRESS": NEEDS[Fact.ADDRESS],
    } | {f"KIND_{name}": number for name, number in KIND_NUMBERS.items()}


def always(value: int) -> bytes:
    """Return the instructions of a hook that has nothing to ask."""
    code = Code()
    code.constant(0, value)
    return code.pack()


def decide(groups: Sequence[Formula], mode: Mode) -> bytes:
    """Return the instructions that answer 1 or 0 by the formula of the call's group."""
    code, end = Code(), Label()
    yes, no = Label(), Label()
    code.load(_FIRST, _FACTS, GROUP, 4)
    for number, formula in enumerate(groups):
        following = Label()
        code.jump_if(_FIRST, "!=", number, following)
        Writer(code, mode).formula(formula, yes, no)
        code.place(following)
    code.place(yes)
    code.constant(0, 1)
    code.jump(end)
    code.place(no)
    code.constant(0, 0)
    code.place(end)
    return code.pack()


def choose(groups: Sequence[Rules], otherwise: int) -> bytes:
    """Return the instructions that answer the number of the first rule that certainly holds.

    The group of a call is one more than its place in `groups`.
    """
    code, end = Code(), Label()
    code.load(_FIRST, _FACTS, GROUP, 4)
    for number, rules in enumerate(groups, 1):
        following = Label()
        code.jump_if(_FIRST, "!=", number, following)
        for formula, value in rules:
            yes, no = Label(), Label()
            Writer(code, Mode.MUST).formula(formula, yes, no)
            code.place(yes)
            code.constant(0, value)
            code.jump(end)
            code.place(no)
        code.constant(0, otherwise)
        code.jump(end)
        code.place(following)
    code.constant(0, otherwise)
    code.place(end)
    return code.pack()


@dataclass(slots=True)
class Writer:
    """Writes formulas: jumps to one of two labels, to `yes` or `no` by `mode` when a fact is not known."""

    code: Code
    mode: Mode

    def formula(self, formula: Formula, yes: Label, no: Label) -> None:
        """Write a formula."""
        if isinstance(formula, bool):
            self.code.jump(yes if formula else no)
        elif isinstance(formula, Comparison):
            unknown = yes if self.mode is Mode.MAY else no
            targets = (no, yes) if formula.negated else (yes, no)
            _WRITERS.get(formula.fact, _write_number)(self.code, formula, *targets, unknown)
        else:
            self._group(formula, yes, no)

    def _group(self, group: Group, yes: Label, no: Label) -> None:
        for item in group.items:
            following = Label()
            self.formula(item, *((following, no) if group.is_all else (yes, following)))
            self.code.place(following)
        self.code.jump(yes if group.is_all else no)


_Writer = Callable[[Code, Comparison, Label, Label, Label], None]


def _require(code: Code, bit: int, unknown: Label) -> None:
    """Go on only when a fact is known."""
    known = Label()
    code.load(_KNOWN, _FACTS, KNOWN, 4)
    code.jump_if(_KNOWN, "&", bit, known)
    code.jump(unknown)
    code.place(known)


def _write_number(code: Code, test: Comparison, yes: Label, no: Label, unknown: Label) -> None:
    if test.fact is Fact.UID:
        _require(code, KNOWN_USER, unknown)
    code.load(_FIRST, _FACTS, NUMBERS[test.fact])
    # what has no value compares to nothing
    if test.fact is Fact.LENGTH:
        code.jump_if(_FIRST, "<", 0, no)
    elif test.fact is Fact.LATENCY:
        code.jump_if(_FIRST, "=", 0, no)
    _compare(code, _FIRST, test, yes, no)


def _compare(code: Code, register: int, test: Comparison, yes: Label, no: Label) -> None:
    for value in test.values:
        assert isinstance(value, int)
        code.jump_if(register, test.op, value, yes)
    code.jump(no)


def _write_container(code: Code, test: Comparison, yes: Label, no: Label, unknown: Label) -> None:
    _require(code, KNOWN_CONTAINER, unknown)
    code.load(_FIRST, _FACTS, CONTAINERS)
    assert isinstance(test.values[0], int)
    code.jump_if(_FIRST, "&", 1 << test.values[0], yes)
    code.jump(no)


def _word(text: bytes) -> int:
    return int.from_bytes(text.ljust(8, b"\0"), "little")


def _write_name(code: Code, test: Comparison, yes: Label, no: Label, _: Label) -> None:
    if test.op == "!=":
        yes, no = no, yes
    for text in test.values:
        assert isinstance(text, bytes)
        if len(text) > NAME_MAX or b"\0" in text:
            continue
        following = Label()
        # a name ends in NUL bytes up to its full length, a prefix in whatever follows
        used = len(text) if test.op == "startswith" else NAME_MAX + 1
        for i, start in enumerate(range(0, used, 8)):
            code.load(_FIRST, _FACTS, NAME + 8 * i)
            if used - start < 8:
                code.mask(_FIRST, (1 << 8 * (used - start)) - 1)
            code.jump_if(_FIRST, "!=", _word(text[start : start + 8]), following)
        code.jump(yes)
        code.place(following)
    code.jump(no)


def _write_kind(code: Code, test: Comparison, yes: Label, no: Label, unknown: Label) -> None:
    if test.op == "!=":
        yes, no = no, yes
    code.load(_FIRST, _FACTS, KIND, 4)
    for name, words in KINDS.items():
        code.jump_if(_FIRST, "=", KIND_NUMBERS[name], _is_kind(words, test, yes, no, unknown))
    code.jump(unknown)


def _write_family(code: Code, test: Comparison, yes: Label, no: Label, unknown: Label) -> None:
    code.load(_FIRST, _FACTS, KIND, 4)
    code.jump_if(_FIRST, "=", 0, unknown)
    for family, names in FAMILIES.items():
        holds = (family in test.values) is (test.op == "=")
        for name in names:
            code.jump_if(_FIRST, "=", KIND_NUMBERS[name], yes if holds else no)
    code.jump(no)


def _is_kind(words: tuple[bytes, ...], test: Comparison, yes: Label, no: Label, unknown: Label) -> Label:
    if not words:
        return no if _NAMED.issuperset(test.values) else unknown
    if not test.sure:
        return yes if words[0] in test.values else no
    hits = [word in test.values for word in words]
    return yes if all(hits) else unknown if any(hits) else no


def _require_ends(code: Code, test: Comparison, none: Label, unknown: Label) -> None:
    bit = KNOWN_ENDS if test.sure else KNOWN_SOME_ENDS
    code.load(_KNOWN, _FACTS, KNOWN, 4)
    code.jump_if(_KNOWN, "&", KNOWN_NO_ENDS, none)
    _require(code, bit, unknown)


def _write_port(code: Code, test: Comparison, yes: Label, no: Label, unknown: Label) -> None:
    _require_ends(code, test, no, unknown)
    if test.op == "exists":
        code.jump(yes)
        return

    def compare(offset: int, hit: Label, miss: Label) -> None:
        code.load(_FIRST, _FACTS, offset, 4)
        _compare(code, _FIRST, test, hit, miss)

    _two_ends(code, test, (OWN_PORT, OTHER_PORT), compare, (yes, no, unknown))


def _write_address(code: Code, test: Comparison, yes: Label, no: Label, unknown: Label) -> None:
    _require_ends(code, test, no, unknown)

    def compare(offset: int, hit: Label, miss: Label) -> None:
        if test.op == "!=":
            hit, miss = miss, hit
        for value in test.values:
            following = Label()
            _match_address(code, offset, value, following)
            code.jump(hit)
            code.place(following)
        code.jump(miss)

    _two_ends(code, test, (OWN_ADDRESS, OTHER_ADDRESS), compare, (yes, no, unknown))


def _match_address(code: Code, offset: int, value: object, miss: Label) -> None:
    """Go on when the address at an offset is that address, or in that network."""
    address, bits = (value.address, value.bits) if isinstance(value, Network) else (value, None)
    assert isinstance(address, bytes)
    size, step = len(address), min(len(address), 8)
    mask = (2 ** (8 * size) - 2 ** (8 * size - (8 * size if bits is None else bits))).to_bytes(size, "big")
    code.load(_FIRST, _FACTS, ADDRESS_SIZE, 4)
    code.jump_if(_FIRST, "!=", size, miss)
    for start in range(0, size, step):
        part, kept = (int.from_bytes(raw[start : start + step], "little") for raw in (address, mask))
        code.load(_FIRST, _FACTS, offset + start, step)
        code.mask(_FIRST, kept, step)
        code.jump_if(_FIRST, "!=", part & kept, miss)


_Compare = Callable[[int, Label, Label], None]


def _two_ends(
    code: Code, test: Comparison, ends: tuple[int, int], compare: _Compare, targets: tuple[Label, Label, Label]
) -> None:
    """Write a comparison of the end that is meant: "" either, "l" the own, "r" the other, "cs" one of them."""
    yes, no, unknown = targets
    if test.side in ("l", "r"):
        compare(ends[test.side == "r"], yes, no)
        return
    first_hit, first_miss = Label(), Label()
    compare(ends[0], first_hit, first_miss)
    code.place(first_hit)
    if test.side == "cs":
        compare(ends[1], yes, unknown)
    elif test.op == "!=":
        compare(ends[1], yes, no)
    else:
        code.jump(yes)
    code.place(first_miss)
    if test.side == "cs":
        compare(ends[1], unknown, no)
    elif test.op == "!=":
        code.jump(no)
    else:
        compare(ends[1], yes, no)


_WRITERS: Final[dict[Fact, _Writer]] = {
    Fact.CONTAINER: _write_container,
    Fact.NAME: _write_name,
    Fact.KIND: _write_kind,
    Fact.FAMILY: _write_family,
    Fact.PORT: _write_port,
    Fact.ADDRESS: _write_address,
}
