"""Which of our own programs a device runs, and how one is started."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pocketbench.android_runner.build.brought_loader import (
    brings_loader,
    folders_of,
    started_by,
)
from pocketbench.android_runner.build.built import (
    BuiltRunner,
    built_runners,
    read_built,
)
from pocketbench.android_runner.build.engines import RUNTIMES
from pocketbench.android_runner.build.toolchain import this_computer
from pocketbench.android_runner.prebuilt.given_programs import LIBRARY, GivenPrograms
from pocketbench.bench.errors import RunnerMissingError
from pocketbench.bench.records.runner import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocketbench.android_runner.build.runtime import RuntimeOfEngine
    from pocketbench.android_runner.linux_programs import LinuxPrograms
    from pocketbench.bench.records.artifact import TensorSpec
    from pocketbench.bench.records.device import DeviceFile, DeviceInfo
    from pocketbench.bench.records.generation import GenerationRequest
    from pocketbench.bench.records.plan import PhoneLibc, RunnerChoice
    from pocketbench.bench.records.runner import LaunchRequest, Program


class NativePrograms:
    """The programs of one engine: given, built on demand, or built before."""

    def __init__(
        self,
        engine: str,
        choices: Sequence[RunnerChoice],
        build_here: Callable[[], BuiltRunner],
        *,
        linux: LinuxPrograms | None = None,
        any_libc: bool = False,
    ) -> None:
        """Take what the user gave and what builds one for this computer.

        Args:
            engine: `lite`, `null`.
            choices: From `--runner ENGINE=PATH[@ABI]`.
            build_here: Builds for this computer, or finds what was built.
            linux: Makes programs for phones that bring their own C library.
            any_libc: The program is static, so its ABI alone decides.
        """
        self._engine = engine
        self._choices = tuple(_with_libraries(choice) for choice in choices)
        self._given = GivenPrograms(engine, self._choices)
        self._build_here = build_here
        self._linux = linux
        self._any_libc = any_libc
        self.libc: PhoneLibc | None = None
        """Of phones' programs, where the user wants a certain one."""

    def program(self, info: DeviceInfo) -> Program:
        """The program of a device.

        Raises:
            RunnerMissingError: There is none for its ABI; names the remedies.
            RunnerBuildError: Ours did not compile.
            ToolMissingError: Ours cannot be compiled here.
        """
        if self._choices:
            try:
                return self._given.program(info)
            except RunnerMissingError:
                # Given for another device of this run.
                pass
        if self._runs(info, *this_computer()):
            return self._build_here().as_program()
        outdated = False
        if self.libc != "glibc":
            program, outdated = self._built(info)
            if program is not None:
                return program
        if self._linux is not None and self.libc != "bionic":
            program = self._linux.program(info)
            if program is not None:
                return program
        raise self._missing(info, outdated=outdated)

    def _built(self, info: DeviceInfo) -> tuple[Program | None, bool]:
        """The newest one built before; whether there was only an outdated one."""
        outdated = False
        for built in built_runners():
            if built.engine == self._engine and self._runs(info, built.abi, built.libc):
                if built.is_current:
                    return built.as_program(), False
                outdated = True
        return None, outdated

    def _runs(self, info: DeviceInfo, abi: str, libc: str) -> bool:
        return abi in info.abis and (self._any_libc or info.libc in (libc, None))

    def _missing(self, info: DeviceInfo, *, outdated: bool) -> RunnerMissingError:
        abi = info.abis[0] if info.abis else "ABI"
        libc = self.libc or (info.libc if info.libc != "none" else "its own C library")
        needs = f"{' or '.join(info.abis) or 'an unknown ABI'} with {libc}"
        had = (
            "only one that an older pocketbench built" if outdated else "no runner yet"
        )
        build = (
            "Leave out --libc bionic, or build" if self.libc == "bionic" else "Build"
        )
        return RunnerMissingError(
            info.id,
            f"there is {had} for {needs}",
            f"{build} ours: `pocketbench runner build --engine {self._engine} "
            f"--abi {abi} --ndk DIR --runtime DIR`"
            + _or_give(RUNTIMES.get(self._engine), abi),
        )


def _or_give(runtime: RuntimeOfEngine | None, abi: str) -> str:
    if runtime is None:
        return ""
    return f", or give {runtime.title}'s own: --runner {runtime.prebuilt}=PATH@{abi}"


