import fcntl
import mmap
import os
import select

import pytest

from sysdig_py.capture import conversions
from sysdig_py.capture.conversions import Conversion, Kind, Table, apply
from sysdig_py.schema.events import flag_tables

FLAGS = {table: dict(rows) for table, rows in flag_tables().items()}


@pytest.mark.parametrize(
    ("number", "table", "native", "names"),
    [
        (Conversion.OPEN, "file_flags", os.O_RDONLY, "O_RDONLY"),
        (Conversion.OPEN, "file_flags", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, "O_WRONLY O_CREAT O_TRUNC"),
        (Conversion.OPEN, "file_flags", os.O_RDWR | os.O_APPEND | os.O_EXCL, "O_RDWR O_APPEND O_EXCL"),
        (Conversion.OPEN_BITS, "file_flags", os.O_CLOEXEC | os.O_NONBLOCK, "O_CLOEXEC O_NONBLOCK"),
        (Conversion.OPEN_BITS, "file_flags", os.O_DIRECTORY | os.O_DIRECT, "O_DIRECTORY O_DIRECT"),
        (Conversion.OPEN_BITS, "file_flags", os.O_SYNC, "O_SYNC O_DSYNC"),
        (Conversion.OPEN_BITS, "file_flags", os.O_TMPFILE, "O_TMPFILE O_DIRECTORY"),
        (Conversion.MMAP, "mmap_flags", mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, "MAP_PRIVATE MAP_ANONYMOUS"),
        (Conversion.PROT, "prot_flags", mmap.PROT_READ | mmap.PROT_EXEC, "PROT_READ PROT_EXEC"),
        (Conversion.CLONE, "clone_flags", 0x10000 | 0x100, "CLONE_THREAD CLONE_VM"),
        (Conversion.CLONE, "clone_flags", 0x20000000, "CLONE_NEWPID"),
        (Conversion.FCNTL, "fcntl_commands", fcntl.F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"),
        (Conversion.FCNTL, "fcntl_commands", fcntl.F_SETFL, "F_SETFL"),
        (Conversion.FCNTL, "fcntl_commands", 999, "UNKNOWN"),
        (Conversion.POLL, "poll_flags", select.POLLIN | select.POLLHUP, "POLLIN POLLHUP"),
        (Conversion.PTRACE, "ptrace_requests", 16, "PTRACE_ATTACH"),
        (Conversion.PTRACE, "ptrace_requests", 0x4206, "PTRACE_SEIZE"),
        (Conversion.RESOLVE, "openat2_flags", 1, "RESOLVE_NO_XDEV"),
        (Conversion.CHOWNAT, "fchownat_flags", 0x100, "AT_SYMLINK_NOFOLLOW"),
        (Conversion.SOCKOPT, "sockopt_options", 20, "SO_RCVTIMEO"),
        (Conversion.RLIMIT, "rlimit_resources", 99, "RLIMIT_UNKNOWN"),
    ],
)
def test_native_flags_become_those_of_the_schema(number, table, native, names):
    expected = 0
    for name in names.split():
        expected |= FLAGS[table][name]
    assert apply(conversions.tables()[number], native) == expected


def test_every_number_has_a_table_that_fits_the_map():
    made = conversions.tables("aarch64")
    assert set(made) == set(Conversion) - {Conversion.NONE}
    for table in made.values():
        assert len(table.pack()) == 8 + 8 * conversions.MAX_PAIRS


def test_architectures_differ_where_they_do():
    one, other = (conversions.tables(arch)[Conversion.OPEN_BITS] for arch in ("x86_64", "aarch64"))
    assert apply(one, 0o200000) == FLAGS["file_flags"]["O_DIRECTORY"]
    assert apply(other, 0o40000) == FLAGS["file_flags"]["O_DIRECTORY"]


def test_the_last_pair_of_an_enumeration_is_marked():
    packed = Table(Kind.ENUM, ((1, 2), (3, 4)), otherwise=9).pack()
    words = [int.from_bytes(packed[i : i + 4], "little") for i in range(0, 24, 4)]
    assert words == [Kind.ENUM, 9, 1, 2, 3, 4 | 0x80000000]
