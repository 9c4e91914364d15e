"""The probe's marks of what it told (`probe/touch.c`), as far as user space has a say in them."""

from __future__ import annotations

import ctypes
from typing import Final

from sysdig_py.capture.options import PAGE
from sysdig_py.capture.ring import map_shared, unmap

EPOCHS: Final = 4096  # entries of the map touch_epochs


class ToldMarks:
    """The probe's memory of what it told, as far as user space has a say in it."""

    def __init__(self, control_fd: int, epochs_fd: int) -> None:
        """Map the two maps.

        Args:
            control_fd: map `control`; the generation is its second word.
            epochs_fd: map `touch_epochs`, 64 bits per entry.
        """
        self._control = map_shared(control_fd, PAGE, 0, writable=True)
        self._epochs = map_shared(epochs_fd, EPOCHS * 8, 0, writable=True)

    def renew(self) -> None:
        """Make all of it void."""
        ctypes.c_uint64.from_address(self._control + 8).value += 1
        # the probe counts these up too; whoever wins, they are no longer what they were
        epochs = (ctypes.c_uint64 * EPOCHS).from_address(self._epochs)
        for number, epoch in enumerate(epochs):
            epochs[number] = epoch + 1

    def close(self) -> None:
        """Unmap."""
        unmap(self._control, PAGE)
        unmap(self._epochs, EPOCHS * 8)
