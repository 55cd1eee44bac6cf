"""Programs that the user has built or been given, and which of them a device runs."""

from __future__ import annotations

import mmap
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.android_runner.build.brought_loader import (
    brings_loader,
    folders_of,
    started_by,
)
from pocketbench.android_runner.build.file_hash import hashed_object
from pocketbench.bench.errors import RunnerMissingError, UnknownNameError, UsageError
from pocketbench.bench.records.elf import read_elf
from pocketbench.bench.records.runner import Command, Program, is_loader

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pocketbench.bench.records.device import DeviceInfo, LocalFile
    from pocketbench.bench.records.elf import ElfFacts
    from pocketbench.bench.records.plan import RunnerChoice
    from pocketbench.bench.records.runner import LaunchRequest

LIBRARY = "library"
"""The option every prebuilt program takes: a shared library it needs on the device,
`PATH` or, where programs of several ABIs are given, `PATH@ABI`."""

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


class GivenProgram:
    """One given file with its options; what it says of itself is read once."""

    def __init__(
        self,
        choice: RunnerChoice,
        options: Iterable[str] = (),
        switches: Iterable[str] = (),
        files: Iterable[str] = (),
    ) -> None:
        """Check that the file is there and that its options can be understood.

        Raises:
            UsageError: It is not there, or one of the `switches` is neither true nor
                false.
            UnknownNameError: The program takes no such option.
        """
        self.choice = choice
        self.path = _existing(choice.path)
        self._held: dict[str, bool] = {}
        switches = frozenset(switches)
        self._files = tuple(files)
        known = {*options, *switches, *self._files, LIBRARY}
        for name, _ in choice.options:
            if name not in known:
                raise UnknownNameError(f"option of {choice.name}", name, known)
        for name in switches:
            self.switch(name, True)

    @cached_property
    def elf(self) -> ElfFacts | None:
        """Its ELF facts; `None` for another kind of file, given with an ABI.

        Raises:
            UsageError: It is no ELF program and no ABI was given with it.
        """
        try:
            return read_elf(self.path)
        except UsageError as error:
            if self.choice.abi is None:
                raise UsageError(
                    error.subject,
                    error.fact,
                    f"If it does run on the device, name its ABI: "
                    f"--runner {self.choice.name}={self.choice.path}@ABI",
                ) from error
            return None

    @property
    def abi(self) -> str:
        """The ABI it was given for, else the one in its header."""
        if self.choice.abi is not None:
            return self.choice.abi
        return self.elf.abi if self.elf else "unknown"

    def runs_on(self, abi: str, libc: str | None) -> bool:
        """Whether a device with this ABI and C library can start it."""
        if self.abi != abi:
            return False
        return self.elf is None or self.brings_loader or self.elf.runs_with(libc)

    @property
    def brings_loader(self) -> bool:
        """Whether the loader of its own C library was given with it."""
        return any(is_loader(library.name) for library in self.libraries)

    @cached_property
    def executable(self) -> LocalFile:
        """The file as an object for a device."""
        return hashed_object(self.path, executable=True)

    @cached_property
    def libraries(self) -> tuple[LocalFile, ...]:
        """The shared libraries given with it, and other files that it reads."""
        paths = [value for name in self._files for value in self.options(name)]
        for value in self.options(LIBRARY):
            path, at, abi = value.rpartition("@")
            if not at or re.fullmatch(r"[\w-]+", abi) is None:
                paths.append(value)
            elif abi == self.abi:
                paths.append(path)
        return tuple(
            hashed_object(path, executable=is_loader(path.name))
            for path in map(_library_file, paths)
        )

    def file(self, option: str) -> LocalFile | None:
        """The file that an option names; it is pushed with the libraries."""
        path = self.option(option)
        return None if path is None else hashed_object(_library_file(path))

    def options(self, name: str) -> tuple[str, ...]:
        """Every value given for an option."""
        return tuple(value for key, value in self.choice.options if key == name)

    def option(self, name: str) -> str | None:
        """The last value given for an option."""
        return (self.options(name) or (None,))[-1]

    def flags(self, names: Iterable[str]) -> list[str]:
        """Options that are the program's own flags, `--name=value` for each value."""
        return [f"--{name}={value}" for name in names for value in self.options(name)]

    def switch(self, name: str, default: bool) -> bool:
        """An option that is true or false.

        Raises:
            UsageError: Its value is neither.
        """
        value = self.option(name)
        if value is None:
            return default
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
        raise UsageError(
            f"{self.choice.name}.{name}={value}",
            "neither true nor false",
            "Give one of them",
        )

    def holds(self, text: str) -> bool:
        """Whether a text, the name of a flag say, stands in its files.

        Programs of one name differ in their flags between releases, and refuse one
        they do not know.
        """
        if text not in self._held:
            files = (self.path, *(Path(library.path) for library in self.libraries))
            self._held[text] = any(_holds(file, text.encode()) for file in files)
        return self._held[text]


