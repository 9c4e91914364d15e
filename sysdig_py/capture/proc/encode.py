"""Parameter encodings of the state records that the snapshot makes."""

from __future__ import annotations

import socket
import struct
from typing import Final

pack_u32: Final = struct.Struct("<I").pack
pack_u64: Final = struct.Struct("<Q").pack
_FAMILY_UNIX: Final = 1
_FAMILY_IPV4: Final = 2
_FAMILY_IPV6: Final = 10
_IPV4_TUPLE: Final = struct.Struct("<B4sH4sH")
_IPV6_TUPLE: Final = struct.Struct("<B16sH16sH")
_UNIX_TUPLE: Final = struct.Struct("<BQQ")


def charbuf(text: bytes) -> bytes:
    """Return a charbuf parameter."""
    return text + b"\0"


def ip_tuple(sip: bytes, sport: int, dip: bytes, dport: int) -> bytes:
    """Return the SOCKTUPLE of an IPv4 or IPv6 connection, by the length of its addresses."""
    if len(sip) == 4:
        return _IPV4_TUPLE.pack(_FAMILY_IPV4, sip, sport, dip, dport)
    return _IPV6_TUPLE.pack(_FAMILY_IPV6, sip, sport, dip, dport)


def unix_tuple(source: int, destination: int, path: bytes) -> bytes:
    """Return the SOCKTUPLE of a unix socket."""
    return _UNIX_TUPLE.pack(_FAMILY_UNIX, source, destination) + charbuf(path)


def endpoint(address: bytes, port: int) -> str:
    """Return `ip:port` as fd names spell it: IPv6 without brackets."""
    return f"{address_text(address)}:{port}"


def address_text(address: bytes) -> str:
    """Return the text of an address of 4 or 16 bytes."""
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)
