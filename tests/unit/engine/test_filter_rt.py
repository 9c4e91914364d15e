import pytest

from sysdig_py import filter as filters
from sysdig_py.schema.fields import fields
from tests.lua_probe import Probe
from tests.synthetic import START, Stream, tuple4


def delivered(text: str, stream: Stream) -> list[str]:
    """Numbers of the events that pass the filter."""
    probe = Probe()
    probe.engine.set_filter(filters.compile(text).lua_source)
    probe.note("ev.num")
    probe.feed(stream)
    return probe.noted()


def family() -> Stream:
    stream = Stream(step=1_000_000).thread(10, comm="sshd", ptid=1).thread(20, comm="bash", ptid=10)
    return stream.thread(30, comm="cat", ptid=20).event("SYSCALL_GETEGID_X", 30)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("proc.aname=sshd", True),
        ("proc.aname in (sshd, foo)", True),
        ("proc.aname=cat", False),
        ("proc.aname glob 's*d'", True),
        ("proc.aname[0]=cat", True),
        ("proc.aname[2]=sshd", True),
        ("proc.aname[3] exists", False),
        ("proc.apid=10", True),
        ("proc.apid=30", False),
        ("proc.apid[1]=20", True),
        ("proc.aname exists", True),
        ("proc.pname=bash and proc.name=cat", True),
    ],
)
def test_ancestors(text, passes):
    stream = family().event("SYSCALL_CLOSE_X", 30, res=0, fd=3)
    assert ("2" in delivered(text, stream)) == passes


def test_times_around_a_moment():
    stream = Stream(step=1_000_000).thread(5)
    for _ in range(5):
        stream.event("SYSCALL_CLOSE_X", 5, res=0, fd=3)
    assert delivered(f"evt.around[{START + 3_000_000}]=1", stream) == ["2", "3", "4"]


def test_the_last_digit_of_a_time_counts():
    stream = Stream(ts=START + 10, step=1).thread(5)
    for _ in range(5):
        stream.event("SYSCALL_CLOSE_X", 5, res=0, fd=3)
    exact = stream.data
    assert delivered(f"evt.rawtime = {START + 12}", stream) == ["2"]
    stream.data = exact
    assert delivered(f"evt.rawtime in ({START + 12}, {START + 15})", stream) == ["2", "5"]
    stream.data = exact
    assert delivered(f"evt.rawtime > {START + 13}", stream) == ["4", "5"]


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("fd.ip=10.0.0.9", True),
        ("fd.ip=10.0.0.2", True),
        ("fd.ip!=10.0.0.2", False),
        ("fd.sip=10.0.0.9", True),
        ("fd.cip=10.0.0.9", False),
        ("fd.net=10.0.0.0/30", True),
        ("fd.snet=10.0.0.0/30", False),
        ("fd.port=https and fd.sport=443 and fd.cport=5555", True),
        ("fd.sproto=443", True),
        ("fd.type=ipv4 and fd.l4proto=tcp and fd.sockfamily=ip", True),
        ("fd.name='10.0.0.2:5555->10.0.0.9:443'", True),
        ("fd.is_server=false", True),
        ("fd.rip=10.0.0.9 and fd.lport=5555", True),
    ],
)
def test_connections(text, passes):
    stream = Stream().thread(7).event("SOCKET_SOCKET_X", 7, fd=4, domain=2, type=1, proto=6)
    stream.event("SOCKET_CONNECT_X", 7, res=0, tuple=tuple4("10.0.0.2", 5555, "10.0.0.9", 443), fd=4)
    stream.event("SYSCALL_WRITE_X", 7, res=3, data=b"abc", fd=4, size=3)
    assert ("3" in delivered(text, stream)) == passes


def test_every_field_of_the_catalogue_can_stand_in_a_filter():
    arguments = {"evt.arg": ".res", "evt.rawarg": ".res", "evt.type.is": ".open", "thread.cgroup": ".cpu"}
    probe = Probe()
    probe.note("ev.num")
    checked = 0
    for name, field in fields().items():
        if "P" in field.flags or name == "evt.around":
            continue
        argument = arguments.get(name, "[0]" if "A" in field.flags else "")
        text = f"{name}{argument} exists or evt.num=1"
        probe.engine.set_filter(filters.compile(text).lua_source)
        probe.feed(Stream().thread(1).event("SYSCALL_CLOSE_X", 1, res=0, fd=3))
        checked += 1
    assert checked > 150
