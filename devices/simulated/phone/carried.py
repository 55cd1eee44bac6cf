"""Programs of this computer on a phone whose root has no libraries.

Each brings the loader and the libraries it needs, in a folder that only it looks into:
a program that is pushed to the phone finds none of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pocketbench.bench.errors import ToolMissingError
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.bench.records.elf import read_elf
from pocketbench.devices.simulated.phone import linux

_TIMEOUT_S = 20.0


class Carried(NamedTuple):
    """A program and what it is started with."""

    program: Path
    loader: Path | None = None
    """`None`: it is static."""
    libraries: tuple[Path, ...] = ()
    """By the name that the program asks for."""


def carried(program: Path) -> Carried:
    """What a program of this computer needs along, as its own loader lists it.

    Raises:
        ToolMissingError: The loader cannot list it.
    """
    interpreter = read_elf(program).interpreter
    if interpreter is None:
        return Carried(program)
    done = run_to_end(interpreter, "--list", program, timeout_s=_TIMEOUT_S)
    if not done.succeeded:
        raise ToolMissingError(
            str(program),
            f"its libraries cannot be listed ({done.stderr.strip()[-200:]})",
            "Set POCKETBENCH_SIMULATED_ROOT=host, which shows this computer's own",
        )
    rows = (line.split("=>") for line in done.stdout.splitlines())
    found = tuple(Path(row[1].split("(")[0].strip()) for row in rows if len(row) == 2)
    return Carried(program, Path(interpreter), found)


def show(root: Path, place: str, item: Carried) -> str:
    """Show a program below a folder of a root; the words that start it there."""
    folder = root / place
    folder.mkdir(parents=True, exist_ok=True)
    _bind(item.program, folder / item.program.name)
    started = f"/{place}/{item.program.name}"
    if item.loader is None:
        return started
    libraries = folder / "lib"
    libraries.mkdir(exist_ok=True)
    for path in (item.loader, *item.libraries):
        _bind(path, libraries / path.name)
    return f"/{place}/lib/{item.loader.name} --library-path /{place}/lib {started}"


def _bind(source: Path, place: Path) -> None:
    if not place.exists():
        place.touch()
        linux.bind(source.resolve(), place, read_only=True)
