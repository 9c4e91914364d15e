"""Traces of different kinds in one run: read one after the other, counted together."""

from pathlib import Path

import pytest

from sysdig_py.ui.cli.main import main
from tests import scap
from tests.traces import write_story


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """Read a native trace, one of the other kind, and the first again."""
    native = write_story(tmp_path / "a.spy")
    trace = scap.Trace(scap.processes(scap.process(10, comm="prog")))
    for _ in range(3):
        trace.event(6, scap.i64(3), scap.u32(1)).event(7, scap.i64(1), b"a")
    other = tmp_path / "b.scap"
    other.write_bytes(trace.data)
    return [word for path in (native, other, native) for word in ("-r", str(path))]


def run(words: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[list[str], list[str]]:
    assert main(words) == 0
    done = capfd.readouterr()
    return done.out.splitlines(), done.err.splitlines()


def test_lines_come_in_the_order_of_the_traces(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    out, err = run([*words, "-p", "%evt.num %evt.dir %proc.name", "evt.type=read"], capfd)
    first = out[: out.index("1 > prog")]
    assert len(first) > 2
    assert out == [*first, *(f"{n} {'<>'[n % 2]} prog" for n in range(1, 7)), *first]
    assert err == []


def test_events_are_counted_together(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    def counts(of: list[str]) -> dict[str, int]:
        out, _ = run([*of, "-S", "-q"], capfd)
        return {" ".join(row.split()[:2]): int(row.split()[2]) for row in out[3:]}

    native, both = counts(words[:2]), counts(words)
    assert both == {name: 2 * number for name, number in native.items()} | {
        "> read": 3,
        "< read": 2 * native["< read"] + 3,
    }


def test_a_chisel_goes_on_with_the_next_trace_of_its_kind(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    out, err = run([*words, "-c", "topscalls", "evt.type=read"], capfd)
    rows = [row.split() for row in out if row and row[0].isdigit()]
    once = int(rows[0][0])
    assert rows == [[str(once), "read"], ["6", "read"], [str(2 * once), "read"]]
    assert len(err) == 1
    assert "b.scap: events of another kind than before, chisels begin anew" in err[0]
