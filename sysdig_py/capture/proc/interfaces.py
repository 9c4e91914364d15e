"""INTERFACE records: the addresses of this network namespace and of the containers' ones.

Other namespaces are read through `/proc/PID/net` of a process inside, without entering them:
`fib_trie` has the local IPv4 addresses, `route` the interface and netmask of their networks.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

import psutil

from sysdig_py.capture.proc.encode import charbuf, pack_u64
from sysdig_py.capture.proc.reading import read_or_empty
from sysdig_py.schema.record import Flag, pack_record
from sysdig_py.schema.state import State

_FAMILIES: Final = {socket.AF_INET: 4, socket.AF_INET6: 16}
_MEGABIT: Final = 1_000_000
_LOOPBACK_NET: Final = ipaddress.IPv4Network("127.0.0.0/8")


class Interface(NamedTuple):
    """One address of one interface; addresses are bytes in network order, b"" for none."""

    name: str
    address: bytes
    netmask: bytes
    broadcast: bytes
    speed: int = 0


def record(netns: int, interface: Interface) -> bytes:
    """Return the record of an interface's address."""
    params = [
        pack_u64(netns),
        charbuf(os.fsencode(interface.name)),
        interface.address,
        interface.netmask,
        interface.broadcast,
        pack_u64(interface.speed),
    ]
    return pack_record(State.INTERFACE, params, flags=Flag.STATE_ONLY)


def own() -> Iterator[Interface]:
    """Yield the addresses of the network namespace this process is in."""
    speeds = {name: stats.speed * _MEGABIT for name, stats in psutil.net_if_stats().items()}
    for name, addresses in psutil.net_if_addrs().items():
        for address in addresses:
            if address.family in _FAMILIES:
                texts = (address.address, address.netmask, address.broadcast)
                raw = [_packed(text) for text in texts]
                yield Interface(name, raw[0], raw[1], raw[2], speeds.get(name, 0))


def of_process(process_fd: int) -> list[Interface]:
    """Return the addresses of the network namespace of the process whose `/proc` directory is open."""
    tries, routes, inet6 = (read_or_empty(f"net/{name}", process_fd) for name in ("fib_trie", "route", "if_inet6"))
    return [*ipv4_addresses(tries.decode(), routes.decode()), *ipv6_addresses(inet6.decode())]


def ipv4_addresses(fib_trie: str, route: str) -> list[Interface]:
    """Return the local addresses of a `fib_trie` text, with the interfaces that a `route` text gives them."""
    networks = _networks(route)
    found = []
    for address in sorted(_local_addresses(fib_trie)):
        name, network = next(((n, net) for n, net in networks if address in net), ("", _LOOPBACK_NET))
        if not name and address in _LOOPBACK_NET:
            name = "lo"
        mask = network.netmask.packed if address in network else b"\xff" * 4
        broadcast = network.broadcast_address.packed if name not in ("", "lo") else b""
        found.append(Interface(name, address.packed, mask, broadcast))
    return found


def ipv6_addresses(if_inet6: str) -> list[Interface]:
    """Return the addresses of an `if_inet6` text."""
    found = []
    for line in if_inet6.splitlines():
        address, _, prefix, _, _, name = line.split()
        bits = (1 << 128) - (1 << (128 - int(prefix, 16)))
        found.append(Interface(name, bytes.fromhex(address), bits.to_bytes(16, "big"), b""))
    return found


def _packed(text: str | None) -> bytes:
    """Return the bytes of an address text; a link-local one carries its interface after a `%`."""
    return ipaddress.ip_address(text.partition("%")[0]).packed if text else b""


def _local_addresses(fib_trie: str) -> set[ipaddress.IPv4Address]:
    """Return the `/32 host LOCAL` leaves: each stands on the line before its kind."""
    found: set[ipaddress.IPv4Address] = set()
    leaf = ""
    for line in fib_trie.splitlines():
        words = line.split()
        if words[:1] == ["|--"]:
            leaf = words[1]
        elif words[:3] == ["/32", "host", "LOCAL"]:
            found.add(ipaddress.IPv4Address(leaf))
    return found


def _networks(route: str) -> list[tuple[str, ipaddress.IPv4Network]]:
    """Return (interface, network) of the directly connected networks."""
    found = []
    for line in route.splitlines()[1:]:
        words = line.split()
        name, destination, gateway, mask = words[0], words[1], words[2], words[7]
        if int(gateway, 16) == 0 and int(destination, 16):
            prefix = int(mask, 16).bit_count()
            found.append((name, ipaddress.IPv4Network((_host_order(destination), prefix))))
    return found


def _host_order(text: str) -> bytes:
    return int(text, 16).to_bytes(4, sys.byteorder)
