"""What is wrong with a .scap: blocks that were left out, and an end before the end. All of it becomes one line."""

from __future__ import annotations


class Damage:
    """What was found so far."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._count = 0
        self._first = ""

    def left_out(self, problem: str, where: int) -> None:
        """Note a block at byte `where` that is not used."""
        self._count += 1
        self._first = self._first or f"{problem} at byte {where}"

    def told(self, problem: str, where: int) -> str:
        """Return the line about a trace that ends with `problem` ("" for a proper end); "" when nothing is wrong."""
        ending = f"{problem}, at byte {where}: what follows is lost" if problem else ""
        if not self._count:
            return ending
        blocks = f"{self._count} blocks were left out, the first:" if self._count > 1 else "a block was left out:"
        return f"{ending}; before it {blocks} {self._first}" if ending else f"{blocks} {self._first}"
