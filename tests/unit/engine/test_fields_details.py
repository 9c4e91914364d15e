"""Fields beyond the basics: relatives of a process, container details, paths, the program that runs."""

import json

import pytest

from sysdig_py.engine.vm import Engine
from sysdig_py.schema.record import Flag
from sysdig_py.schema.state import State
from tests.lua_probe import Probe
from tests.synthetic import Stream

FACTS = {
    "Mounts": [
        {"Source": "/src", "Destination": "/dst", "Mode": "ro", "RW": False, "Propagation": "rprivate"},
        {"Source": "/a b", "Destination": "/c", "Mode": "", "RW": True, "Propagation": ""},
    ],
    "Healthcheck": {"exe": "curl", "args": ["-f", "http://x"]},
}


def texts(stream: Stream, *names: str) -> list[str]:
    """Texts of fields for the last event of the stream; `-` for no value."""
    probe = Probe(Engine({"hostname": "box"}))
    listed = ", ".join(f"'{name}'" for name in names)
    probe.lua(f"""
        local fields, getters = require("fields.init"), {{}}
        for i, name in ipairs({{ {listed} }}) do
            getters[i] = assert(fields.lookup(name), "no field " .. name).text
        end
        require("walk").add_sink{{ on_event = function()
            for i = 1, #getters do require("out").write((getters[i]() or "-") .. "\\1") end
        end }}""")
    probe.feed(stream)
    return probe.engine.take_output().decode(errors="replace").split("\1")[-len(names) - 1 : -1]


def close(stream: Stream, tid: int, **header: int) -> Stream:
    return stream.event("SYSCALL_CLOSE_X", tid, res=0, fd=3, **header)


def family() -> Stream:
    stream = Stream().thread(10, comm="sshd", exe="/usr/sbin/sshd", exepath="/usr/sbin/sshd", ptid=1, pgid=10)
    return stream.thread(20, comm="bash", exe="-bash", exepath="/bin/bash", ptid=10, sid=10, vpgid=20, pgid=10,
                         args=b"-c\0ls x\0", env=b"HOME=/root\0B=2\0", vpid=20, vtid=20)  # fmt: skip


def test_relatives():
    names = ("proc.pexe proc.pexepath proc.aexe[1] proc.aexepath[0] proc.acmdline[1] proc.aargs[0] proc.sid.exe"
             " proc.pgid proc.pgid.name proc.vpgid.name proc.is_sid_leader proc.is_vpgid_leader proc.is_pgid_leader"
             " proc.aexe[9] proc.aenv[HOME] proc.aenv[NONE] proc.cmdnargs proc.cmdlenargs")  # fmt: skip
    assert texts(close(family(), 20), *names.split()) == [
        "/usr/sbin/sshd", "/usr/sbin/sshd", "/usr/sbin/sshd", "/bin/bash", "sshd", "-c ls x", "/usr/sbin/sshd",
        "10", "sshd", "bash", "false", "true", "false", "-", "/root", "-", "2", "6",
    ]  # fmt: skip


def container(stream: Stream, **facts: object) -> Stream:
    stream.state(State.CGROUP, cgroup_id=9, path="/c", container_id="abc")
    labels = b"io.kubernetes.pod.name=pod1\0io.kubernetes.pod.namespace=ns1\0io.kubernetes.pod.uid=u1\0"
    return stream.state(
        State.CONTAINER, id="abc", full_id="abc", type="docker", name="web", labels=labels, json=json.dumps(facts)
    )


def test_what_the_runtime_said_about_a_container():
    stream = container(Stream(), **FACTS).thread(20, cgroup=9)
    names = ("container.mounts|container.mount[0]|container.mount[/s*]|container.mount[7]|container.mount.source[/dst]"
             "|container.mount.dest[1]|container.mount.mode[/src]|container.mount.rdwr[1]"
             "|container.mount.propagation[0]|container.healthcheck|container.liveness_probe|k8s.pod.name|k8s.ns.name"
             "|k8s.pod.id|k8s.rc.name|k8s.pod.label.app/x")  # fmt: skip
    assert texts(close(stream, 20, cgroup=9), *names.split("|")) == [
        "/src:/dst:ro:false:rprivate,/a b:/c::true:", "/src:/dst:ro:false:rprivate", "/src:/dst:ro:false:rprivate",
        "-", "/src", "/c", "ro", "true", "rprivate", "curl -f http://x", "NONE", "pod1", "ns1", "u1", "-", "-",
    ]  # fmt: skip


