"""Every field there is has a value in some event of the traces at hand: there is no getter that nothing was asked of.

Fields that cannot have a value in any stream are marked so in the catalogue, and are not in `-l`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from sysdig_py.capture.traces import open_replay
from sysdig_py.engine.vm import Engine
from sysdig_py.schema.fields import fields, listing
from sysdig_py.schema.state import State
from tests.oracle.made_traces import files, tracers
from tests.source_tree import ROOT
from tests.synthetic import Stream

DEMO = ROOT / "tests" / "data" / "demo.spy"
# what to ask of fields with an argument; [0] of the others
ARGUMENTS = {
    "evt.arg": "[0]", "evt.rawarg": ".res", "evt.type.is": ".open", "evt.around": "[1]", "thread.cgroup": ".cpu",
    "span.arg": ".x", "span.enterarg": ".x", "evt.abspath": "",
}  # fmt: skip
# only filters ask these, and get an answer of their own
FILTER_ONLY = {"evt.around"}
MESSAGE = b"<30>cron: done"
FACTS = {
    "Mounts": [{"Source": "/src", "Destination": "/dst", "Mode": "ro", "RW": True, "Propagation": "rprivate"}],
    "Healthcheck": {"exe": "curl", "args": []}, "LivenessProbe": {"exe": "live", "args": []},
    "ReadinessProbe": {"exe": "ready", "args": []},
}  # fmt: skip
LABELS = b"io.kubernetes.pod.name=pod\0io.kubernetes.pod.namespace=ns\0io.kubernetes.pod.uid=uid\0"


def rare() -> Stream:
    """What the traces do not tell of: a pod, the program's file, rights, a log, paths in pairs, spans in spans."""
    stream = Stream(step=1_000_000)
    stream.state(State.CGROUP, cgroup_id=9, path="/c", container_id="abc")
    known = {"id": "abc", "full_id": "abc", "type": "docker", "name": "web", "image_digest": "sha256:1"}
    stream.state(State.CONTAINER, labels=LABELS, json=json.dumps(FACTS), **known)
    stream.thread(10, cgroup=9, comm="app", cwd="/home/", start_ts=1_600_000_000_000_000_000)
    stream.thread(11, cgroup=9, comm="child", ptid=10)
    values = {"res": 0, "exe": "app", "comm": "app", "tid": 10, "pid": 10, "ptid": 1, "flags": 15, "cap_inheritable": 1,
              "cap_permitted": 2, "cap_effective": 4, "exe_ino": 7, "exe_ino_ctime": 5, "exe_ino_mtime": 6}  # fmt: skip
    stream.call("SYSCALL_EXECVE_19_X", values, 10, cgroup_id=9)
    stream.event("SYSCALL_RENAME_X", 10, cgroup=9, res=0, oldpath="a", newpath="b")
    stream.event("SYSCALL_MMAP_X", 10, cgroup=9, res=-12)
    for fd, name in ((3, "/dev/log"), (4, "/dev/null")):
        stream.event("SYSCALL_OPENAT_2_X", 10, cgroup=9, fd=fd, dirfd=-100, name=name, flags=2)
    stream.event("SYSCALL_WRITE_X", 10, cgroup=9, res=len(MESSAGE), data=MESSAGE, fd=3, size=len(MESSAGE))
    for text in (b">:1:a:x=1:", b">:1:a.b:x=1:", b"<:1:a.b:x=2:"):
        stream.event("SYSCALL_WRITE_X", 10, cgroup=9, res=len(text), data=text, fd=4, size=len(text))
        stream.event("SYSCALL_CLOSE_X", 11, cgroup=9, res=0, fd=99)
    said = "ID:abc; Name:web; Image:img"
    return stream.event("INFRASTRUCTURE_EVENT_E", 10, source="docker", name="start", description=said, scope="x")


def _expressions() -> list[str]:
    asked = []
    for field in fields().values():
        argument = ARGUMENTS.get(field.name, "[0]" if "A" in field.flags else "")
        asked.append(field.name + argument)
    return asked


def _watch(engine: Engine) -> None:
    listed = ", ".join(f'"{name}"' for name in _expressions())
    engine.execute(f"""
        local fields, getters = require("fields.init"), {{}}
        seen = {{}}
        for _, name in ipairs({{ {listed} }}) do
            getters[name] = assert(fields.lookup(name), "no field " .. name).text
        end
        require("walk").add_sink{{ on_event = function()
            for name, text in pairs(getters) do
                local value = not seen[name] and text()
                if value and value ~= "" and value ~= "<NA>" then seen[name] = true end
            end
        end }}""")


def _seen(engine: Engine) -> set[str]:
    return {name.decode() for name in engine.execute("return seen")}


def _of_trace(path: Path) -> set[str]:
    with closing(open_replay(path)) as source:
        engine = Engine(source.machine, dialect=source.dialect)
        _watch(engine)
        source.start(engine)
        while source.pump(engine):
            pass
        return _seen(engine)


def _of_stream(stream: Stream) -> set[str]:
    engine = Engine({"hostname": "box"})
    _watch(engine)
    engine.feed_bytes(stream.take())
    return _seen(engine)


def _sets() -> Iterator[set[str]]:
    yield from (_of_trace(path) for path in (DEMO, files()[-1], files()[8], tracers()))
    yield _of_stream(rare())


@cache
def valued() -> frozenset[str]:
    """Return the fields that had a value somewhere."""
    seen = set[str]().union(*_sets())
    asked = dict(zip(_expressions(), fields(), strict=True))
    return frozenset(asked[name] for name in seen)


@pytest.mark.parametrize("name", [name for name, field in fields().items() if "X" not in field.flags])
def test_a_field_has_a_value_somewhere(name: str) -> None:
    assert name in valued() | FILTER_ONLY


def test_fields_that_never_have_a_value_have_none() -> None:
    assert [name for name, field in fields().items() if "X" in field.flags and name in valued()] == []


def test_what_is_listed_is_what_has_values() -> None:
    shown = {line.split()[0] for line in listing(verbose=False).splitlines() if line and line[0].isalpha()}
    never = {name for name, field in fields().items() if "X" in field.flags}
    assert {name for name, field in fields().items() if not field.flags.strip("FPAa")} <= shown
    assert shown & never == set()
    assert "never has a value" in listing(verbose=True)
