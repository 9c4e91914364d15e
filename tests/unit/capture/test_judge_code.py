"""The kernel's half of a filter against the engine's: generated filters over generated calls, both really run."""

import ipaddress
import struct
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sysdig_py import filter as filters
from sysdig_py.capture.judge_code import KIND_NUMBERS, KINDS, choose, decide
from sysdig_py.capture.plans import reported
from sysdig_py.capture.pushdown import subject_of
from sysdig_py.filter.kernel import Judge, Mode
from tests.unit.capture.bpf_machine import run
from tests.unit.filter import lua

SUBJECTS = {
    subject.name: subject
    for subject in (subject_of(*what) for what in reported("x86_64").values())
    if subject.name in ("read", "sendto", "openat", "getpid", "getuid", "mmap")
}
NAMES = ["cat", "nginx", "nginx: worker p", "exactly_fifteen", ""]
ADDRESSES = ["10.0.0.1", "10.0.1.2", "127.0.0.1", "fe80::1", "2001:db8::7"]
PORTS = [22, 80, 8080, 50000]
RESULTS = {0: "SUCCESS", 5: "SUCCESS", 2**40: "SUCCESS", -2: "ENOENT", -11: "EAGAIN"}


@dataclass
class Call:
    """One call as the kernel has it (`known`: what it found out) and as the engine does."""

    subject: Any
    name: str
    pid: int
    uid: int
    result: int
    latency: int
    fd: int
    kind: str
    type: str
    ends: tuple[str, int, str, int]  # own address and port, the other's
    is_server: bool
    container: str
    known: int = 15
    fields: dict[str, Any] = field(default_factory=dict)

    def facts(self, answers: int) -> bytes:
        own, own_port, other, other_port = self.ends
        known = self.known & ~(12 if self.is_connection else 4)
        if self.is_connection and self.known & 4:
            known |= 4
        raw = [ipaddress.ip_address(text).packed for text in (own, other)]
        return struct.pack(
            "<IIqqqqqqQqQ16sIIII16s16s",
            0,
            KIND_NUMBERS[self.kind] if self.known & 16 else 0,
            *(self.pid, self.pid + 1, self.uid, 1, self.result, min(self.result, 0), self.latency, self.fd, answers),
            *(self.name.encode(), known, own_port, other_port, len(raw[0]), *raw),
        )

    @property
    def is_connection(self) -> bool:
        return self.kind in ("IPV4", "IPV6")

    def values(self) -> dict[str, Any]:
        """Return what the engine's fields are; those without a value are not in it."""
        subject = self.subject
        made: dict[str, Any] = {"evt.type": subject.name, "evt.dir": "<", "evt.cpu": 1}
        made |= {"evt.latency": self.latency} if self.latency else {}
        made |= {"proc.name": self.name, "proc.pid": self.pid, "thread.tid": self.pid + 1, "user.uid": self.uid}
        made |= {"container.id": self.container, "container.name": self.container, "evt.failed": False}
        made |= {"evt.is_io_read": bool(subject.flags & 8), "proc.cmdline": self.name + " x"}
        if subject.has_result:
            made |= {"evt.rawres": self.result, "evt.res": RESULTS[self.result], "evt.failed": self.result < 0}
        if subject.fd is not None:
            made |= self._of_fd()
        return made

    def _of_fd(self) -> dict[str, Any]:
        made: dict[str, Any] = {"fd.num": self.fd, "fd.type": self.type, "fd.name": "/x"}
        if self.subject.flags & 24 and self.result >= 0:
            made["evt.buflen"] = self.result
        if not self.is_connection:
            return made | ({"fd.sockfamily": "unix"} if self.kind == "UNIX" else {})
        own, own_port, other, other_port = self.ends
        packed = [ipaddress.ip_address(text).packed for text in (own, other)]
        client, server = (1, 0) if self.is_server else (0, 1)
        ports = (own_port, other_port)
        made |= {"fd.sockfamily": "ip", "fd.port": (ports[client], ports[server])}
        made |= {"fd.ip": (packed[client], packed[server]), "fd.net": (packed[client], packed[server])}
        made |= {"fd.cport": ports[client], "fd.sport": ports[server], "fd.lport": own_port, "fd.rport": other_port}
        made |= {"fd.cip": packed[client], "fd.sip": packed[server], "fd.lip": packed[0], "fd.rip": packed[1]}
        return made | {"fd.snet": packed[server], "fd.rnet": packed[1]}


@st.composite
def calls(draw: st.DrawFn) -> Call:
    kind = draw(st.sampled_from(list(KINDS)))
    four = [text for text in ADDRESSES if "." in text]
    pool = four if kind == "IPV4" else [text for text in ADDRESSES if "." not in text]
    return Call(
        subject=SUBJECTS[draw(st.sampled_from(sorted(SUBJECTS)))],
        name=draw(st.sampled_from(NAMES)),
        pid=draw(st.sampled_from([1, 2, 4_000_000])),
        uid=draw(st.sampled_from([0, 1000, 0xFFFFFFFE])),
        result=draw(st.sampled_from(list(RESULTS))),
        latency=draw(st.sampled_from([0, 999, 10**6, 2**40])),
        fd=draw(st.sampled_from([0, 3, -100])),
        kind=kind,
        type=draw(st.sampled_from([word.decode() for word in KINDS[kind]] or ["event"])),
        ends=(
            draw(st.sampled_from(pool)),
            draw(st.sampled_from(PORTS)),
            draw(st.sampled_from(pool)),
            draw(st.sampled_from(PORTS)),
        ),
        is_server=draw(st.booleans()),
        container=draw(st.sampled_from(["host", "abc", "web"])),
        known=draw(st.integers(0, 31)),
    )


