import pytest

from sysdig_py import filter as filters
from sysdig_py.filter.kernel_facts import Fact, Subject, Unknown, fact_of, fold
from sysdig_py.filter.semantics import typed

READ = Subject("read", 7, 512 | 32, 4 | 8, has_result=True, fd=0)
OPEN = Subject("open", 3, 512 | 2, 1 | 32, has_result=True, fd=None, feeds_state=True)
GENERIC = Subject("getpid", 1, 512 | 1, 0, has_result=False, fd=None)


@pytest.mark.parametrize(
    ("name", "subject", "value"),
    [
        ("evt.type", READ, "read"),
        ("syscall.type", Subject("switch", 152, 128, 0), None),
        ("evt.dir", OPEN, "<"),
        ("evt.category", OPEN, "file"),
        ("evt.is_io_read", READ, True),
        ("evt.is_wait", READ, False),
        ("evt.io_dir", READ, "read"),
        ("evt.io_dir", GENERIC, None),
        ("evt.type.is.read", READ, 1),
        ("evt.type.is[7]", READ, 1),
        ("evt.type.is.3", READ, 0),
        ("evt.rawres", READ, Fact.RESULT),
        ("evt.rawres", GENERIC, None),
        ("evt.failed", GENERIC, False),
        ("evt.buflen", GENERIC, None),
        ("evt.buflen.out", READ, None),
        ("evt.buflen.in", READ, Fact.LENGTH),
        ("fd.num", READ, Fact.FD),
        ("fd.port", GENERIC, None),
        ("fd.sip", READ, Fact.ADDRESS),
        ("proc.name", OPEN, Fact.NAME),
    ],
)
def test_what_is_known(name, subject, value):
    assert fact_of(name, subject) == value


@pytest.mark.parametrize(
    ("name", "subject", "reason"),
    [
        ("fd.name", READ, "does not know fd.name"),
        ("evt.category", READ, "depends on what its fd is"),
        ("evt.category", GENERIC, "depends"),
        ("fd.type", OPEN, "once its effect is"),
        ("evt.res", Subject("sendmmsg", 5, 512, 0, has_result=None), "not the one of the call"),
    ],
)
def test_what_is_not_known_and_why(name, subject, reason):
    found = fact_of(name, subject)
    assert isinstance(found, Unknown)
    assert reason in found.why


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("evt.type=read", True),
        ("evt.type!=read", False),
        ("evt.type in (open, read)", True),
        ("evt.type contains ea", True),
        ("evt.type icontains EA", True),
        ("evt.type startswith re", True),
        ("evt.type endswith re", False),
        ("evt.type glob r*d", True),
        ("evt.type iglob R*D", True),
        ("evt.type regex 'r.+d'", True),
        ("evt.type>pread", True),
        ("evt.type exists", True),
        ("evt.type startswith oneof(re, rea)", False),
        ("evt.type startswith allof(re, rea)", True),
    ],
)
def test_checks_of_what_is_settled(text, holds):
    assert fold(typed(filters.compile(text).ast, text), "read") is holds
    assert fold(typed(filters.compile(text).ast, text), None) is False


def test_paths_are_left_to_the_engine():
    text = "evt.type pmatch (/a)"
    assert isinstance(fold(typed(filters.compile(text).ast, text), "read"), Unknown)
