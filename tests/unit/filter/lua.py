"""Running compiled filters: the real comparators over values a test gives."""

from __future__ import annotations

from functools import cache
from typing import Any

from sysdig_py import filter as filters
from sysdig_py.engine.vm import Engine

_LOADER = """
local rt = require("filter_rt")
local values = {}
local function given(name)
    return function()
        local value = values[name]
        if type(value) == "table" then return value[1], value[2] end
        return value
    end
end
local world = setmetatable({ get = given, wide = given }, { __index = rt })
return function(source) return assert(loadstring(source))(world) end,
    function(name, first, second)
        values[name] = second ~= nil and { first, second } or first
    end,
    function() for name in pairs(values) do values[name] = nil end end
"""


@cache
def world() -> tuple[Any, Any, Any]:
    """Return what loads a source, gives a field its value, and forgets all values."""
    return Engine().execute(_LOADER)


def load(text: str) -> Any:
    """Compile `text` and load its Lua; returns the predicate."""
    return world()[0](filters.compile(text).lua_source.encode())[0]


def holds(text: str, **values: Any) -> bool:
    """Whether the filter holds when fields have these values (`__` in a name is a dot)."""
    predicate = load(text)
    _, give, forget = world()
    forget()
    for name, value in values.items():
        first, *second = value if isinstance(value, tuple) else (value,)
        give(name.replace("__", ".").encode(), _lua(first), *map(_lua, second))
    result = predicate()
    assert isinstance(result, bool)
    return result


def _lua(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value
