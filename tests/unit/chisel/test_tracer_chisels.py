"""Chisels about spans that programs announce, and the summary of a capture."""

import json

from sysdig_py.chisel.run import ChiselSettings
from tests.synthetic import Stream
from tests.unit.chisel.running import file, play, read, write


def spans() -> bytes:
    """A login that takes 9 ms, in it a query of 4 ms and another of 1 ms; an end that never began."""
    stream = Stream(step=1_000_000).thread(10, comm="app", exe="/bin/app")
    file(stream, 10, 3, "/dev/null")
    for text in (">:1:login::", ">:1:login.db query::", "", "", "", "<:1:login.db query::", ">:1:login.db query::",
                 "<:1:login.db query::", "", "<:1:login::", "<:9:never::"):  # fmt: skip
        write(stream, 10, 3, len(text), text.encode()) if text else read(stream, 10, 3, 1)
    return stream.take()


def test_spans_become_statsd_timers() -> None:
    done = play([("tracers_2_statsd", "127.0.0.1 8125")], spans())
    assert done.output.splitlines() == ["login.db_query:4|ms", "login.db_query:1|ms", "login:9|ms"]
    assert done.failures == []


def test_spans_become_folded_stacks() -> None:
    assert play([("flame", None)], spans()).output.splitlines() == ["login 4000", "login;db_query 5000"]


def test_spans_become_a_tree() -> None:
    tree = json.loads(play([("flame", None)], spans(), settings=ChiselSettings(json=True)).output)
    assert (tree["login"]["tt"], tree["login"]["c"], tree["login"]["exe"]) == (9e6, 1, "/bin/app")
    assert (tree["login"]["ch"]["db query"]["tt"], tree["login"]["ch"]["db query"]["c"]) == (5e6, 2)


def summary(points: str | None = None) -> dict[str, dict[str, object]]:
    stream = Stream(step=500_000_000).thread(10, comm="app")
    file(stream, 10, 3, "/etc/app.log")
    for size in (10, 20, 30):
        write(stream, 10, 3, size, b"an error\nfine\n", latency=20_000_000)
        read(stream, 10, 3, size)
    stream.event("SYSCALL_OPENAT_2_X", 10, fd=-2, dirfd=-100, name="/none")
    return json.loads(play([("wsysdig_summary", points)], stream.take()).output)["metrics"]


def test_a_summary_counts_in_all_and_per_second() -> None:
    metrics = summary()
    totals = {name: metric["tot"] for name, metric in metrics.items()}
    assert totals == {
        "syscallCount": 7, "fileBytes": 120, "fileBytesW": 60, "fileBytesR": 60, "sysFileCountW": 3, "appLogCount": 6,
        "appLogCountE": 3, "over1msFileIoCount": 3, "over10msFileIoCount": 3, "openErrorCount": 1,
    }  # fmt: skip
    course = [point["v"] for point in metrics["fileBytes"]["timeLine"]]
    assert sum(course) == 120
    assert len(course) == 4
    assert metrics["fileBytes"]["max"] == max(course)


def test_a_summary_has_as_many_points_as_asked_for() -> None:
    assert [point["v"] for point in summary("1")["fileBytes"]["timeLine"]] == [120]
    assert len(summary("2")["syscallCount"]["timeLine"]) == 2