class GivenPrograms:
    """All files given for one runner."""

    def __init__(
        self,
        name: str,
        choices: Sequence[RunnerChoice],
        *,
        options: Iterable[str] = (),
        switches: Iterable[str] = (),
        files: Iterable[str] = (),
    ) -> None:
        """Take this runner's choices and the keys it understands, by their kind.

        The values of `files` are paths of files that a launch reads on the device.
        """
        self._name = name
        self._options = tuple(options)
        self._switches = tuple(switches)
        self._files = tuple(files)
        self._choices = tuple(choice for choice in choices if choice.name == name)

    @cached_property
    def _given(self) -> tuple[GivenProgram, ...]:
        return tuple(
            GivenProgram(choice, self._options, self._switches, self._files)
            for choice in self._choices
        )

    def program(self, info: DeviceInfo) -> Program:
        """The file that a device can run, by its best ABI first.

        Raises:
            RunnerMissingError: None of them; names both remedies.
            UsageError: A file is not there or is no program, or an option is unknown.
        """
        for abi in info.abis:
            for given in self._given:
                if given.runs_on(abi, info.libc):
                    return Program(
                        runner=self._name,
                        abi=abi,
                        libc=given.elf.libc
                        if given.elf and given.brings_loader
                        else info.libc or "unknown",
                        executable=given.executable,
                        libraries=given.libraries,
                        origin=f"given: {given.path}",
                    )
        raise self._missing(info)

    def of(self, request: LaunchRequest) -> GivenProgram:
        """The given file that a launch starts, recognised by its content."""
        for given in self._given:
            if given.executable.sha256 == request.program.sha256:
                return given
        raise UsageError(
            request.program.remote_path,
            f"not one of the programs given for {self._name}",
            f"Give it with --runner {self._name}=PATH",
        )

    def asked(self, option: str) -> str | None:
        """The last value given for an option, of whichever file."""
        values = [
            value
            for choice in self._choices
            for key, value in choice.options
            if key == option
        ]
        return values[-1] if values else None

    def _missing(self, info: DeviceInfo) -> RunnerMissingError:
        abi = info.abis[0] if info.abis else "its ABI"
        system = f"{', '.join(info.abis) or 'unknown ABI'}; {info.libc or 'unknown'}"
        given = ", ".join(
            f"{item.path} ({item.abi}{f', {item.elf.libc}' if item.elf else ''})"
            for item in self._given
        )
        return RunnerMissingError(
            info.id,
            f"no {self._name} for this device ({system}); given: {given or 'none'}",
            f"Give one with --runner {self._name}=PATH@{abi}, or measure with "
            f"pocketbench's own: `pocketbench runner build --engine lite --abi {abi}`",
        )


class GivenRunner:
    """What all adapters of given programs have; each adds its flags and its reading."""

    name: str
    needs_cpu = True
    options: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def __init__(
        self, programs: Sequence[RunnerChoice] = (), progress: object = None
    ) -> None:
        """Take the given programs; nothing is built, so there is no progress."""
        self._programs = GivenPrograms(
            self.name,
            programs,
            options=self.options,
            switches=self.switches,
            files=self.files,
        )

    def program(self, info: DeviceInfo) -> Program:
        """The given program for a device's ABI and C library."""
        return self._programs.program(info)


def library_env(request: LaunchRequest) -> dict[str, str]:
    """Where the dynamic loader finds the libraries of a launch."""
    if brings_loader(request.libraries):
        return {}
    folders = folders_of(request.libraries)
    return {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}


def start(request: LaunchRequest, *arguments: str, **env: str) -> Command:
    """The command line of a prebuilt program."""
    return Command(
        argv=(*started_by(request.program, request.libraries), *arguments),
        env={**library_env(request), **env},
    )


def _library_file(path: str) -> Path:
    """Under the name that programs ask for, which is often a link."""
    _existing(path)
    return Path(path).expanduser().absolute()


def _existing(path: str) -> Path:
    found = Path(path).expanduser()
    if not found.is_file():
        raise UsageError(path, "no such file", "Check the path given with --runner")
    return found.resolve()


def _holds(path: Path, word: bytes) -> bool:
    if path.stat().st_size == 0:
        return False
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return content.find(word) >= 0
