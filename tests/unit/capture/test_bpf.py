import ctypes
import struct

import pytest

from sysdig_py.capture import bpf

MAP_CREATE, MAP_UPDATE, PROG_LOAD, RAW_TRACEPOINT_OPEN, MAP_UPDATE_BATCH = 0, 2, 5, 17, 26


class Kernel:
    """Answers calls with what is queued, descriptors or errors, and keeps what was asked."""

    def __init__(self, monkeypatch, *answers):
        self.answers, self.calls = list(answers), []
        monkeypatch.setattr(bpf, "_bpf", self.call)

    def call(self, command, attributes):
        self.calls.append((command, self.seen(command, attributes)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def seen(self, command, raw):
        """Read what the addresses point at while it is there."""
        if command == PROG_LOAD:
            kind, count, code, licence, level, size, log = struct.unpack_from("<IIQQIIQ", raw)
            if log:
                ctypes.memmove(log, b"R1 type=ctx\0", min(size, 12))
            name = raw[48:64].rstrip(b"\0")
            return kind, ctypes.string_at(code, count * 8), ctypes.string_at(licence), level, name
        if command == MAP_UPDATE:
            fd, key, value, _flags = struct.unpack_from("<I4xQQQ", raw)
            return fd, ctypes.string_at(key, 4), ctypes.string_at(value, 3)
        if command == MAP_UPDATE_BATCH:
            keys, values, count, fd = struct.unpack_from("<16xQQII", raw)
            return fd, ctypes.string_at(keys, 4 * count), ctypes.string_at(values, 3 * count)
        if command == RAW_TRACEPOINT_OPEN:
            name, fd = struct.unpack_from("<QI", raw)
            return ctypes.string_at(name), fd
        return struct.unpack("<IIIIIII16s", raw)


def test_a_map_is_made(monkeypatch):
    kernel = Kernel(monkeypatch, 7)
    assert bpf.create_map(2, 4, 8, 100, 1024, "a_name_of_more_than_fifteen") == 7
    assert kernel.calls == [(MAP_CREATE, (2, 4, 8, 100, 1024, 0, 0, b"a_name_of_more_\0"))]


def test_memory_that_may_not_be_locked_is_allowed_first(monkeypatch):
    kernel = Kernel(monkeypatch, PermissionError(1, "no"), 8)
    limits = []
    monkeypatch.setattr(bpf.resource, "setrlimit", lambda *limit: limits.append(limit))
    assert bpf.create_map(27, 0, 0, 4096) == 8
    assert len(kernel.calls) == 2
    assert limits == [(bpf.resource.RLIMIT_MEMLOCK, (bpf.resource.RLIM_INFINITY,) * 2)]


def test_an_entry_is_set(monkeypatch):
    kernel = Kernel(monkeypatch, 0)
    bpf.update(5, 513, b"abc")
    assert kernel.calls == [(MAP_UPDATE, (5, b"\1\2\0\0", b"abc"))]


def test_many_entries_are_set_with_one_call(monkeypatch):
    kernel = Kernel(monkeypatch, 0)
    bpf.update_all(6, {3: b"abc", 9: b"def"})
    assert kernel.calls == [(MAP_UPDATE_BATCH, (6, b"\3\0\0\0\x09\0\0\0", b"abcdef"))]


def test_a_program_is_loaded_and_attached(monkeypatch):
    kernel = Kernel(monkeypatch, 11, 12)
    code = b"\x95" + bytes(7)
    assert bpf.attach("sys_exit", bpf.load_program("on_sys_exit", code)) == 12
    assert kernel.calls == [
        (PROG_LOAD, (bpf.RAW_TRACEPOINT, code, b"GPL", 0, b"on_sys_exit")),
        (RAW_TRACEPOINT_OPEN, (b"sys_exit", 11)),
    ]


def test_the_verifiers_words_come_with_a_refusal(monkeypatch):
    denied = OSError(13, "Permission denied")
    kernel = Kernel(monkeypatch, denied, denied)
    with pytest.raises(bpf.Refused, match="program on_x: Permission denied") as refused:
        bpf.load_program("on_x", bytes(8))
    assert refused.value.log == "R1 type=ctx"
    assert [seen[3] for _, seen in kernel.calls] == [0, 1]


def test_the_kernels_no_is_an_error():
    with pytest.raises(OSError, match=r"\[Errno"):
        bpf.update(0x7FFFFFFF, 0, b"abcd")


def test_statistics_are_switched_by_a_descriptor_and_read_from_what_the_kernel_tells_of_a_program(monkeypatch):
    asked = []

    def call(command, attributes):
        asked.append((command, attributes))
        if command == 15:
            fd, size, address = struct.unpack_from("<IIQ", attributes)
            assert (fd, size) == (9, 256)
            ctypes.memmove(address + 20, struct.pack("<I", 640), 4)
            ctypes.memmove(address + 192, struct.pack("<QQ", 5_000, 50), 16)
        return 3

    monkeypatch.setattr(bpf, "_bpf", call)
    assert bpf.enable_stats() == 3
    assert asked == [(32, struct.pack("<I", 0))]
    assert bpf.program_statistics(9) == (5_000, 50)
    assert bpf.program_size(9) == 640


def test_a_program_can_be_of_another_kind(monkeypatch):
    kernel = Kernel(monkeypatch, 11)
    bpf.load_program("on_x", bytes(8), bpf.TRACEPOINT)
    assert kernel.calls == [(PROG_LOAD, (5, bytes(8), b"GPL", 0, b"on_x"))]


def test_a_tracepoint_is_opened_by_its_number_for_all_processes_and_counts_nothing(monkeypatch):
    asked = []

    def call(numbers, attributes, *words):
        asked.append((numbers, attributes.raw, [word.value for word in words]))
        return 5

    monkeypatch.setattr(bpf, "_call", call)
    assert bpf.open_event(776) == 5
    ((numbers, raw, words),) = asked
    assert set(numbers) == set(bpf.MACHINES)
    assert struct.unpack("<IIQ24xQ16x", raw) == (2, 64, 776, 1)
    assert words[0] == words[2] == -1 and words[1] >= 0
