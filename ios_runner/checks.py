"""Which Apple devices have a program of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.errors import RunnerMissingError
from pocketbench.bench.records.doctor_report import RunnerFound
from pocketbench.ios_runner.runner import IosExecutorchRunner, IosLiteRunner

if TYPE_CHECKING:
    from pocketbench.bench.records.device import DeviceInfo


def runners_for(info: DeviceInfo) -> tuple[RunnerFound, ...]:
    """Whether each engine's program is there for a device."""
    return tuple(_runner(kind, info) for kind in (IosLiteRunner, IosExecutorchRunner))


def _runner(
    kind: type[IosLiteRunner | IosExecutorchRunner], info: DeviceInfo
) -> RunnerFound:
    try:
        program = kind((), _say_nothing).program(info)
    except RunnerMissingError as error:
        return RunnerFound(
            engine=kind.engine,
            is_usable=False,
            fact=error.fact,
            remedy=error.next_step,
        )
    return RunnerFound(
        engine=kind.engine,
        is_usable=True,
        fact=f"{program.version or 'runtime unknown'}, {program.origin}",
    )


def _say_nothing(text: str) -> None:
    pass
