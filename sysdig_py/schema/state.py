"""State records: outside knowledge as records of the stream.

What the event stream alone cannot tell (processes and sockets that were there before, users,
interfaces, containers, losses) enters it as records with a type code of this table. They have
the same layout as events, always carry `Flag.STATE_ONLY`, consume no event number, are saved in
every native trace, and are never delivered. Text parameters end with NUL, lists are NUL separated.

Header fields that matter: THREAD: tid, pid, cgroup_id; FD: tid and pid of the owning process'
main thread; the others: none.
"""

from __future__ import annotations

import enum
from typing import Final

from sysdig_py.schema.events import EventType, Param


class State(enum.IntEnum):
    """Type codes of state records; all are >= FIRST."""

    THREAD = 0xF001
    FD = 0xF002
    USER = 0xF003
    GROUP = 0xF004
    INTERFACE = 0xF005
    CGROUP = 0xF006  # what a cgroup id means, and which container it is
    CONTAINER = 0xF007
    GAP = 0xF008  # events were lost here
    SKIP = 0xF009  # a filtered trace left out more events than a record's `skipped` can count
    SECTION = 0xF00A  # a section of the trace begins, or its state is complete
    OVERHEAD = 0xF00B  # what is left out of the stream so that the capture costs no more than it may
    ENTERED = 0xF00E  # the enter event, left out, of an exit that a filtered trace keeps
    CGROUP_MKDIR = 0xF010  # from the kernel: a cgroup was made; CGROUP follows when it is resolved
    CGROUP_RMDIR = 0xF011  # from the kernel
    TICK = 0xF012  # time passed without an event, for whoever waits for that
    # between two CHECKPOINTs is all that was known at this place of the stream: a reader may begin here
    CHECKPOINT = 0xF013
    THREAD_REST = 0xF014  # of the THREAD before it, what only a checkpoint tells
    FD_REST = 0xF015  # of the FD before it
    FD_SHARED = 0xF016  # an fd that is the same open file as one told before
    ENDPOINT = 0xF017  # which container was seen at an address


FIRST: Final = 0xF000
# one entry of an OVERHEAD record's `calls`: event type, ppm_sc of generic events, how many
LEFT_OUT: Final = "<HHQ"


class FdType(enum.IntEnum):
    """What an fd is: the numbers of the .scap FDL block."""

    UNKNOWN = 0
    FILE = 1
    DIRECTORY = 2
    IPV4 = 3
    IPV6 = 4
    IPV4_LISTENER = 5
    IPV6_LISTENER = 6
    PIPE = 7
    UNIX = 8
    EVENT = 9
    UNSUPPORTED = 10
    SIGNALFD = 11
    EVENTPOLL = 12
    INOTIFY = 13
    TIMERFD = 14
    NETLINK = 15
    FILE_V2 = 16
    BPF = 17
    USERFAULTFD = 18
    IO_URING = 19
    MEMFD = 20
    PIDFD = 21


class L4(enum.IntEnum):
    """Transport protocol of an IP socket: the numbers of the .scap FDL block."""

    UNKNOWN = 0
    NONE = 1
    TCP = 2
    UDP = 3
    ICMP = 4
    RAW = 5


class Role(enum.IntEnum):
    """Which end of its connection a socket is."""

    NONE = 0
    CLIENT = 1
    SERVER = 2


class Section(enum.IntEnum):
    """What a SECTION record says."""

    BEGIN = 1  # forget processes, fds, interfaces and users: new ones follow
    COMPLETE = 2  # all of them were told, events follow


class Checkpoint(enum.IntEnum):
    """What a CHECKPOINT record says."""

    BEGIN = 1  # what follows is all that was known
    COMPLETE = 2  # that was all; events follow


def _type(code: State, params: str) -> EventType:
    pairs = (item.split(":") for item in params.split())
    return EventType(code, f"STATE_{code.name}", code.name.lower(), 0, 0, tuple(Param(n, t, "dec") for n, t in pairs))


