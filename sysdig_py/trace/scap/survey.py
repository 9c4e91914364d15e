"""A first look at a .scap: is it one, which machine is it from, do its calls have enter events."""

from __future__ import annotations

from typing import Final

from sysdig_py.trace.scap import layout

MAGIC: Final = 0x1A2B3C4D
_ENOUGH: Final = 4096
# Even codes that tell nothing: they come from every recorder, whether or not it reports enters. _STILL_ENTERED are
# calls whose enter later recorders report too, since a path can change in memory during the call.
_ALONE: Final = frozenset(
    {16, 146, 148, 152, 186, 196, 228, 232, 234, 244, 260, 268, 270, 272, 280, 286, 288, 290, 322, 324}
)
_STILL_ENTERED: Final = frozenset({2, 22, 58, 306, 326})
# exits that got parameters when enter events went: how many they had before
OLD_PARAMETERS: Final = {
    1: 1, 3: 5, 5: 1, 7: 2, 9: 2, 19: 1, 21: 2, 23: 2, 25: 1, 29: 2, 31: 2, 33: 2, 35: 3, 37: 1, 43: 5, 49: 2,
    51: 0, 53: 4, 55: 0, 59: 4, 63: 1, 65: 1, 71: 1, 79: 1, 81: 2, 87: 1, 89: 1, 97: 1, 113: 2, 115: 2, 117: 3,
    119: 2, 121: 3, 123: 2, 127: 1, 129: 1, 131: 1, 133: 1, 135: 1, 137: 1, 139: 1, 141: 3, 143: 3, 145: 5, 151: 1,
    159: 4, 161: 4, 163: 4, 165: 4, 167: 1, 169: 3, 171: 1, 189: 2, 191: 14, 193: 1, 195: 1, 199: 1, 201: 1,
    223: 20, 225: 20, 227: 20, 237: 1, 239: 1, 241: 1, 243: 1, 251: 8, 253: 1, 255: 2, 257: 4, 263: 1, 265: 2,
    277: 2, 285: 1, 293: 20, 295: 1, 299: 1, 307: 6, 327: 6, 329: 1, 331: 20, 333: 3, 335: 20,
}  # fmt: skip
PAIRED: Final = "0293"


class Survey:
    """What the first blocks tell.

    Attributes:
        refusal: why this cannot be read, "" when it can.
        machine: payload of the machine block, None without one.
    """

    def __init__(self) -> None:
        """Begin with the first block."""
        self.refusal = ""
        self.machine: bytes | None = None
        self._at = 0
        self._exits = 0
        self._enters = 0
        self._early = 0  # enters that later recorders report as well
        self._parameters: dict[int, int] = {}  # exit -> how many it has at most

    @property
    def dialect(self) -> str:
        """Enter and exit events; or exits alone, when they have parameters that came later, or are many and alone."""
        if self._enters:
            return PAIRED
        lonely = self._exits >= _ENOUGH and not self._early
        return "" if lonely or self._has_later_layouts() else PAIRED

    def _has_later_layouts(self) -> bool:
        return any(count > OLD_PARAMETERS.get(code, count) for code, count in self._parameters.items())

    def look(self, data: bytearray) -> bool:
        """Look at the blocks that are whole in `data`; True when enough was seen."""
        with memoryview(data) as whole:
            return self._look(whole)

    def _look(self, whole: memoryview) -> bool:
        while len(whole) - self._at >= layout.FRAME.size and not self.refusal:
            kind, size = layout.FRAME.unpack_from(whole, self._at)
            if size < layout.SMALLEST:
                return True
            if self._at + size > len(whole):
                return False
            with whole[self._at : self._at + size] as block:
                self._block(kind, block)
            self._at += size
            if self._enters or self._exits >= _ENOUGH:
                return True
        return bool(self.refusal)

    def finish(self, data: bytearray) -> None:
        """All that could be had was looked at: an early end counts now."""
        if not self._at and not self.refusal:
            self.refusal = f"a .scap cut at byte {len(data)}, nothing can be read"

    def _block(self, kind: int, block: memoryview) -> None:
        if self._at == 0:
            self._section(kind, block)
        elif kind in layout.MACHINE and self.machine is None:
            self.machine = bytes(block[layout.FRAME.size : -layout.TRAILER.size])
        elif kind in layout.OLD_EVENTS:
            self._enters += 1
        elif kind in layout.EVENTS:
            at = layout.EVENT_TYPE_AT + (layout.FLAGS_SIZE if layout.EVENTS[kind] else 0)
            self._event(int.from_bytes(block[at : at + 2], "little"), int.from_bytes(block[at + 2 : at + 6], "little"))

    def _event(self, code: int, parameters: int) -> None:
        if code % 2:
            self._exits += 1
            self._parameters[code] = max(parameters, self._parameters.get(code, 0))
        elif code in _STILL_ENTERED:
            self._early += 1
        elif code not in _ALONE:
            self._enters += 1

    def _section(self, kind: int, block: memoryview) -> None:
        magic = int.from_bytes(block[8:12], "little")
        major = int.from_bytes(block[12:14], "little")
        if kind != layout.SECTION or magic != MAGIC:
            self.refusal = "not a .scap: it does not start with a section header"
        elif major > 1:
            self.refusal = f"a .scap of version {major}; up to 1 can be read"
