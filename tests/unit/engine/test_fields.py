import pytest

from sysdig_py.schema.events import syscall_names
from sysdig_py.schema.fields import fields
from sysdig_py.schema.state import State
from tests.lua_probe import Probe
from tests.synthetic import Stream, tuple4


def texts(stream: Stream, *names: str) -> list[str]:
    """Texts of fields for the last event of the stream; `-` for no value."""
    probe = Probe()
    listed = ", ".join(f'"{name}"' for name in names)
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


def test_catalogue_and_getters_are_one_list():
    getters = Probe().value("require('fields.init').getters")
    assert sorted(name.decode() for name in getters) == sorted(fields())


def test_prefix_takes_the_longest_name_and_leaves_the_rest():
    probe = Probe()
    probe.lua("""
        function found(text)
            local field, rest = require("fields.init").prefix(text)
            return field and field.name .. "|" .. rest
        end""")
    assert probe.value("found('evt.time.s and')") == b"evt.time.s| and"
    assert probe.value("found('evt.timefoo')") == b"evt.time|foo"
    assert probe.value("found('proc.aname[2])')") == b"proc.aname[2]|)"
    assert probe.value("found('proc.aname.')") == b"proc.aname|."
    assert probe.value("found('evt.rawarg.resfoo')") == b"evt.rawarg.res|foo"
    assert probe.value("found('evt.arg')") is None
    assert probe.value("found('nosuch.field')") is None
    assert probe.value("require('fields.init').lookup('evt.timefoo')") is None


def test_process_fields():
    stream = Stream().thread(10, comm="sshd", ptid=1, args=b"-D\0")
    stream.thread(20, comm="bash", ptid=10, exe="-bash", exepath="/bin/bash", args=b"-c\0ls x\0", cwd="/root/", sid=10,
                  env=b"A=1\0B=2\0", fdlimit=1024, tty=3, vpgid=20, vm_size=10, vm_rss=5, vm_swap=1, vtid=2, vpid=2,
                  cgroups=b"cpu=/a\0memory=/b=c\0")  # fmt: skip
    stream.thread(21, pid=20, comm="worker", ptid=10)
    names = ("proc.pid proc.name proc.exe proc.exepath proc.args proc.cmdline proc.exeline proc.cwd proc.env proc.ppid"
             " proc.pname proc.pcmdline proc.sid proc.sname proc.tty proc.vpid thread.vtid thread.ismain proc.vmsize"
             " proc.fdlimit thread.cgroups thread.cgroup.memory thread.cgroup.nosuch proc.nthreads thread.nametid"
             " proc.loginshellid proc.aname[1] proc.apid[1]")  # fmt: skip
    assert texts(close(stream, 20), *names.split()) == [
        "20", "bash", "-bash", "/bin/bash", "-c ls x", "bash -c ls x", "-bash -c ls x", "/root/", "A=1 B=2", "10",
        "sshd", "sshd -D", "10", "sshd", "3", "2", "2", "true", "10",
        "1024", "cpu=/a memory=/b=c", "/b=c", "-", "2", "bash20",
        "20", "sshd", "10",
    ]  # fmt: skip


def test_a_thread_shares_what_its_process_has():
    stream = Stream().thread(20, comm="java", cwd="/srv/", vm_size=7).thread(21, pid=20, comm="gc")
    names = ("proc.name", "proc.cwd", "proc.vmsize", "thread.vmsize", "thread.ismain")
    assert texts(close(stream, 21, pid=20), *names) == ["gc", "/srv/", "7", "0", "false"]


def test_users_and_groups():
    stream = Stream().state(State.USER, uid=5, gid=6, name="ann", home="/home/ann", shell="/bin/zsh")
    stream.state(State.GROUP, gid=6, name="staff").thread(1, uid=5, gid=6, loginuid=2**32 - 1)
    names = "user.uid user.name user.homedir user.shell group.gid group.name user.loginuid user.loginname"
    assert texts(close(stream, 1), *names.split()) == ["5", "ann", "/home/ann", "/bin/zsh", "6", "staff", "-1", "-"]
    assert texts(close(Stream().thread(1, uid=77), 1), "user.uid", "user.name") == ["77", "-"]


def contained() -> Stream:
    image = {"image": "nginx:1", "image_id": "i1", "image_repo": "nginx", "image_tag": "1"}
    facts = {"id": "abc123456789", "full_id": "abc", "type": "docker", "name": "web", "ip": "172.17.0.2"}
    stream = Stream().state(State.CONTAINER, **facts, **image, privileged=0)
    return stream.state(State.CGROUP, cgroup_id=9, path="/docker/abc", container_id="abc123456789").thread(1, cgroup=9)


def test_container_fields():
    names = ("container.id container.name container.type container.image container.image.id container.image.repository"
             " container.image.tag container.image.digest container.privileged")  # fmt: skip
    assert texts(close(contained(), 1, cgroup=9), *names.split()) == [
        "abc123456789", "web", "docker", "nginx:1", "i1", "nginx", "1", "-", "false",
    ]  # fmt: skip
    assert texts(close(Stream().thread(1), 1), *names.split()) == ["host"] * 3 + ["-"] * 6


def test_containers_behind_addresses():
    stream = contained().thread(2)
    stream.state(State.INTERFACE, netns=1, name="eth0", addr=bytes([10, 0, 0, 5]), netmask=bytes([255, 255, 255, 0]))
    stream.event("SOCKET_SOCKET_X", 2, fd=4, domain=2, type=1, proto=6)
    stream.event("SOCKET_CONNECT_X", 2, res=0, tuple=tuple4("10.0.0.5", 5555, "172.17.0.2", 80), fd=4)
    stream.event("SYSCALL_WRITE_X", 2, res=1, data=b"x", fd=4, size=1)
    names = "fd.cip.container fd.sip.container fd.cip fd.sip fd.lip fd.rip fd.rport fd.containername"
    assert texts(stream, *names.split()) == [
        "host", "web", "10.0.0.5", "172.17.0.2", "10.0.0.5", "172.17.0.2", "80", ":10.0.0.5:5555->172.17.0.2:80",
    ]  # fmt: skip


