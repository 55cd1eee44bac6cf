"""Programs that somebody publishes: fetched once, checked, remembered by their name."""

from __future__ import annotations

import hashlib
import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pocketbench.bench.errors import StoreError, ToolMissingError, UsageError
from pocketbench.bench.paths import state_dir, working_folder
from pocketbench.bench.records.elf import read_elf
from pocketbench.bench.records.plan import RunnerChoice
from pocketbench.bench.records.record import Value
from pocketbench.bench.units import format_size

if TYPE_CHECKING:
    from collections.abc import Callable

_RECORD = "added.json"
_TIMEOUT_S = 60.0


class AddedProgram(Value, frozen=True, kw_only=True):
    """One remembered program; stored beside it."""

    name: str
    """The runner that drives it: `benchmark_model`."""
    abi: str
    source: str
    """The address or path that it came from."""
    sha256: str
    path: str = ""
    """Where it lies now."""


def add_program(
    source: str,
    *,
    name: str,
    abi: str | None,
    sha256: str | None,
    progress: Callable[[str], None],
) -> AddedProgram:
    """Fetch or copy a program, and remember it for runs.

    Args:
        source: An https address or a file.
        name: The runner that drives it.
        abi: Of the phones it is for; `None`: its header says.
        sha256: What it must be; an address needs it.
        progress: Called before it is fetched.

    Raises:
        UsageError: No such file, not the stated content, or built for another ABI.
        ToolMissingError: The address does not answer.
    """
    with working_folder() as folder:
        file = folder / "program"
        if re.match(r"https?://", source):
            _fetch(source, file, sha256, progress)
        else:
            _copy(source, file)
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if sha256 is not None and found != sha256.lower():
            raise UsageError(
                source,
                f"has the sha256 {found}, not {sha256}",
                "Check both; do not run a program that is not the one you meant",
            )
        built_for = read_elf(file).abi
        if abi is not None and abi != built_for:
            raise UsageError(
                source, f"is built for {built_for}, not {abi}", "Give the one for it"
            )
        added = AddedProgram(name=name, abi=built_for, source=source, sha256=found)
        return _keep(file, added)


def added_programs() -> tuple[AddedProgram, ...]:
    """Every remembered program that is still there, by name and ABI."""
    records = sorted(_folder().glob(f"*/*/{_RECORD}"))
    return tuple(found for record in records if (found := _read(record)) is not None)


def added_choices() -> tuple[RunnerChoice, ...]:
    """The remembered programs as if each had been given with --runner."""
    return tuple(
        RunnerChoice(name=added.name, path=added.path, abi=added.abi)
        for added in added_programs()
    )


def _folder() -> Path:
    return state_dir() / "programs"


def _fetch(
    source: str, file: Path, sha256: str | None, progress: Callable[[str], None]
) -> None:
    if sha256 is None or not source.startswith("https://"):
        raise UsageError(
            source,
            "a program from the network is taken only over https and by its sha256",
            "Give --sha256, as its publisher states it",
        )
    progress(f"fetching {source} ...")
    try:
        with (
            urllib.request.urlopen(source, timeout=_TIMEOUT_S) as answer,
            file.open("wb") as output,
        ):
            shutil.copyfileobj(answer, output)
    except (urllib.error.URLError, OSError) as error:
        raise ToolMissingError(
            source, f"cannot be fetched ({error})", "Check the address and the network"
        ) from error
    progress(f"fetched {format_size(file.stat().st_size)}")


def _copy(source: str, file: Path) -> None:
    path = Path(source).expanduser()
    if not path.is_file():
        raise UsageError(source, "no such file", "Give a file or an https address")
    shutil.copyfile(path, file)


def _keep(file: Path, added: AddedProgram) -> AddedProgram:
    folder = _folder() / added.name / added.abi
    place = folder / added.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
        place.chmod(0o755)
        raw = msgspec.json.format(msgspec.json.encode(added))
        (folder / _RECORD).write_bytes(raw + b"\n")
    except OSError as error:
        raise StoreError(
            str(folder), f"cannot be written ({error})", "Check the folder"
        ) from error
    return msgspec.structs.replace(added, path=str(place))


def _read(record: Path) -> AddedProgram | None:
    try:
        added = msgspec.json.decode(record.read_bytes(), type=AddedProgram)
    except (OSError, msgspec.MsgspecError):
        return None
    place = record.parent / added.name
    if not place.is_file():
        return None
    return msgspec.structs.replace(added, path=str(place))
