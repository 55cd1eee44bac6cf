"""Find a module's file, and the names in it, without importing anything."""

from __future__ import annotations

import pkgutil
import symtable
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec


def locate(module: str, folder: Path) -> ModuleSpec | None:
    """Find a module as Python started in a folder would, the folder first."""
    name, _, rest = module.partition(".")
    spec = PathFinder.find_spec(name, [str(folder)]) or _anywhere(name, None)
    while spec is not None and rest:
        if spec.submodule_search_locations is None:
            return None
        part, _, rest = rest.partition(".")
        name = f"{name}.{part}"
        spec = _anywhere(name, list(spec.submodule_search_locations))
    return spec


def _anywhere(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """Ask every finder, so that editable installs are found too."""
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find_spec(name, path) if find_spec else None
        if spec is not None:
            return spec
    return None


def modules_in(folder: Path) -> list[str]:
    """The modules that lie in a folder."""
    return [module.name for module in pkgutil.iter_modules([str(folder)])]


class Names(NamedTuple):
    """The names at the top of a module."""

    own: frozenset[str]
    """Its functions and classes."""
    all: frozenset[str]
    """With what it assigns and imports."""


def names_in(spec: ModuleSpec) -> Names | None:
    """What a module defines or imports at its top.

    `None` when that cannot be seen: it has no source, it does not compile, or it
    makes names as it runs (a star import, a module's `__getattr__`).
    """
    if spec.origin is None or not spec.origin.endswith(".py"):
        return None
    try:
        source = Path(spec.origin).read_bytes()
        table = symtable.symtable(source.decode(), spec.origin, "exec")
    except (OSError, SyntaxError, ValueError):
        return None
    symbols = table.get_symbols()
    names = frozenset(
        x.get_name() for x in symbols if x.is_assigned() or x.is_imported()
    )
    if "__getattr__" in names or b"import *" in source or b"globals(" in source:
        return None
    own = frozenset(x.get_name() for x in symbols if x.is_namespace())
    return Names(own=own, all=names)