def test_file_fields():
    stream = Stream().thread(1).event("SYSCALL_OPEN_X", 1, fd=3, name="/etc/ssh/key", flags=1, dev=0x801)
    stream.event("SYSCALL_READ_X", 1, res=4, data=b"\0abc", fd=3, size=10)
    names = ("fd.num fd.type fd.typechar fd.name fd.directory fd.filename fd.dev.major fd.dev.minor fd.l4proto"
             " fd.sockfamily fd.sip fd.connected fd.uid evt.buflen evt.buflen.file.in evt.buflen.net evt.buffer"
             " evt.io_dir evt.category")  # fmt: skip
    assert texts(stream, *names.split()) == [
        "3", "file", "f", "/etc/ssh/key", "/etc/ssh", "key", "8", "1", "<NA>", "-",
        "-", "false", "13", "4", "4", "-", ".abc", "read", "file",
    ]  # fmt: skip


def test_unknown_descriptors_speak_through_the_event():
    failed = Stream().thread(1).event("SYSCALL_OPENAT_2_X", 1, fd=-2, dirfd=-100, name="no/such")
    assert texts(failed, "fd.name", "fd.typechar", "fd.type", "evt.res", "evt.abspath") == [
        "/home/no/such", "f", "-", "ENOENT", "/home/no/such",
    ]  # fmt: skip
    read = Stream().thread(1).event("SYSCALL_READ_X", 1, res=-9, fd=77, size=1)
    assert texts(read, "fd.name", "fd.typechar", "evt.buflen", "evt.count.error.other") == ["", "o", "-", "1"]


def test_opens_tell_their_purpose():
    names = ("evt.is_open_read", "evt.is_open_write", "evt.is_open_exec")
    both = Stream().thread(1).event("SYSCALL_OPEN_X", 1, fd=3, name="/a", flags=3 + 4, mode=0o755)
    assert texts(both, *names) == ["true", "true", "true"]
    plain = Stream().thread(1).event("SYSCALL_OPEN_X", 1, fd=3, name="/a", flags=1, mode=0o755)
    assert texts(plain, *names) == ["true", "false", "false"]
    assert texts(close(Stream().thread(1), 1), *names) == ["false"] * 3


@pytest.mark.parametrize(
    ("ns", "text"), [(370, "370ns"), (3896, "3.89us"), (1000, "1.00us"), (141_999, "141us"), (2_345_678, "2.34ms"),
                     (23_456_789, "23ms"), (12_345_678_901, "12.34s")]
)  # fmt: skip
def test_short_latencies(ns, text):
    assert texts(close(Stream().thread(1), 1, latency=ns), "evt.latency.human", "evt.latency") == [text, str(ns)]


def test_raw_arguments_are_typed():
    stream = Stream().thread(1).event("SYSCALL_READ_X", 1, res=-11, data=b"", fd=3, size=9)
    assert texts(stream, "evt.rawarg.res", "evt.arg.res", "evt.rawarg.data", "evt.rawarg.name", "evt.rawres") == [
        "-11", "EAGAIN", "", "-", "-11",
    ]  # fmt: skip


def test_syslog_messages():
    stream = Stream().thread(1).event("SYSCALL_OPEN_X", 1, fd=5, name="/dev/log", flags=2)
    stream.event("SYSCALL_WRITE_X", 1, res=9, data=b"<29>hi you", fd=5, size=9)
    names = ("syslog.facility syslog.facility.str syslog.severity syslog.severity.str syslog.message evt.info"
             " evt.is_syslog")  # fmt: skip
    assert texts(stream, *names.split()) == [
        "3", "daemon", "5", "notice", "hi you", "syslog sev=notice msg=hi you", "true",
    ]  # fmt: skip


def test_memory_of_a_field_is_per_use():
    probe = Probe()
    probe.lua("""
        local fields, out = require("fields.init"), require("out")
        local every, odd = fields.lookup("evt.deltatime"), fields.lookup("evt.deltatime")
        require("walk").add_sink{ on_event = function()
            out.write(every.text() .. " " .. (ev.num % 2 == 1 and odd.text() or "-") .. "\\n")
        end }""")
    stream = Stream(step=1000).thread(1)
    for _ in range(3):
        close(stream, 1)
    probe.feed(stream)
    assert probe.noted() == ["0 0", "1000 -", "1000 2000"]


def test_calls_without_an_event_type_have_the_category_of_their_name():
    names = ("evt.type", "evt.category", "syscall.type", "evt.args")
    numbers = {name: i for i, name in enumerate(syscall_names())}
    for name, category in (("clock_gettime", "time"), ("mprotect", "memory"), ("rt_sigaction", "signal")):
        stream = Stream().thread(1).event("GENERIC_X", 1, ID=numbers[name])
        assert texts(stream, *names) == [name, category, name, ""]
    assert texts(Stream().thread(1).event("GENERIC_X", 1, ID=0), "evt.category") == ["other"]


def test_a_thread_without_a_name_is_shown_by_its_id_alone():
    stream = (
        Stream().event("SYSCALL_CLOSE_X", 7, res=0).thread(1).call("SYSCALL_KILL_X", {"res": 0, "pid": 7, "sig": 1})
    )
    assert texts(stream, "evt.arg.pid", "proc.name") == ["7", "comm"]
