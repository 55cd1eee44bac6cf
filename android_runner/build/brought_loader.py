"""How a program is started that brings the loader of its C library along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.records.runner import is_loader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.records.device import DeviceFile


def started_by(program: DeviceFile, libraries: Sequence[DeviceFile]) -> tuple[str, ...]:
    """The words that start it: itself, or the loader that it brings along."""
    if not brings_loader(libraries):
        return (program.remote_path,)
    loader = next(x for x in libraries if is_loader(x.name))
    path = ":".join(folders_of(libraries))
    return (loader.remote_path, "--library-path", path, program.remote_path)


def brings_loader(libraries: Sequence[DeviceFile]) -> bool:
    """Whether one of them is a loader; it then needs no variable to find the rest.

    With a variable, what the program starts for itself would find them too, and that
    is the phone's own.
    """
    return any(is_loader(library.name) for library in libraries)


def folders_of(libraries: Sequence[DeviceFile]) -> list[str]:
    """Where they lie on a device, each folder once."""
    return list(dict.fromkeys(x.remote_path.rpartition("/")[0] for x in libraries))
