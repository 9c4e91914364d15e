"""An image in the kernel: its maps made, its programs loaded and attached, all by descriptor.

Nothing is pinned, so that whatever ends this process takes the probe out of the kernel.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from sysdig_py.capture import bpf
from sysdig_py.capture.handlers import TELLING, Handler
from sysdig_py.capture.image import LAST_CHANCE, Constant, Image, MapSpec, link, tracepoint_function


class Loaded:
    """The maps and programs of one image."""

    def __init__(
        self,
        image: Image,
        constants: Mapping[Constant, int],
        entries: Mapping[str, int],
        hooks: Mapping[int, bytes] | None = None,
        without: Collection[str] = (),
        events: Sequence[int] = (),
    ) -> None:
        """Make the maps and load the programs; nothing is attached yet.

        Args:
            image: what to load.
            constants: the run's own values.
            entries: sizes of maps that are not those of the image.
            hooks: the run's own instructions, by the call they take the place of.
            without: tracepoints of the image to leave out.
            events: what the program LAST_CHANCE runs at (`bpf.open_event`); they are closed with the rest.

        Raises:
            OSError: the kernel refused a map or (`bpf.Refused`) a program.
        """
        self._tracepoints = [name for name in image.tracepoints if name not in without]
        unused = {LAST_CHANCE, *map(tracepoint_function, without)}
        self._events = events
        self._attached = ExitStack()
        self._attached.callback(_close_all, events)
        with ExitStack() as opened:
            opened.push(self._attached)
            self._make_maps(image, constants, entries, opened)

            def linked(names: Iterable[str], maps: Mapping[str, int]) -> dict[str, bytes]:
                return {name: link(image.programs[name], list(maps.values()), constants, hooks) for name in names}

            used = [name for name in image.programs if name not in unused]
            self._programs = _load_programs(linked(used, self._maps), opened)
            if events:
                other = _create(_spec(image, "handlers"), max(Handler) + 1, 0, opened)
                telling = linked((LAST_CHANCE, *TELLING), self._maps | {"handlers": other})
                self._programs[LAST_CHANCE] = _load_last_chance(telling, other, opened)
            self._opened = opened.pop_all()

    def _make_maps(
        self, image: Image, constants: Mapping[Constant, int], entries: Mapping[str, int], opened: ExitStack
    ) -> None:
        self._maps: dict[str, int] = {}
        for spec in image.maps:
            size = entries.get(spec.name, spec.entries)
            # the one map of maps there is holds rings
            inner = self._maps["ring"] if spec.kind == bpf.ARRAY_OF_MAPS else 0
            self._maps[spec.name] = _create(spec, size, inner, opened)
        self._rings = [self._maps["ring"]]
        if "rings" in self._maps:
            self._add_rings(image, constants[Constant.RING_COUNT], entries["ring"], opened)

    def has_map(self, name: str) -> bool:
        """Tell whether the image has a map of this name; some belong to what not every kernel can do."""
        return name in self._maps

    @property
    def ring_fds(self) -> list[int]:
        """Return the descriptors of all rings."""
        return self._rings

    def _add_rings(self, image: Image, count: int, size: int, opened: ExitStack) -> None:
        """Make the other rings and enter all of them in the map of rings."""
        spec = _spec(image, "ring")
        self._rings += [_create(spec, size, 0, opened) for _ in range(count - 1)]
        for number, fd in enumerate(self._rings):
            bpf.update(self._maps["rings"], number, fd.to_bytes(4, "little"))

    def map_fd(self, name: str) -> int:
        """Return the descriptor of a map."""
        return self._maps[name]

    def program_fd(self, name: str) -> int:
        """Return the descriptor of a program."""
        return self._programs[name]

    @property
    def entry_fds(self) -> list[int]:
        """Return the descriptors of the programs that are attached; the others run as part of these."""
        functions = [*map(tracepoint_function, self._tracepoints), *([LAST_CHANCE] if self._events else [])]
        return [self._programs[name] for name in functions]

    @property
    def tracepoints(self) -> list[str]:
        """Return the raw tracepoints that the programs are for."""
        return self._tracepoints

    def attach(self) -> None:
        """Attach every tracepoint's program; records flow from here on."""
        for name in self._tracepoints:
            link_fd = bpf.attach(name, self._programs[tracepoint_function(name)])
            self._attached.callback(os.close, link_fd)
        for event in self._events:
            bpf.attach_event(event, self._programs[LAST_CHANCE])

    def detach(self) -> None:
        """Detach; the maps stay."""
        self._attached.close()

    def close(self) -> None:
        """Detach and give everything back."""
        self.detach()
        self._opened.close()


def _close_all(fds: Iterable[int]) -> None:
    for fd in fds:
        os.close(fd)


def _create(spec: MapSpec, entries: int, inner: int, opened: ExitStack) -> int:
    fd = bpf.create_map(spec.kind, spec.key_size, spec.value_size, entries, spec.flags, spec.name, inner)
    opened.callback(os.close, fd)
    return fd


def _spec(image: Image, name: str) -> MapSpec:
    return next(spec for spec in image.maps if spec.name == name)


def _load_last_chance(linked: Mapping[str, bytes], handlers: int, opened: ExitStack) -> int:
    """Return the program LAST_CHANCE. Programs go on with such of their own kind only: some are loaded once more."""
    programs = _load_programs(linked, opened, bpf.TRACEPOINT)
    for function, handler in TELLING.items():
        bpf.update(handlers, handler, programs[function].to_bytes(4, "little"))
    return programs[LAST_CHANCE]


def _load_programs(linked: Mapping[str, bytes], opened: ExitStack, kind: int = bpf.RAW_TRACEPOINT) -> dict[str, int]:
    """Load all programs, the longest first and as many at a time as there are cores: the verifier takes its time."""

    def load(name: str) -> tuple[str, int]:
        fd = bpf.load_program(name, linked[name], kind)
        opened.callback(os.close, fd)
        return name, fd

    longest_first = sorted(linked, key=lambda name: -len(linked[name]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(load, longest_first))
