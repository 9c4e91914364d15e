import pytest

from sysdig_py import filter as filters
from sysdig_py.filter.kernel_comparison import Comparison, comparison_of
from sysdig_py.filter.kernel_facts import Fact, Unknown
from sysdig_py.filter.semantics import typed
from sysdig_py.filter.values import Network


def made(fact, text):
    return comparison_of(fact, typed(filters.compile(text).ast, text))


@pytest.mark.parametrize(
    ("fact", "text", "expected"),
    [
        (Fact.PID, "proc.pid in (1, 2)", Comparison(Fact.PID, "=", (1, 2))),
        (Fact.PID, "proc.pid exists", True),
        (Fact.PID, "proc.pid in ()", False),
        (Fact.LATENCY, "evt.latency exists", Comparison(Fact.LATENCY, ">=", (1,))),
        (Fact.LATENCY, "evt.latency>=5", Comparison(Fact.LATENCY, ">=", (5,))),
        (Fact.NAME, "proc.name startswith ab", Comparison(Fact.NAME, "startswith", (b"ab",))),
        (Fact.OUTCOME, "evt.res in (SUCCESS, ENOENT)", Comparison(Fact.OUTCOME, "=", (0, -2))),
        (Fact.OUTCOME, "evt.failed=true", Comparison(Fact.OUTCOME, "<", (0,))),
        (Fact.OUTCOME, "evt.failed!=true", Comparison(Fact.OUTCOME, "=", (0,))),
        (Fact.KIND, "fd.type!=file", Comparison(Fact.KIND, "!=", (b"file",))),
        (Fact.PORT, "fd.port=80", Comparison(Fact.PORT, "=", (80,))),
        (Fact.PORT, "fd.sport=80", Comparison(Fact.PORT, "=", (80,), side="cs")),
        (Fact.PORT, "fd.rport exists", Comparison(Fact.PORT, "exists")),
        (Fact.ADDRESS, "fd.lip=1.2.3.4", Comparison(Fact.ADDRESS, "=", (b"\1\2\3\4",), side="l")),
        (Fact.ADDRESS, "fd.net=10.0.0.0/8", Comparison(Fact.ADDRESS, "=", (Network(b"\n\0\0\0", 8),))),
    ],
)
def test_what_the_kernel_can_compare(fact, text, expected):
    assert made(fact, text) == expected


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (Fact.PID, "proc.pid=1.5"),
        (Fact.LATENCY, "evt.latency=0xffffffffffffffff"),
        (Fact.NAME, "proc.name contains a"),
        (Fact.OUTCOME, "evt.res=-512"),
        (Fact.OUTCOME, "evt.res startswith E"),
        (Fact.KIND, "fd.type startswith i"),
        (Fact.ADDRESS, "fd.ip exists"),
        (Fact.PID, "proc.pid=oneof(1, 2)"),
    ],
)
def test_what_it_cannot(fact, text):
    assert isinstance(made(fact, text), Unknown)
