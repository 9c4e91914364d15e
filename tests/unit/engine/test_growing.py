"""Memory that bytes are appended to keeps what was written, wherever it grows to."""

import ctypes

from tests.lua_probe import Probe

APPEND = """
local ffi, growing = require("ffi"), require("growing")
local memory = growing.new(8)
for number = 1, 3000 do
    local text = ("%d,"):format(number)
    growing.reserve(memory, #text)
    ffi.copy(memory.at + memory.used, text, #text)
    memory.used = memory.used + #text
end
kept = memory
return growing.take(memory)
"""


def test_what_was_appended_is_kept_over_growing():
    probe = Probe()
    address, used = probe.lua(APPEND)
    text = ctypes.string_at(int(address), int(used)).decode()
    assert text == "".join(f"{number}," for number in range(1, 3001))


def test_what_was_taken_is_gone():
    probe = Probe()
    probe.lua(APPEND)
    assert probe.lua("return kept.used") == 0
    assert probe.lua('return select(2, require("growing").take(kept))') == 0
