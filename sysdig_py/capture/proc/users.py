"""USER and GROUP records: what the system's user database lists."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator

from sysdig_py.capture.proc.encode import charbuf, pack_u32
from sysdig_py.schema.record import Flag, pack_record
from sysdig_py.schema.state import State

_UID_MASK = 0xFFFFFFFF


def users() -> Iterator[bytes]:
    """Yield a record per user."""
    for user in pwd.getpwall():
        texts = [charbuf(os.fsencode(text)) for text in (user.pw_name, user.pw_dir, user.pw_shell)]
        ids = [pack_u32(user.pw_uid & _UID_MASK), pack_u32(user.pw_gid & _UID_MASK)]
        yield pack_record(State.USER, ids + texts, flags=Flag.STATE_ONLY)


def groups() -> Iterator[bytes]:
    """Yield a record per group."""
    for group in grp.getgrall():
        params = [pack_u32(group.gr_gid & _UID_MASK), charbuf(os.fsencode(group.gr_name))]
        yield pack_record(State.GROUP, params, flags=Flag.STATE_ONLY)
