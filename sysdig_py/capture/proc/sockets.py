"""What the sockets of one network namespace are, by inode, from its `/proc/PID/net` tables.

The source of a connection is its client end: a socket whose own port is one that something in the
namespace listens on is the server end, and its two ends change places.
"""

from __future__ import annotations

import os
import sys
from typing import Final, NamedTuple

from sysdig_py.capture.proc.encode import endpoint, ip_tuple, unix_tuple
from sysdig_py.capture.proc.reading import read_or_empty
from sysdig_py.schema.state import L4, FdType, Role

_IP_TABLES: Final = (
    ("tcp", L4.TCP),
    ("tcp6", L4.TCP),
    ("udp", L4.UDP),
    ("udp6", L4.UDP),
    ("udplite", L4.UDP),
    ("udplite6", L4.UDP),
    ("raw", L4.RAW),
    ("raw6", L4.RAW),
    ("icmp", L4.ICMP),
    ("icmp6", L4.ICMP),
)
_TCP_LISTEN: Final = b"0A"
_MAPPED_PREFIX: Final = b"\0" * 10 + b"\xff" * 2


class Socket(NamedTuple):
    """A socket as an FD record tells it."""

    type: FdType
    name: bytes = b""
    tuple: bytes = b""
    l4: L4 = L4.NONE
    role: Role = Role.NONE


class _IpRow(NamedTuple):
    l4: L4
    local: bytes
    remote: bytes
    listens: bool


class NetworkNamespace:
    """The sockets of one network namespace."""

    def __init__(self) -> None:
        """Start empty; `load` fills it."""
        self._ip: dict[int, _IpRow] = {}
        self._others: dict[int, Socket] = {}
        self._served: set[tuple[L4, bytes]] = set()

    def load(self, process_fd: int) -> bool:
        """Read the tables through the open `/proc` directory of a process in the namespace; False if it is gone."""
        unix = read_or_empty("net/unix", process_fd)
        for name, l4 in _IP_TABLES:
            self._add_ip(l4, read_or_empty(f"net/{name}", process_fd))
        self._add_unix(unix)
        self._add_by_inode(read_or_empty("net/netlink", process_fd), FdType.NETLINK)
        self._add_by_inode(read_or_empty("net/packet", process_fd), FdType.UNSUPPORTED)
        return bool(unix)  # has a heading at least

    def find(self, inode: int) -> Socket | None:
        """Return the socket with this inode, None when no table has it (never bound nor connected, say)."""
        row = self._ip.get(inode)
        return self._ip_socket(row) if row else self._others.get(inode)

    def _add_ip(self, l4: L4, table: bytes) -> None:
        for line in table.splitlines()[1:]:
            words = line.split(None, 10)
            inode = int(words[9])
            if inode:  # connections that outlive their socket have none
                local, remote, state = words[1:4]
                listens = state == _TCP_LISTEN if l4 == L4.TCP else not remote.strip(b"0:")
                self._ip[inode] = _IpRow(l4, local, remote, listens)
                if listens:
                    self._served.add((l4, local[-4:]))

    def _add_unix(self, table: bytes) -> None:
        for line in table.splitlines()[1:]:
            words = line.split(None, 7)
            path = words[7] if len(words) > 7 else b""
            role = Role.SERVER if path else Role.CLIENT
            source = int(words[0].rstrip(b":"), 16)
            self._others[int(words[6])] = Socket(FdType.UNIX, path, unix_tuple(source, 0, path), L4.NONE, role)

    def _add_by_inode(self, table: bytes, kind: FdType) -> None:
        """Add sockets of which only the inode, the last column, is of interest."""
        for line in table.splitlines()[1:]:
            self._others[int(line.split()[-1])] = Socket(kind)

    def _ip_socket(self, row: _IpRow) -> Socket:
        address, port = _endpoint(row.local)
        if row.listens or not row.remote.strip(b"0:"):
            kind = FdType.IPV4_LISTENER if len(address) == 4 else FdType.IPV6_LISTENER
            nobody = ip_tuple(bytes(len(address)), 0, address, port)
            return Socket(kind, os.fsencode(endpoint(address, port)), nobody, row.l4, Role.SERVER)
        source, destination, role = (address, port), _endpoint(row.remote), Role.CLIENT
        if (row.l4, row.local[-4:]) in self._served:
            source, destination, role = destination, source, Role.SERVER
        kind = FdType.IPV4 if len(address) == 4 else FdType.IPV6
        name = os.fsencode(f"{endpoint(*source)}->{endpoint(*destination)}")
        return Socket(kind, name, ip_tuple(*source, *destination), row.l4, role)


def _endpoint(text: bytes) -> tuple[bytes, int]:
    """Return address and port of `HEX:HEX`; the address is written as words in the byte order of the machine."""
    words, port = text.split(b":")
    raw = bytes.fromhex(words.decode())
    if sys.byteorder == "little":
        raw = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    if raw.startswith(_MAPPED_PREFIX):
        raw = raw[len(_MAPPED_PREFIX) :]
    return raw, int(port, 16)