def native_command(request: LaunchRequest) -> Command:
    """How one of our programs is started, see native/flags.h."""
    return Command(
        argv=(
            *started_by(request.program, request.libraries),
            *("--model", request.model_path),
            *_extent(request),
            *("--threads", str(request.threads)),
            *("--heap", request.heap),
            *("--seed", str(request.seed)),
            *_own_inputs(request),
        ),
        env=_library_path(request.libraries),
    )


def _extent(request: LaunchRequest) -> tuple[str, ...]:
    if request.generation is not None:
        return (*_generating(request.generation), *_lasting(request))
    return (
        *("--warmup", str(request.warmup_iterations)),
        *("--iterations", str(request.iterations)),
        *_lasting(request),
    )


def _generating(asked: GenerationRequest) -> tuple[str, ...]:
    ids = ",".join(map(str, asked.prompt_ids))
    scored = ",".join(map(str, asked.scored_ids))
    return (
        "--generate",
        *(
            ("--prompt-ids", ids)
            if ids
            else ("--prompt-tokens", str(asked.prompt_tokens))
        ),
        *("--new-tokens", str(asked.new_tokens)),
        *("--kv-depth", str(asked.kv_depth)),
        *("--warmup-generations", str(asked.warmup_generations)),
        *(("--score-ids", scored) if scored else ()),
    )


def _lasting(request: LaunchRequest) -> tuple[str, ...]:
    """Only where it is asked for: programs built earlier know no such flag."""
    words: list[str] = []
    if request.min_duration_s > 0:
        words += ["--min-duration-ms", str(round(request.min_duration_s * 1000))]
    if request.reports_gaps:
        words.append("--gaps")
    return tuple(words)


def outputs_command(request: LaunchRequest, input_data_path: str) -> Command:
    """The command by which one of our programs prints a model's outputs."""
    return Command(
        argv=(
            *started_by(request.program, request.libraries),
            *("--model", request.model_path),
            *("--threads", str(request.threads)),
            *_input_flags(request.inputs),
            *("--input-data", input_data_path),
            "--outputs",
        ),
        env=_library_path(request.libraries),
    )


def prepack_command(request: LaunchRequest) -> Command:
    """How one of our programs is made to prepack a model."""
    return Command(
        argv=(
            *started_by(request.program, request.libraries),
            *("--model", request.model_path),
            *_own_inputs(request),
            "--prepack",
        ),
        env=_library_path(request.libraries),
    )


def _own_inputs(request: LaunchRequest) -> tuple[str, ...]:
    """What the model does not bring along; a decoder's are the prompt."""
    if request.bundled_input_count or request.generation is not None:
        return ()
    return _input_flags(request.inputs)


def _input_flags(inputs: Sequence[TensorSpec]) -> tuple[str, ...]:
    specs = [f"{spec.dtype}:{'x'.join(map(str, spec.shape))}" for spec in inputs]
    return tuple(word for spec in specs for word in ("--input", spec))


def profile_command(request: LaunchRequest) -> Command:
    """How one of our programs is made to observe its operators."""
    plain = replace(request, min_duration_s=0.0, reports_gaps=False, generation=None)
    command = native_command(plain)
    return replace(command, argv=(*command.argv, "--profile", "ops"))


def spin_command(request: LaunchRequest, spin_ms: int) -> Command:
    """How one of our programs is made to spin, see native/spin.h."""
    return Command(
        argv=(
            *started_by(request.program, request.libraries),
            *("--spin-ms", str(spin_ms)),
        ),
        env=_library_path(request.libraries),
    )


def capabilities_command(
    program: DeviceFile, libraries: Sequence[DeviceFile]
) -> Command:
    """How one of our programs is asked what it can load."""
    return Command(
        argv=(*started_by(program, libraries), "--capabilities"),
        env=_library_path(libraries),
    )


def _library_path(libraries: Sequence[DeviceFile]) -> dict[str, str]:
    """Where the loader looks on a device; here the program's own path leads there."""
    if brings_loader(libraries):
        return {}
    folders = folders_of([x for x in libraries if x.origin != "local"])
    return {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}


def _with_libraries(choice: RunnerChoice) -> RunnerChoice:
    """Add what `pocketbench runner build --output` put beside a program."""
    path = Path(choice.path).expanduser().resolve()
    built = read_built(path.parent)
    if built is None or Path(built.program).resolve() != path:
        return choice
    libraries = tuple((LIBRARY, library) for library in built.libraries)
    return replace(choice, options=(*choice.options, *libraries))