def _texts() -> list[str]:
    made = [f"evt.type{op}" for op in ("=read", "!=openat", " in (read, getpid)", " startswith get", " contains en")]
    made += ["evt.dir=<", "evt.failed=true", "evt.failed!=true", "evt.res=ENOENT", "evt.res in (SUCCESS, EAGAIN)"]
    made += [f"evt.rawres{op}" for op in ("<0", ">=5", "=0", "!=-2", ">1099511627775", " exists")]
    made += [
        "evt.latency>1000",
        "evt.latency<=1000000",
        "evt.latency exists",
        "evt.buflen exists",
        "evt.cpu=1",
        "evt.is_io_read=true",
        "evt.buflen<6",
    ]
    made += [f"proc.name{op}" for op in ("=nginx", "!=cat", " in (cat, exactly_fifteen)", " startswith ngin")]
    made += ["proc.name startswith exactly_fi", "proc.name contains in", "proc.name=exactly_fifteen_", 'proc.name=""']
    made += ["proc.pid in (1, 4000000)", "thread.tid>2", "proc.pid!=2", "user.uid=0", "user.uid>1000"]
    made += ["proc.cmdline contains ng", "evt.num>0", "container.id=host", "container.id!=host", "container.name=web"]
    made += [f"fd.type{op}" for op in ("=file", "!=file", " in (ipv4, ipv6)", "=ipv4", "=event", "!=unix")]
    made += ["fd.sockfamily=ip", "fd.sockfamily!=ip", "fd.sockfamily in (unix)", "fd.num=0", "fd.num<0", "fd.name=/x"]
    for side in ("", "s", "c", "l", "r"):
        made += [f"fd.{side}port{op}" for op in ("=80", "!=22", " in (80, 8080)", ">1024", " exists")]
    for side in ("", "s", "c", "l", "r"):
        made += [f"fd.{side}ip{op}" for op in ("=10.0.0.1", "!=127.0.0.1", " in (fe80::1, 10.0.1.2)")]
    made += ["fd.net=10.0.0.0/8", "fd.snet=10.0.1.0/24", "fd.rnet!=2001:db8::/33", "fd.net in (127.0.0.0/8, fe80::/10)"]
    return made


TEXTS = st.recursive(
    st.sampled_from(_texts()),
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: "(" + " and ".join(items) + ")"),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: "(" + " or ".join(items) + ")"),
    ),
    max_leaves=6,
)


def engine_says(text: str, call: Call) -> bool:
    return lua.holds(text, **{name.replace(".", "__"): value for name, value in call.values().items()})


def kernel_says(text: str, call: Call, mode: Mode) -> bool:
    judge = Judge()
    formula = judge.formula(filters.compile(text), call.subject, mode)
    answers = [engine_holds(source, call) for source in judge.container_checks]
    bits = sum(answer << i for i, answer in enumerate(answers))
    return bool(run(decide([formula], mode), call.facts(bits)))


def engine_holds(source: str, call: Call) -> bool:
    load, give, forget = lua.world()
    predicate, *_ = load(source.encode())
    forget()
    for name, value in call.values().items():
        give(
            name.encode(),
            *(v.encode() if isinstance(v, str) else v for v in (value if isinstance(value, tuple) else (value,))),
        )
    return bool(predicate())


@settings(max_examples=600, deadline=None)
@given(TEXTS, calls())
def test_the_kernel_lets_everything_through_that_the_engine_accepts(text: str, call: Call) -> None:
    if engine_says(text, call):
        assert kernel_says(text, call, Mode.MAY)


@settings(max_examples=600, deadline=None)
@given(TEXTS, calls())
def test_what_the_kernel_is_sure_of_the_engine_accepts(text: str, call: Call) -> None:
    if kernel_says(text, call, Mode.MUST):
        assert engine_says(text, call)


def judged(text: str, **changes: Any) -> bool:
    call = Call(
        SUBJECTS["read"], "cat", 1, 0, 5, 0, 3, "IPV4", "ipv4", ("10.0.0.1", 50000, "10.0.1.2", 80), False, "host"
    )
    for name, value in changes.items():
        setattr(call, name, value)
    return kernel_says(text, call, Mode.MAY)


def test_what_is_known_is_left_out_and_what_is_not_is_let_through() -> None:
    assert judged("fd.port=80", known=31) and not judged("fd.port=81", known=31)
    assert judged("fd.port=81", known=0)
    assert judged("not fd.port=80", known=0) and not judged("not fd.port=80", known=31)
    assert not judged("user.uid=5", known=31) and judged("user.uid=5", known=0)
    assert not judged("fd.sport=22", known=31), "no end has it"
    assert judged("fd.sport=50000", known=31), "the kernel does not know who called whom"
    assert not judged("fd.sip=10.0.0.1 or proc.name=dog", ends=("10.0.1.3", 1, "10.0.1.2", 2), known=31)


def test_a_long_list_is_one_question() -> None:
    names = ", ".join(f"name{i}" for i in range(300))
    assert judged(f"proc.name in ({names})", name="name299")
    assert not judged(f"proc.name in ({names})", name="name300")


def test_the_group_decides_which_question_is_asked() -> None:
    code = decide([False, True], Mode.MAY)
    assert [run(code, struct.pack("<I", group)) for group in (0, 1)] == [0, 1]


def test_the_first_rule_that_holds_gives_its_number() -> None:
    code = choose([((False, 1), (True, 7), (True, 9)), ((False, 3),)], 80)
    assert [run(code, struct.pack("<I", group)) for group in (0, 1, 2)] == [80, 7, 80]
