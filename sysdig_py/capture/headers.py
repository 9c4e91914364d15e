"""Kernel headers for bcc made from BTF, so that no headers package is needed.

bcc compiles against the headers of the running kernel. Here the kernel's own type information is
dumped, cut down to what the probe names, and put behind a small stub tree that
`BCC_KERNEL_SOURCE` points at. Struct offsets are then those of the running kernel.
The tree is cached by kernel build id and by what was asked for.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from sysdig_py import locations
from sysdig_py.capture.prune import prune
from sysdig_py.errors import EnvironmentLack

BTF: Final = Path("/sys/kernel/btf/vmlinux")
_NOTES: Final = Path("/sys/kernel/notes")
_LAYOUT_VERSION: Final = 1

_EMPTY_STUBS: Final = (
    *(f"include/linux/{n}.h" for n in ("types", "bpf_common", "log2", "version", "compiler", "compiler_types")),
    *(f"include/uapi/linux/{n}.h" for n in ("bpf", "if_ether", "if_packet", "ptrace")),
    "include/asm/page.h",
)
# What bcc's own helper header uses without declaring it, and what its rewriting of maps brings in.
_BCC_TEXT: Final = """
u8 u16 u32 u64 s8 s16 s32 s64 __u8 __u16 __u32 __u64 __s8 __s16 __s32 __s64 __be16 __be32 __wsum
bool size_t uintptr_t pt_regs __sk_buff xdp_md btf_ptr
bpf_func_id bpf_map_type bpf_attach_type bpf_prog_type bpf_raw_tracepoint_args bpf_perf_event_value
bpf_perf_event_data bpf_spin_lock bpf_sock_ops bpf_tunnel_key bpf_fib_lookup bpf_redir_neigh
bpf_stack_build_id bpf_sock_tuple bpf_sysctl bpf_pidns_info
BPF_ANY BPF_NOEXIST BPF_F_CURRENT_CPU BPF_F_USER_STACK BPF_F_NO_PREALLOC BPF_FUNC_unspec
"""
_BCC_NAMES: Final = frozenset(_BCC_TEXT.split())
_NO_HELPER: Final = 0x7FFFFFFF
_ARCH_CONFIG: Final = {"x86_64": "CONFIG_X86_64", "aarch64": "CONFIG_ARM64"}


def build_id() -> str:
    """Return the running kernel's build id, or its release and version where it has none."""
    try:
        found = parse_build_id(_NOTES.read_bytes())
    except OSError:
        found = ""
    return found or hashlib.sha256(f"{platform.release()} {platform.version()}".encode()).hexdigest()[:40]


def parse_build_id(notes: bytes) -> str:
    """Find the GNU build id in an ELF note section; "" when there is none."""
    offset = 0
    while offset + 12 <= len(notes):
        name_len, desc_len, kind = (int.from_bytes(notes[offset + i : offset + i + 4], "little") for i in (0, 4, 8))
        name_at = offset + 12
        desc_at = name_at + (name_len + 3) // 4 * 4
        if kind == 3 and notes[name_at : name_at + name_len] == b"GNU\0":
            return notes[desc_at : desc_at + desc_len].hex()
        offset = desc_at + (desc_len + 3) // 4 * 4
    return ""


def dump_btf() -> str:
    """Return the running kernel's types as C; cached, since the dump takes a third of a second.

    Raises:
        EnvironmentLack: the kernel has no BTF, or bpftool is missing.
    """
    if not BTF.is_file():
        raise EnvironmentLack(f"the kernel has no type information: {BTF} is missing (CONFIG_DEBUG_INFO_BTF)")
    cached = locations.cache() / f"vmlinux-{build_id()}.h"
    if not cached.is_file():
        _write(cached, _run_bpftool())
    return cached.read_text()


def prepare(names: frozenset[str], helpers: frozenset[str] = frozenset()) -> Path:
    """Make (or find in the cache) the header tree for a source that uses `names`.

    Args:
        names: identifiers of the C source; types among them are kept with all they need.
        helpers: the kernel's helpers that bcc's own header names, called or not; it may know newer ones than this
            kernel does.

    Returns:
        The value for BCC_KERNEL_SOURCE.
    """
    wanted = names | _BCC_NAMES
    named = " ".join([str(_LAYOUT_VERSION), *sorted(wanted), *sorted(helpers)])
    digest = hashlib.sha256(named.encode()).hexdigest()[:16]
    root = locations.cache() / f"headers-{build_id()}-{digest}"
    if not root.is_dir():
        dump = dump_btf()
        _build_tree(root, prune(dump, wanted) + missing_helpers(dump, helpers))
    return root


def missing_helpers(dump: str, helpers: frozenset[str]) -> str:
    """Return a definition of the helpers that the kernel does not have: to name them is no error, to call them is."""
    known = set(re.findall(r"^\t(BPF_FUNC_\w+) = ", dump, re.MULTILINE))
    missing = sorted(helpers - known)
    return f"enum {{ {', '.join(f'{name} = {_NO_HELPER}' for name in missing)} }};\n" if missing else ""


def _run_bpftool() -> str:
    tool = shutil.which("bpftool", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if tool is None:
        raise EnvironmentLack("bpftool is missing: install the package bpftool")
    done = subprocess.run(
        [tool, "btf", "dump", "file", str(BTF), "format", "c"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EnvironmentLack(f"bpftool cannot dump {BTF}: {done.stderr.strip()}")
    return done.stdout


def _build_tree(root: Path, types: str) -> None:
    # Made aside and renamed, so that a reader never sees half a tree.
    aside = Path(tempfile.mkdtemp(prefix="headers-", dir=root.parent))
    for name in _EMPTY_STUBS:
        _write(aside / name, "")
    _write(aside / "include/linux/kconfig.h", _kconfig())
    _write(aside / "include/vmlinux.h", types)
    try:
        aside.rename(root)
    except OSError:
        shutil.rmtree(aside)
        if not root.is_dir():
            raise


def _kconfig() -> str:
    config = _ARCH_CONFIG.get(platform.machine())
    if config is None:
        raise EnvironmentLack(f"the machine type {platform.machine()} is not supported (x86_64, aarch64 are)")
    match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", platform.release())
    major, minor, patch = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    defines = {
        "_UAPI__LINUX_BPF_H__": "",
        "__LINUX_BPF_H__": "",
        "BPF_NO_PRESERVE_ACCESS_INDEX": "",
        "CONFIG_BPF": "1",
        "CONFIG_BPF_SYSCALL": "1",
        config: "1",
        "PAGE_SIZE": str(os.sysconf("SC_PAGE_SIZE")),
        "KERNEL_VERSION(a, b, c)": "(((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))",
        "LINUX_VERSION_CODE": f"KERNEL_VERSION({major}, {minor}, {patch})",
        "BPF_OBJ_NAME_LEN": "16U",
        "__force": "",
        "__user": "",
        "__always_inline": "inline __attribute__((always_inline))",
    }
    lines = [f"#define {name} {value}".rstrip() for name, value in defines.items()]
    return "\n".join(["#pragma once", *lines, '#include "vmlinux.h"', ""])


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.write_text(text)
    aside.rename(path)