STATE_TYPES: Final[tuple[EventType, ...]] = (
    _type(
        State.THREAD,
        "tid:pid pid:pid ptid:pid sid:pid vpgid:pid pgid:pid comm:charbuf exe:charbuf exepath:charbuf"
        " args:bytebuf cwd:charbuf root:charbuf env:bytebuf cgroups:bytebuf fdlimit:int64 flags:uint32"
        " uid:uid gid:gid loginuid:uid vm_size:uint32 vm_rss:uint32 vm_swap:uint32 pgft_maj:uint64"
        " pgft_min:uint64 vtid:pid vpid:pid tty:uint32 start_ts:uint64"
        # what only some recorders tell: the program's file (exe_flags: bits of execve's flags) and the rights
        " pidns_init_start_ts:uint64 exe_flags:uint32 cap_inheritable:uint64 cap_permitted:uint64"
        " cap_effective:uint64 exe_ino:uint64 exe_ctime:uint64 exe_mtime:uint64",
    ),
    # tuple: client/source end first, as in a SOCKTUPLE event parameter; a listener has its own end as destination;
    # without a type: the number is free
    _type(
        State.FD,
        "fd:fd ino:uint64 type:uint8 flags:uint32 dev:uint32 name:charbuf tuple:socktuple l4proto:uint8 role:uint8",
    ),
    _type(State.USER, "uid:uid gid:gid name:charbuf home:charbuf shell:charbuf"),
    _type(State.GROUP, "gid:gid name:charbuf"),
    # addr, netmask, broadcast: 4 or 16 bytes in network order, "" when there is none
    _type(State.INTERFACE, "netns:uint64 name:charbuf addr:bytebuf netmask:bytebuf broadcast:bytebuf speed:uint64"),
    # container_id: "" for the host
    _type(State.CGROUP, "cgroup_id:uint64 path:charbuf container_id:charbuf"),
    # labels: NUL separated key=value; ip: dotted, "" unknown; json: what the runtime said, for later use
    _type(
        State.CONTAINER,
        "id:charbuf full_id:charbuf type:charbuf name:charbuf image:charbuf image_id:charbuf image_repo:charbuf"
        " image_tag:charbuf image_digest:charbuf ip:charbuf privileged:bool labels:bytebuf netns:uint64 json:charbuf",
    ),
    # cpu: -1 when not known per CPU; total: lost for this cause since the start
    _type(State.GAP, "cause:charbuf count:uint64 total:uint64 cpu:int16"),
    _type(State.SKIP, "count:uint64"),
    # phase: `Section`
    _type(State.SECTION, "phase:uint8"),
    # step: `capture.overhead.levels.Step`; one_in: of calls that feed no state one in so many is kept, 0: none;
    # programs, own, limit: shares of the machine's processor time in millionths, those of the probe's programs and of
    # the capturing process as measured last; calls: what was left out since the last such record, as `LEFT_OUT`
    _type(State.OVERHEAD, "step:uint8 one_in:uint32 programs:uint32 own:uint32 limit:uint32 calls:bytebuf"),
    # event: the whole record
    _type(State.ENTERED, "event:bytebuf"),
    _type(State.CGROUP_MKDIR, "cgroup_id:uint64 path:charbuf"),
    _type(State.CGROUP_RMDIR, "cgroup_id:uint64 path:charbuf"),
    _type(State.TICK, ""),
    # phase: `Checkpoint`; events: number of the last event before; first_ts: time of the first event
    _type(State.CHECKPOINT, "phase:uint8 events:uint64 first_ts:uint64"),
    # gone: it has ended, and other threads of its process have not; born: ns after the first event; nchilds: threads
    # besides it; fds_as: it shares its table of fds with that THREAD of the checkpoint, counted from 0
    _type(State.THREAD_REST, "tid:pid known:uint8 gone:uint8 born:int64 nchilds:uint64 fds_as:uint32"),
    # marks: 1 connected, 2 listens, 4 close-on-exec; opened: ns after the first event; bound: port of the socket's own
    # choice; the ends as in a tuple, but absent where they are not known; sent, received: the last address
    _type(
        State.FD_REST,
        "fd:fd marks:uint8 flags:uint32 opened:int64 bound:uint16 sip:bytebuf sport:uint16 dip:bytebuf dport:uint16"
        " source:bytebuf peer:bytebuf path:charbuf pid:pid sent:bytebuf received:bytebuf",
    ),
    # entry: the FD record of the checkpoint that tells about the open file, counted from 0
    _type(State.FD_SHARED, "fd:fd entry:uint32"),
    # key: raw address, ":", port in digits; the oldest first
    _type(State.ENDPOINT, "key:bytebuf container_id:charbuf"),
)
