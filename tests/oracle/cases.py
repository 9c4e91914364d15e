"""What is compared on every trace: words of the command line, by kind.

A case is named by its trace and its words, and that is how `differences.py` speaks of it.
Fields are asked for many at a time, and compared one by one: `COLUMN` parts them, `RECORD` ends an event.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COLUMN, RECORD = "\x01", "\x02"
_FIELDS_AT_A_TIME = 12


@dataclass(frozen=True)
class Case:
    """One thing to compare: what both tools are run with, and the column to look at (-1: all of the output)."""

    trace: Path
    kind: str
    what: str
    words: tuple[str, ...]
    column: int = -1

    def __str__(self) -> str:
        return f"{self.trace.stem} {self.kind} {self.what}"


OUTPUTS: tuple[tuple[str, ...], ...] = (
    (),
    ("-v",),
    ("-x",),
    ("-X",),
    ("-A",),
    ("-b",),
    ("-j",),
    ("-j", "-A"),
    ("-j", "-x"),
    ("-j", "-X"),
    ("-j", "-b"),
    ("-v", "-X"),
    ("-v", "-j"),
    ("-pc",),
    ("-pk",),
    ("-pm",),
    ("-pc", "-j"),
    ("-q",),
    ("-t", "a"),
    ("-t", "h"),
    ("-t", "r"),
    ("-t", "d"),
    ("-t", "D"),
    ("-D",),
    ("-R",),
    ("-E", "-p", "*%user.name %group.name %user.uid"),
    ("-n", "300"),
    ("-n", "400", "evt.num>100"),
    ("-M", "1"),
    ("-M", "1", "evt.num>300"),
    ("-d", "-t", "D", "evt.num>400 and evt.dir=<"),
    ("-d", "-n", "350", "evt.type=close"),
    ("-z", "-F", "-n", "250"),
    ("--unbuffered", "-n", "260"),
)

SUMMARIES: tuple[tuple[str, ...], ...] = (
    ("-S", "-q"),
    ("-S", "-n", "300"),
    ("-S", "-D"),
    ("-S", "-q", "evt.type=read or evt.type=open"),
    ("-S", "-d", "evt.type=read"),
)

FILTERS: tuple[str, ...] = (
    "evt.type=open",
    "evt.type in (open, openat, close, read)",
    "evt.type!=switch",
    "evt.dir=>",
    "evt.dir=< and evt.failed=true",
    "evt.failed=false",
    "evt.num>=100 and evt.num<200",
    "evt.cpu=0",
    "evt.category=file",
    "evt.category=net",
    "evt.category=process or evt.category=wait",
    "evt.is_io=true",
    "evt.is_io_read=true",
    "evt.is_io_write=true and evt.dir=<",
    "evt.is_wait=true",
    "evt.latency>10000",
    "evt.reltime<1000000000",
    "evt.rawres<0",
    "evt.rawres>100",
    "evt.res=SUCCESS",
    "evt.res=ENOENT",
    "evt.arg.res=EAGAIN",
    "evt.arg.size>100",
    "evt.rawarg.res>10",
    "evt.arg[0]=0",
    "evt.buffer contains ELF",
    "evt.buflen>100",
    "evt.type.is.read=1",
    "evt.is_open_read=true",
    "evt.is_open_write=true",
    "evt.count=1 and evt.type=mmap",
    "syscall.type=mprotect",
    "fd.num=3",
    "fd.num>3 and fd.num<=10",
    "fd.type=file",
    "fd.type in (ipv4, ipv6, unix)",
    "fd.typechar=f",
    "fd.name contains lib",
    "fd.name startswith /etc",
    "fd.name endswith .so.6",
    "fd.name glob /*/x86_64*",
    "fd.filename=ld.so.cache",
    "fd.directory=/etc",
    "fd.name exists and not fd.directory exists",
    "fd.port=80 or fd.port=22",
    "fd.sport=53",
    "fd.cip exists",
    "fd.l4proto=tcp",
    "fd.l4proto=udp",
    "fd.ip=10.0.2.15",
    "fd.net=10.0.0.0/8",
    "fd.is_server=true",
    "fd.sockfamily=unix",
    "proc.name=curl or proc.name=python or proc.name=cat",
    "proc.name!=sshd",
    "proc.pid>1000",
    "proc.ppid=1",
    "proc.pname exists",
    "proc.aname=sshd",
    "proc.aname[1]=bash",
    "proc.apid=1",
    "proc.exe contains /",
    "proc.args exists and proc.args!=''",
    "proc.cmdline contains http",
    "proc.cwd startswith /home",
    "proc.nthreads>1",
    "proc.loginshellid exists",
    "proc.vmsize>10000",
    "proc.sid>100",
    "thread.tid=1",
    "thread.ismain=true",
    "user.name=root",
    "user.uid=0",
    "group.name=root",
    "container.id=host",
    "container.id!=host",
    "container.name exists",
    "fdlist.names contains dev",
    "not (evt.type=read or fd.num=1)",
    "evt.type=read and (fd.num=3 or fd.num=4) and not proc.name=sshd",
)

# whole formats: what a user would write
FORMATS: tuple[str, ...] = (
    "%evt.num",
    "%evt.num %evt.type",
    "*%evt.num %fd.name",
    "%evt.num %fd.name",
    "plain text",
    "*plain text",
    "%evt.num%evt.cpu%evt.dir",
    "[%evt.num] <%evt.type>",
    "%10evt.num|%3evt.type|%20proc.name|",
    "*%30fd.name|%5fd.num|%0evt.num|",
    "*%1evt.args|%80evt.info|",
    r"%evt.num\t%evt.type\n--",
    r"\e[31m%evt.num\e[0m",
    r"%evt.num\\%evt.type \q \x",
    "%proc.namefoo %evt.typebar",
    "%evt.num %evt.num %evt.num",
    "*%evt.arg.fd %evt.arg.res %evt.arg.name",
    "*%evt.arg[0] %evt.arg[1] %evt.arg[2]",
    "%evt.arg.data",
    "%evt.arg.tuple %evt.arg.addr",
    "*%evt.rawarg.size %evt.rawarg.name",
    "%evt.args",
    "%evt.info",
    "*%proc.name(%proc.pid) -> %proc.pname(%proc.ppid)",
    "%user.name@%container.name: %proc.cmdline",
    "* leading blank %evt.num",
    "**%evt.num",
    " %evt.num ",
)

# one field each, missing values shown; not fd.dev: where no event told it, sysdig shows what was in its memory
FIELDS: tuple[str, ...] = (
    *("evt.time", "evt.time.s", "evt.time.iso8601", "evt.datetime", "evt.datetime.s"),
    *("evt.rawtime", "evt.rawtime.s", "evt.rawtime.ns", "evt.reltime", "evt.reltime.s", "evt.reltime.ns"),
    *("evt.latency", "evt.latency.s", "evt.latency.ns", "evt.latency.human", "evt.latency.quantized"),
    *("evt.deltatime", "evt.deltatime.s", "evt.deltatime.ns", "evt.outputtime", "evt.dir", "evt.type"),
    *("evt.type.is.open", "syscall.type", "evt.category", "evt.cpu", "evt.args", "evt.info", "evt.buffer"),
    *("evt.buflen", "evt.res", "evt.rawres", "evt.failed", "evt.is_io", "evt.is_io_read", "evt.is_io_write"),
    *("evt.io_dir", "evt.is_wait", "evt.wait_latency", "evt.is_syslog", "evt.count", "evt.count.error"),
    *("evt.count.error.file", "evt.count.error.net", "evt.count.error.memory", "evt.count.error.other"),
    *("evt.count.exit", "evt.abspath", "evt.is_open_read", "evt.is_open_write", "evt.buflen.in", "evt.buflen.out"),
    *("evt.buflen.file", "evt.buflen.net", "evt.arg.flags", "evt.arg.mode", "evt.rawarg.res"),
    *("proc.pid", "proc.exe", "proc.exepath", "proc.name", "proc.args", "proc.env", "proc.cmdline"),
    *("proc.exeline", "proc.cwd", "proc.nthreads", "proc.nchilds", "proc.ppid", "proc.pname", "proc.pcmdline"),
    *("proc.apid[1]", "proc.apid[2]", "proc.aname[1]", "proc.aname[3]", "proc.loginshellid", "proc.duration"),
    *("proc.fdopencount", "proc.fdlimit", "proc.fdusage", "proc.vmsize", "proc.vmrss", "proc.vmswap"),
    *("proc.is_exe_writable", "proc.vpid", "thread.cpu.user", "thread.cpu.system", "evt.is_open_exec"),
    *("container.mounts", "container.healthcheck", "container.liveness_probe", "container.readiness_probe"),
    *("container.mount[0]", "container.mount.source[0]", "k8s.pod.name", "mesos.task.id", "evt.num", "util.cnt"),
    *("proc.sid", "proc.sname", "proc.tty", "proc.vpgid", "proc.is_container_healthcheck"),
    *("thread.pfmajor", "thread.pfminor", "thread.tid", "thread.vtid", "thread.ismain"),
    *("thread.exectime", "thread.totexectime", "thread.cgroups", "thread.cgroup.cpu", "thread.nametid"),
    *("thread.cpu", "thread.vmsize", "thread.vmrss"),
    *("user.uid", "user.name", "user.homedir", "user.shell", "user.loginuid", "user.loginname"),
    *("group.gid", "group.name"),
    *("container.id", "container.name", "container.image", "container.image.id", "container.type"),
    *("container.privileged", "container.image.repository", "container.image.tag", "container.image.digest"),
    *("fd.num", "fd.type", "fd.typechar", "fd.name", "fd.directory", "fd.filename", "fd.cip", "fd.sip"),
    *("fd.lip", "fd.rip", "fd.cport", "fd.sport", "fd.lport", "fd.rport", "fd.l4proto", "fd.sockfamily"),
    *("fd.is_server", "fd.uid", "fd.containername", "fd.containerdirectory", "fd.cproto", "fd.sproto"),
    *("fd.lproto", "fd.rproto", "fd.connected", "fd.name_changed"),
    *("fdlist.nums", "fdlist.names", "fdlist.cips", "fdlist.sips", "fdlist.cports", "fdlist.sports"),
    *("syslog.facility", "syslog.facility.str", "syslog.severity", "syslog.severity.str", "syslog.message"),
)

CHISELS: tuple[tuple[str, ...], ...] = (
    ("echo_fds",),
    ("lscontainers",),
    ("netlower", "0"),
    ("topconns",),
    ("topcontainers_net",),
    ("topfiles_bytes",),
    ("topprocs_net",),
    ("topscalls_time",),
)

# on the hand-made traces, which differ in their layout and not in what they tell
MADE: tuple[tuple[str, ...], ...] = (
    (),
    ("-v",),
    ("-X",),
    ("-j",),
    ("-D",),
    ("-pc",),
    ("-S", "-q"),
    ("-p", "*%evt.num %proc.name %proc.exe %proc.exepath %proc.args %proc.env %proc.cwd %proc.pname %proc.sid"),
    ("-p", "*%evt.num %proc.vmsize %proc.fdlimit %proc.nthreads %thread.vtid %thread.cgroups %thread.ismain"),
    ("-p", "*%evt.num %user.name %group.name %user.homedir %user.loginuid %container.name %container.image"),
    ("-p", "*%evt.num %fd.num %fd.type %fd.name %fd.cip %fd.sport %fd.l4proto %fd.is_server %fd.directory"),
    ("-p", "%evt.num", "fd.type=ipv4 or proc.name startswith prog"),
    ("-M", "1"),
)


def made_cases(traces: tuple[Path, ...]) -> Iterator[Case]:
    """Yield what is compared on the hand-made traces."""
    for trace in traces:
        yield from (Case(trace, "made", " ".join(words), ("-r", str(trace), *words)) for words in MADE)


TRACERS: tuple[tuple[str, ...], ...] = (
    (),
    ("-j",),
    ("-S", "-q"),
    ("-p", "*%evt.num %evt.dir %evt.args|%evt.info|%evt.arg.tags|%evt.arg[0]|%evt.latency|%fd.num|%evt.buffer"),
    ("-c", "topscalls"),
)
TRACER_FIELDS: tuple[str, ...] = (
    *("span.id", "span.time", "span.ntags", "span.nargs", "span.tags", "span.tag[0]", "span.tag[-1]", "span.tag[7]"),
    *("span.args", "span.arg[0]", "span.arg[-1]", "span.arg.y", "span.arg.k", "span.enterargs", "span.enterarg[0]"),
    *("span.enterarg.x", "span.duration", "span.duration.human", "span.duration.quantized", "span.count"),
    *("span.duration.fortag[0]", "span.duration.fortag[1]", "span.count.fortag[0]", "span.count.fortag[1]"),
    *("span.childcount.fortag[0]", "span.childcount.fortag[1]", "span.idtag[0]", "span.idtag[1]", "span.rawtime"),
    *("evt.type", "evt.category", "syscall.type", "evt.is_io", "evt.res", "evt.failed", "evt.buflen", "evt.count.exit"),
)
TRACER_FILTERS: tuple[str, ...] = (
    "evt.type=tracer",
    "evt.type=write",
    "evt.type=tracer and evt.dir=<",
    "span.id=1",
    "span.ntags=2",
    "span.tags=a.b",
    "span.tag[1]=b",
    "span.arg.x=1",
    "span.enterargs='x=1,y=2'",
    "span.duration>2000000",
    "evtin.span.id=1",
    "evtin.span.id!=1",
    "evtin.span.id exists",
    "not evtin.span.id=1",
    "evtin.span.ntags=1",
    "evtin.span.nargs>1",
    "evtin.span.tags=a.b",
    "evtin.span.tags contains a",
    "evtin.span.tag[0]=a",
    "evtin.span.tag[-1]=c",
    "evtin.span.arg[0]=1",
    "evtin.span.args contains x",
    "evtin.span.s.id=1",
    "evtin.span.s.tags exists",
    "evtin.span.m.id=1",
    "evtin.span.m.tag[0]=own",
    "evtin.span.m.nargs=0",
    "evtin.span.p.id=50",
)


def tracer_cases(trace: Path) -> Iterator[Case]:
    """Yield what is compared on the trace of programs that announce spans."""
    read = ("-r", str(trace))
    yield from (Case(trace, "tracer", " ".join(words), (*read, *words)) for words in TRACERS)
    yield from (Case(trace, "tracer", text, (*read, "-p", "%evt.num", text)) for text in TRACER_FILTERS)
    # sysdig takes all that is behind span.arg.NAME for the name: a field at a time, at the end
    for field in TRACER_FIELDS:
        yield Case(trace, "tracer", field, (*read, "-p", f"*%evt.num %{field}"))


def all_cases(traces: tuple[Path, ...]) -> Iterator[Case]:
    """Yield every case on every trace."""
    for trace in traces:
        read = ("-r", str(trace))
        for kind, table in (("output", OUTPUTS), ("summary", SUMMARIES)):
            yield from (Case(trace, kind, " ".join(words), (*read, *words)) for words in table)
        yield from (Case(trace, "filter", text, (*read, "-p", "%evt.num", text)) for text in FILTERS)
        yield from (Case(trace, "format", text, (*read, "-p", text)) for text in FORMATS)
        for words in CHISELS:
            for before in ((), ("-j",), ("-pc",)):
                yield Case(trace, "chisel", " ".join((*before, *words)), (*read, *before, "-c", *words))
        yield from _field_cases(trace)


def _field_cases(trace: Path) -> Iterator[Case]:
    for start in range(0, len(FIELDS), _FIELDS_AT_A_TIME):
        fields = FIELDS[start : start + _FIELDS_AT_A_TIME]
        text = "*%evt.num" + "".join(f"{COLUMN}%{field}" for field in fields) + RECORD
        for column, field in enumerate(fields, 1):
            yield Case(trace, "field", field, ("-r", str(trace), "-p", text), column)


def column_of(out: bytes, column: int) -> bytes:
    """Return event number and one column of every event, a line each."""
    events = (event.split(COLUMN.encode()) for event in out.split(f"{RECORD}\n".encode()) if event)
    return b"\n".join(event[0] + b" " + event[column].replace(b"\n", b"\\n") for event in events)
