"""A project's defaults and device groups: pocketbench.toml, or pyproject.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.records.record import Value

OWN_FILE, SHARED_FILE = "pocketbench.toml", "pyproject.toml"


class Project(Value, frozen=True, kw_only=True):
    """What a project's file says."""

    path: str = ""
    """Empty: there is no such file."""
    defaults: dict[str, Any] = msgspec.field(default_factory=dict)
    """By the name of an option: `{"device": ["host"], "fail-on": "budget"}`."""
    groups: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Selectors by the name of a group, which `--device @NAME` asks for."""

    def expanded(self, selectors: Iterable[str]) -> tuple[str, ...]:
        """Selectors with each `@NAME` replaced by those of its group.

        Raises:
            UnknownNameError: There is no such group; offers the near ones.
        """
        found: list[str] = []
        for text in selectors:
            if not text.startswith("@"):
                found.append(text)
                continue
            name = text[1:]
            if name not in self.groups:
                raise UnknownNameError("device group", name, self.groups)
            found += self.groups[name]
        return tuple(dict.fromkeys(found))


def read_project(folder: Path | None = None) -> Project:
    """Read the nearest project file, from the folder upwards to the repository's root.

    Raises:
        UsageError: It is not TOML, or a group holds anything but selectors.
    """
    start = (folder or Path.cwd()).resolve()
    for place in (start, *start.parents):
        for name in (OWN_FILE, SHARED_FILE):
            table = _table(place / name)
            if table is not None:
                return _project(place / name, table)
        if (place / ".git").exists():
            break
    return Project()


def defaults_for(
    project: Project, known: Mapping[str, str], everywhere: Iterable[str]
) -> dict[str, Any]:
    """The defaults of one command, by its parameters' names.

    Args:
        project: What the file says.
        known: Names of the command's parameters by those of its options.
        everywhere: Options of any command that takes defaults.

    Raises:
        UnknownNameError: No command has such an option; offers the near ones.
    """
    every = {*known, *everywhere}
    for name in project.defaults:
        if name.replace("-", "_") not in every:
            raise UnknownNameError(f"setting in {project.path}", name, every)
    return {
        known[option]: value
        for name, value in project.defaults.items()
        if (option := name.replace("-", "_")) in known
    }


def _table(path: Path) -> dict[str, Any] | None:
    """The settings in a file; `None` where it has none."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(str(path), f"is not TOML ({error})", "Correct it") from error
    if path.name == OWN_FILE:
        return document
    found: dict[str, Any] | None = document.get("tool", {}).get("pocketbench")
    return found


def _project(path: Path, table: dict[str, Any]) -> Project:
    groups = table.pop("groups", {})
    for name, selectors in groups.items() if isinstance(groups, dict) else [("", "")]:
        is_list = isinstance(selectors, list)
        if not (is_list and selectors and all(isinstance(x, str) for x in selectors)):
            raise UsageError(
                f"{path}: groups.{name}",
                "is no list of device selectors",
                'Write flagships = ["android:model=Pixel 8"] under [groups]',
            )
    return Project(
        path=str(path),
        defaults=table,
        groups={name: tuple(found) for name, found in groups.items()},
    )
