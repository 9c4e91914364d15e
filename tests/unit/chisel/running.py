"""Running chisels over records made by hand, as the pipeline does it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sysdig_py import filter as filters
from sysdig_py.chisel.registry import Registry
from sysdig_py.chisel.run import ChiselRequests, ChiselRun, ChiselSettings
from sysdig_py.engine.vm import Engine, HostCallbacks, Status
from sysdig_py.schema.state import L4, FdType, Role, State
from tests.synthetic import Stream, tuple4

MACHINE = {"num_cpus": 2, "memory_size_bytes": 1024, "max_pid": 4096, "hostname": "box"}


@dataclass
class Played:
    """What a run of chisels left behind."""

    output: str = ""
    failures: list[str] = field(default_factory=list)
    logs: list[tuple[str, str]] = field(default_factory=list)
    requests: ChiselRequests = field(default_factory=ChiselRequests)
    stopped: bool = False
    alive: int = 0
    status: Status = Status.OK


def play(
    chisels: list[tuple[str, str | None]],
    data: bytes,
    *,
    registry: Registry | None = None,
    settings: ChiselSettings | None = None,
    live: bool = False,
    tty: bool = False,
    source: str = "",
) -> Played:
    """Run the named chisels with their argument strings over records."""
    registry = registry or Registry({})

    def find(name: str) -> tuple[str, bytes]:
        script = registry.find(name)
        return script.path, script.source

    host = HostCallbacks(
        compile_filter=lambda text: filters.compile(text).lua_source,
        find_chisel=find,
        window=lambda: (120, 40),
        is_tty=lambda: tty,
    )
    engine = Engine(MACHINE, live, source, host)
    settings = settings or ChiselSettings()
    if settings.filter_text:
        engine.set_filter(filters.compile(settings.filter_text).lua_source)
    run = ChiselRun(engine, registry, settings)
    for name, arguments in chisels:
        run.add(name, arguments)
    run.init()
    run.start()
    status = engine.feed_bytes(data).status if data else Status.OK
    requests = run.finish()
    output = engine.take_output().decode()
    return Played(output, run.take_failures(), run.take_logs(), requests, run.stopped, run.alive, status)


def play_script(folder: Path, text: str, data: bytes, arguments: str | None = None, **options: Any) -> Played:
    """Run a chisel given by its text; `args = {}` is added when it defines none."""
    if "args =" not in text:
        text = f"args = {{}}\n{text}"
    (folder / "probe_chisel.lua").write_text(text)
    registry = Registry({"SYSDIG_CHISEL_DIR": str(folder)})
    return play([("probe_chisel", arguments)], data, registry=registry, **options)


def socket(stream: Stream, tid: int, fd: int, ends: tuple[str, int, str, int], role: Role) -> None:
    """Enter a TCP socket into a process' fd table: client address and port, server address and port."""
    stream.state(
        State.FD, tid=tid, pid=tid, fd=fd, ino=1, type=bytes([FdType.IPV4]), flags=0, dev=0,
        name="{}:{}->{}:{}".format(*ends),
        tuple=tuple4(*ends), l4proto=bytes([L4.TCP]), role=bytes([role]),
    )  # fmt: skip


def file(stream: Stream, tid: int, fd: int, name: str) -> None:
    """Enter an open file into a process' fd table."""
    stream.state(State.FD, tid=tid, pid=tid, fd=fd, ino=1, type=bytes([FdType.FILE]), flags=0, dev=0, name=name)


def container(stream: Stream, cgroup: int, short_id: str, name: str, ip: str = "") -> None:
    """Make a cgroup the one of a container."""
    stream.state(State.CGROUP, cgroup_id=cgroup, path=f"/docker/{short_id}", container_id=short_id)
    stream.state(State.CONTAINER, id=short_id, full_id=short_id * 5, type="docker", name=name, image="img", ip=ip)


def read(stream: Stream, tid: int, fd: int, size: int, data: bytes = b"", **header: int) -> None:
    stream.event("SYSCALL_READ_X", tid, res=size, data=data or b"x" * size, fd=fd, size=size, **header)


def write(stream: Stream, tid: int, fd: int, size: int, data: bytes = b"", **header: int) -> None:
    stream.event("SYSCALL_WRITE_X", tid, res=size, data=data or b"x" * size, fd=fd, size=size, **header)