def test_details_outside_of_containers_and_without_facts():
    names = ("container.mounts", "container.healthcheck", "k8s.pod.name")
    assert texts(close(Stream().thread(20), 20), *names) == ["-", "-", "-"]
    assert texts(close(container(Stream()).thread(20, cgroup=9), 20, cgroup=9), *names[1:]) == ["NONE", "pod1"]


@pytest.mark.parametrize(("exe", "args", "vpid", "expected"), [
    ("curl", b"-f\0http://x\0", 7, "true"), ("curl", b"-f\0", 7, "false"), ("curl", b"-f\0http://x\0", 1, "false"),
])  # fmt: skip
def test_health_checks_are_told_by_their_command(exe, args, vpid, expected):
    stream = container(Stream(), **FACTS).thread(20, exe=exe, args=args, vpid=vpid, cgroup=9)
    found = texts(close(stream, 20, cgroup=9), "proc.is_container_healthcheck", "proc.is_container_liveness_probe")
    assert found == [expected, "false"]


def test_paths_of_calls():
    stream = Stream().thread(20, cwd="/home/")
    stream.event("SYSCALL_RENAME_X", 20, res=0, oldpath="a", newpath="/b")
    names = ("fs.path.source", "fs.path.sourceraw", "fs.path.target", "fs.path.targetraw", "fs.path.name")
    assert texts(stream, *names) == ["/home/a", "a", "/b", "/b", "-"]
    opened = Stream().thread(20, cwd="/home/").event("SYSCALL_OPEN_X", 20, fd=3, name="x", flags=16384 + 4, ino=5)
    names = ("fs.path.name", "fs.path.nameraw", "fd.nameraw", "evt.is_open_create", "fs.path.source", "fd.types")
    assert texts(opened, *names) == ["/home/x", "x", "x", "true", "-", "file"]


def test_the_source_and_fields_nothing_is_known_of():
    names = ("evt.source", "evt.hostname", "evt.is_async", "evt.pluginname", "span.id", "evtin.span.p.tag[0]",
             "mesos.task.name", "fd.sip.name", "proc.exe_ino", "thread.cap_effective", "util.cnt")  # fmt: skip
    assert texts(close(family(), 20), *names) == [
        "syscall", "box", "false", "-", "-", "-", "-", "-", "-", "-", "1",
    ]  # fmt: skip


@pytest.mark.parametrize(("flags", "expected"), [(0, "false"), (Flag.IO_URING, "true")])
def test_what_came_through_an_io_uring_is_marked(flags, expected):
    assert texts(close(family(), 20, record_flags=flags), "evt.is_io_uring", "evt.type") == [expected, "close"]


def test_reading_json():
    probe = Probe()
    probe.lua("function parsed(text, ...) return require('json_reader').parse(text) end")
    assert probe.value("""parsed('{"a":[1,-2.5e1,true,null,"x"]}').a[2]""") == -25
    assert probe.value(r"""parsed('["\\u00e9\\ud83d\\ude00\\n\\/"]')[1]""").decode() == "é😀\n/"
    for text in ("{", "[1,]", '{"a"}', '"open', "tru", "[] []", "[" * 100):
        assert probe.value(f"(pcall(parsed, '{text}'))") is False


@pytest.mark.parametrize(("pattern", "text", "expected"), [
    ("/s*", "/src", True), ("/s?c", "/src", True), ("/[a-z]rc", "/src", True), ("/[!s]rc", "/src", False),
    ("a.c", "abc", False), ("*.log", "/x/y.log", True), ("[", "[", True),
])  # fmt: skip
def test_patterns_of_arguments(pattern, text, expected):
    assert Probe().value(f"require('fields.glob').matches('{pattern}', '{text}')") is expected
