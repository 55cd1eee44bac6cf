"""Which files an export depends on: what it imported, and what its factory read."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketbench.bench.models.exporting.cache import SourceFile, sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHANGING = "changed while it was exported"
"""In place of a hash: matches no file, so the entry is never valid."""


class FilesRead:
    """Collects the files of one export.

    Imported modules are found in `sys.modules`; files that Python code opens while
    `watching` (weights, configuration) are seen through an audit hook. A file that
    only C++ opens, as `torch.jit.load` does, is not seen.
    """

    def __init__(self, *, started_ns: int) -> None:
        """Start with none; files changed after `started_ns` are not trusted."""
        self._started_ns = started_ns
        self._read: set[str] = set()
        self._written: set[str] = set()
        self._watching = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note the files that are opened meanwhile."""
        # A hook cannot be taken away again, so there is one per process, switched off.
        sys.addaudithook(self._heard)
        self._watching = True
        try:
            yield
        finally:
            self._watching = False

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._watching or event != "open":
            return
        path, _, flags = arguments
        if isinstance(path, int) or not isinstance(flags, int):
            return
        name = os.path.abspath(os.fsdecode(path))
        if flags & (os.O_WRONLY | os.O_RDWR):
            self._written.add(name)
        else:
            self._read.add(name)

    def add(self, path: str) -> None:
        """Depend on a file that was read some other way."""
        self._read.add(os.path.abspath(path))

    def hashed(self) -> tuple[SourceFile, ...]:
        """Every file outside site-packages and Python's own library, with its hash."""
        imported = {
            os.path.abspath(file)
            for module in list(sys.modules.values())
            if isinstance(file := getattr(module, "__file__", None), str)
        }
        installed = _installed()
        found = []
        for name in sorted(imported | (self._read - self._written)):
            path = Path(name)
            real = path.resolve()
            if any(real.is_relative_to(folder) for folder in installed):
                continue
            if path.parent.name == "__pycache__":
                continue
            if path.is_file() and (sha256 := sha256_of(path)) is not None:
                fresh = path.stat().st_mtime_ns >= self._started_ns
                found.append(
                    SourceFile(path=name, sha256=_CHANGING if fresh else sha256)
                )
        return tuple(found)


def _installed() -> list[Path]:
    """Folders whose content follows from versions, and those of the kernel."""
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [*site.getsitepackages(), site.getusersitepackages()]
    return [Path(x).resolve() for x in (*folders, "/proc", "/sys", "/dev")]
