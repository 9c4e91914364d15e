"""The probe's C to an `Image`; the only place that imports bcc.

bcc compiles and makes maps of its own on the way; they are given back, and the image is loaded from
its bytes like one out of the cache.
"""

from __future__ import annotations

import ctypes
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sysdig_py import locations
from sysdig_py.capture import headers, kernel, probe_source
from sysdig_py.capture.handlers import INLINE, Handler
from sysdig_py.capture.image import LAST_CHANCE, Image, MapSpec, call_kernel, tracepoint_function, unlink
from sysdig_py.errors import EnvironmentLack


def compile_probe(defines: Mapping[str, str], tracepoints: Sequence[str]) -> Image:
    """Compile the probe for the running kernel.

    Args:
        defines: every `-D` of the probe.
        tracepoints: the raw tracepoints there are; their programs and all handlers are taken.

    Raises:
        EnvironmentLack: bcc is missing, or the source does not compile.
    """
    bcc = _import_bcc()
    source = probe_source.join(locations.PROBE)
    names = probe_source.identifiers(source, defines)
    os.environ["BCC_KERNEL_SOURCE"] = str(headers.prepare(names, _helpers()))
    with compiler_messages():
        module = bcc.BPF(text=source.encode(), cflags=probe_source.cflags(defines))
    try:
        maps, places = _maps(bcc.lib, module.module)
        programs = {
            name: call_kernel(unlink(module.dump_func(name.encode()), places)) for name in _functions(tracepoints)
        }
    finally:
        module.cleanup()
    needs_entries = "FEATURE_TASK_REGISTERS" not in defines
    return Image(maps, programs, tuple(tracepoints), needs_entries, kernel.last_chances(defines))


def _functions(tracepoints: Sequence[str]) -> Iterator[str]:
    yield from (handler.function for handler in Handler if handler not in INLINE)
    yield from map(tracepoint_function, tracepoints)
    yield LAST_CHANCE


def _maps(lib: Any, module: Any) -> tuple[tuple[MapSpec, ...], dict[int, int]]:
    """Return what the maps are like, and the place of each by bcc's descriptor of it."""
    _declare(lib)
    numbers = range(lib.bpf_num_tables(module))
    specs = tuple(
        MapSpec(
            lib.bpf_table_name(module, i).decode(),
            lib.bpf_table_type_id(module, i),
            lib.bpf_table_key_size_id(module, i),
            lib.bpf_table_leaf_size_id(module, i),
            lib.bpf_table_max_entries_id(module, i),
            lib.bpf_table_flags_id(module, i),
        )
        for i in numbers
    )
    return specs, {lib.bpf_table_fd_id(module, i): i for i in numbers}


def _declare(lib: Any) -> None:
    """Say what bcc's binding leaves out: without it, pointers above 4 GB lose their upper half."""
    pointer, number = ctypes.c_void_p, ctypes.c_size_t
    lib.bpf_num_tables.restype, lib.bpf_num_tables.argtypes = number, [pointer]
    results = {"name": ctypes.c_char_p, "key_size_id": number, "leaf_size_id": number, "fd_id": ctypes.c_int}
    for what, result in results.items():
        function = getattr(lib, f"bpf_table_{what}")
        function.restype, function.argtypes = result, [pointer, number]


def _helpers() -> frozenset[str]:
    """Return the helpers that bcc's header names, which is part of its library."""
    found = re.search(r"^\S+ \S+ \S+ \S+ \S+ +(/.*libbcc\.so\S*)$", Path("/proc/self/maps").read_text(), re.MULTILINE)
    text = Path(found[1]).read_bytes() if found else b""
    return frozenset(name.decode() for name in re.findall(rb"\bBPF_FUNC_[a-z]\w*", text))


def _import_bcc() -> Any:
    lack = "bcc's Python binding is missing: install the distribution's package python3-bpfcc"
    try:
        import bcc
    except ImportError as error:
        raise EnvironmentLack(lack) from error
    if not hasattr(bcc, "BPF") or not hasattr(bcc, "lib"):
        raise EnvironmentLack(f"{lack} (the module 'bcc' found at {bcc.__file__} is an unrelated project)")
    return bcc


@contextmanager
def compiler_messages() -> Iterator[None]:
    """Keep what bcc's compiler writes to stderr away unless it fails."""
    with tempfile.TemporaryFile() as caught:
        kept = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        except Exception as error:
            caught.seek(0)
            text = caught.read().decode(errors="replace")
            raise load_failure(text or str(error)) from error
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def load_failure(text: str) -> EnvironmentLack:
    """Return the error for what the compiler or the verifier said; all of it goes to a file."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = next((line for line in lines if "error:" in line), lines[-1] if lines else "no message")
    with suppress(OSError):
        (locations.cache() / "probe-failure.log").write_text(text)
    log = f"{locations.cache()}/probe-failure.log"
    return EnvironmentLack(f"the probe does not load into this kernel: {found} (all of it: {log})")
