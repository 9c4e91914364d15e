"""An image in the kernel: its maps made, its programs loaded and attached, all by descriptor.

Nothing is pinned, so that whatever ends this process takes the probe out of the kernel.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from sysdig_py.capture import bpf
from sysdig_py.capture.image import Constant, Image, link, tracepoint_function


class Loaded:
    """The maps and programs of one image."""

    def __init__(self, image: Image, constants: Mapping[Constant, int], entries: Mapping[str, int]) -> None:
        """Make the maps and load the programs; nothing is attached yet.

        Args:
            image: what to load.
            constants: the run's own values.
            entries: sizes of maps that are not those of the image.

        Raises:
            OSError: the kernel refused a map or (`bpf.Refused`) a program.
        """
        self._tracepoints = image.tracepoints
        self._attached = ExitStack()
        with ExitStack() as opened:
            self._maps: dict[str, int] = {}
            for spec in image.maps:
                size = entries.get(spec.name, spec.entries)
                fd = bpf.create_map(spec.kind, spec.key_size, spec.value_size, size, spec.flags, spec.name)
                opened.callback(os.close, fd)
                self._maps[spec.name] = fd
            fds = list(self._maps.values())
            linked = {name: link(code, fds, constants) for name, code in image.programs.items()}
            self._programs = _load_programs(linked, opened)
            self._opened = opened.pop_all()

    def has_map(self, name: str) -> bool:
        """Tell whether the image has a map of this name; some belong to what not every kernel can do."""
        return name in self._maps

    def map_fd(self, name: str) -> int:
        """Return the descriptor of a map."""
        return self._maps[name]

    def program_fd(self, name: str) -> int:
        """Return the descriptor of a program."""
        return self._programs[name]

    def attach(self) -> None:
        """Attach every tracepoint's program; records flow from here on."""
        for name in self._tracepoints:
            link_fd = bpf.attach(name, self._programs[tracepoint_function(name)])
            self._attached.callback(os.close, link_fd)

    def detach(self) -> None:
        """Detach; the maps stay."""
        self._attached.close()

    def close(self) -> None:
        """Detach and give everything back."""
        self.detach()
        self._opened.close()


def _load_programs(linked: Mapping[str, bytes], opened: ExitStack) -> dict[str, int]:
    """Load all programs, the longest first and as many at a time as there are cores: the verifier takes its time."""

    def load(name: str) -> tuple[str, int]:
        fd = bpf.load_program(name, linked[name])
        opened.callback(os.close, fd)
        return name, fd

    longest_first = sorted(linked, key=lambda name: -len(linked[name]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(load, longest_first))
