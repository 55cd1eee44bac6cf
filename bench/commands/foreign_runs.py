"""Check what resuming a run would import and start, if another user started it.

A run file names modules and programs. One that came from somebody else, in a download
or a shared folder, is code of theirs; ours are known by a seal that only this user's
state folder can make.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import sys
from pathlib import Path

import click

from pocketbench.bench.errors import UsageError
from pocketbench.bench.measure.store import FILE_NAME, line_of, read_lines
from pocketbench.bench.paths import private_dir
from pocketbench.bench.planning.zoo_names import zoo_entry
from pocketbench.bench.records.plan import Plan
from pocketbench.bench.records.run import RunStarted

SEAL = ".started-here"


def seal(folder: Path, first: RunStarted | None = None) -> None:
    """Mark a run as started by this user, by its first line: stored, or to be stored.

    Before it is stored, because a run that is killed in between would be foreign.
    """
    line = _first_line(folder) if first is None else line_of(first).rstrip(b"\n")
    (folder / SEAL).write_text(_seal_of(line), encoding="ascii")


def check_trusted(folder: Path, plan: Plan, *, trust: bool) -> None:
    """Ask before code is used that a foreign run names; once trusted, it is ours.

    Raises:
        UsageError: Nobody can be asked, or the answer was no.
    """
    if _is_ours(folder):
        return
    uses = used_code(plan)
    if uses and not trust:
        text = f"was not started by you here; resuming it {', '.join(uses)}"
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(str(folder), text, "Read these, then add --trust")
        click.echo(f"{folder}: {text}", err=True)
        if not click.confirm("Resume it?", err=True):
            raise UsageError(str(folder), "is not trusted", "Start a run of your own")
    with contextlib.suppress(OSError):
        seal(folder)


def used_code(plan: Plan) -> list[str]:
    """In words, what a run imports and starts besides pocketbench's own."""
    sources = dict.fromkeys(
        source
        for model in plan.models
        for source in (model.source, *(origin for origin, _ in model.origins.values()))
        if zoo_entry(source) is None
    )
    return [
        *(f"imports {source}" for source in sources if not Path(source).is_absolute()),
        *(f"loads {source}" for source in sources if Path(source).is_absolute()),
        *(f"starts {runner.path}" for runner in plan.runners),
    ]


def _is_ours(folder: Path) -> bool:
    try:
        found = (folder / SEAL).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False
    return hmac.compare_digest(found, _seal_of(_first_line(folder)))


def _first_line(folder: Path) -> bytes:
    _, line = next(read_lines(folder / FILE_NAME))
    return line


def _seal_of(line: bytes) -> str:
    return hmac.new(_secret(), line, hashlib.sha256).hexdigest()


def _secret() -> bytes:
    path = private_dir("trust") / "secret"
    if not path.is_file():
        with contextlib.suppress(FileExistsError), path.open("xb") as file:
            file.write(secrets.token_bytes(32))
    return path.read_bytes()
