"""Programs for phones that bring Linux's C library along, where none is Android's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.android_runner.build.engines import RUNTIMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocketbench.android_runner.build.built import BuiltRunner
    from pocketbench.bench.records.device import DeviceInfo
    from pocketbench.bench.records.runner import Program

PHONE_LIBCS = ("bionic", "none")


class LinuxPrograms:
    """Those of one engine, made when the first phone needs them."""

    def __init__(
        self,
        engine: str,
        abis: Callable[[], tuple[str, ...]],
        build: Callable[[str], BuiltRunner],
        progress: Callable[[str], None],
    ) -> None:
        """Take what makes a program.

        Args:
            engine: `lite` or `executorch`.
            abis: Gives those that can be made here.
            build: Makes the program of an ABI.
            progress: Called once for each ABI with what such a program means.
        """
        self._engine = engine
        self._abis = abis
        self._build = build
        self._progress = progress
        self._made: dict[str, Program] = {}

    def program(self, info: DeviceInfo) -> Program | None:
        """The program of a phone; `None` for a device that runs none of these.

        Raises:
            ToolMissingError: It cannot be made here; says what to install.
            RunnerBuildError: It did not compile, or its runtime cannot be fetched.
        """
        if info.libc not in PHONE_LIBCS:
            return None
        abi = next((abi for abi in info.abis if abi in self._abis()), None)
        if abi is None:
            return None
        if abi not in self._made:
            words = RUNTIMES[self._engine].linux_build_words
            self._progress(
                f"no Android build of the {self._engine} runner for {abi}: using its "
                f"Linux build with its own C library; {words}"
            )
            self._made[abi] = self._build(abi).as_program()
        return self._made[abi]
