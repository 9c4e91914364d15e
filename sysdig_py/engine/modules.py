"""The engine's Lua modules as bytecode, compiled once: parsing them would be most of a short run.

LuaJIT does not verify bytecode, so what the cache holds is believed only when nobody else can have written it
(`cachefile`). It is bound to this LuaJIT and to the very files it was made from: path, size, time.
"""

from __future__ import annotations

import marshal
import os
import zlib
from collections.abc import Iterator
from typing import Any, Final

from sysdig_py import cachefile, locations

_KEPT: Final = 16
_DUMP: Final = b"function(source, chunk) return string.dump(assert(load(source, chunk, 't'))) end"
_INSTALL: Final = b"""function(name, code, chunk)
    package.preload[name] = function(...) return assert(load(code, chunk, 'b'))(...) end
end"""


def install(runtime: Any) -> None:
    """Let `require` find the modules of engine/lua, and nothing else."""
    files = sorted(_files())
    add = runtime.eval(_INSTALL)
    for name, code in _bytecode(runtime, files).items():
        add(name, code, b"=" + name)


def _files() -> Iterator[tuple[str, str, int, int]]:
    """Yield name, path, size and time of every module."""
    root = str(locations.LUA)
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(".lua"):
                path = f"{folder}/{name}"
                status = os.stat(path)  # noqa: PTH116 - a Path for each of them is what takes time here
                module = path[len(root) + 1 : -4].replace("/", ".")
                yield module, path, status.st_size, status.st_mtime_ns


def _bytecode(runtime: Any, files: list[tuple[str, str, int, int]]) -> dict[bytes, bytes]:
    facts = repr((runtime.eval(b"jit.version .. jit.arch"), files))
    name = f"lua-{zlib.crc32(facts.encode()):08x}.bytecode"
    known = cachefile.read(name, facts)
    if known is not None:
        return dict(marshal.loads(known))
    dump = runtime.eval(_DUMP)
    modules = {module.encode(): bytes(dump(_source(path), b"@" + os.fsencode(path))) for module, path, *_ in files}
    cachefile.write(name, facts, marshal.dumps(modules), pattern="lua-*.bytecode", kept=_KEPT)
    return modules


def _source(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        return file.read()
