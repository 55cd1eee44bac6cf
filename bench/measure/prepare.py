"""Choose devices, programs and model files before the first launch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from pocketbench.bench import registry
from pocketbench.bench.errors import (
    DeviceError,
    ExportError,
    RunnerMissingError,
    UsageError,
)
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.runner_binding import RunnerBinding
from pocketbench.bench.measure.store import utc_now
from pocketbench.bench.planning.selection import SelectedDevice, Selector
from pocketbench.bench.planning.sources import format_of
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.device import (
    Claim,
    DeviceDriver,
    DeviceInfo,
    LocalFile,
    SupportsCheck,
    SupportsClaim,
    SupportsPreinstall,
)
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Failure
from pocketbench.bench.records.plan import PhoneLibc, Plan, RunnerChoice
from pocketbench.bench.records.runner import Runner, SupportsLibcChoice

Progress = Callable[[str], None]

_STATE_REASONS = {
    "unauthorized": FailureReason.UNAUTHORIZED,
    "busy": FailureReason.DEVICE_BUSY,
    "no_permissions": FailureReason.NO_PERMISSION,
    "not_paired": FailureReason.NOT_PAIRED,
    "developer_mode_off": FailureReason.DEVELOPER_MODE_OFF,
    "unavailable": FailureReason.NOT_BOOTED,
}


class PreparedDevice(NamedTuple):
    """A device that can be measured, and the programs that do it."""

    selected: SelectedDevice
    bindings: tuple[RunnerBinding, ...]
    """One for each format, or fewer when one loads several."""


def make_driver(selector: Selector) -> DeviceDriver:
    """The driver of a selector's family; one of a remote adb server when it says so."""
    kind = registry.load(registry.DEVICES, "device family", selector.family)
    if selector.server is None:
        driver: DeviceDriver = kind()
        return driver
    host, _, port = selector.server.rpartition(":")
    remote: DeviceDriver = kind(host=host, port=int(port))
    return remote


def claim_devices(devices: Sequence[SelectedDevice], claim: Claim) -> None:
    """Have devices be opened for a run, which may wait for those in use."""
    for device in devices:
        # Who held it when it was found is no fact for this run's records.
        device.info = replace(device.info, held_by=None)
        if isinstance(device.driver, SupportsClaim):
            device.driver.claim = claim


def check_devices(devices: Sequence[SelectedDevice]) -> None:
    """See that devices open, before models are exported for them.

    One of each driver: they share the tools of this computer. A device that does not
    open is recorded when its turn comes.

    Raises:
        ToolMissingError: A tool of a family does not work here.
    """
    checked: list[DeviceDriver] = []
    for device in devices:
        driver = device.driver
        if device.info.state != "ready" or driver in checked:
            continue
        checked.append(driver)
        if isinstance(driver, SupportsCheck):
            with contextlib.suppress(DeviceError):
                driver.check(device.info)


def make_runners(
    choices: Sequence[RunnerChoice],
    progress: Progress,
    libc: PhoneLibc | None = None,
) -> tuple[Runner, ...]:
    """The runners that were asked for, in that order, and ours after them.

    Last come those of `pocketbench runner add`, for what ours do not load.

    Args:
        choices: Programs that were given.
        progress: Called with what takes long.
        libc: Of our programs on phones; `None`: Android's where there is such a one.

    Raises:
        UnknownNameError: No such runner.
        UsageError: A given program is not there.
    """
    by_name: dict[str, list[RunnerChoice]] = {}
    for choice in choices:
        if not os.path.isfile(choice.path):
            raise UsageError(
                f"--runner {choice.name}={choice.path}",
                "no such file",
                "Give the path of a program for the device's ABI",
            )
        by_name.setdefault(choice.name, []).append(choice)
    for name in registry.OWN_RUNNERS:
        by_name.setdefault(name, [])
    added = registry.load(registry.RUNNER_BUILDS, "runner action", "added choices")()
    asked = frozenset(by_name)
    for choice in added:
        if choice.name not in asked:
            by_name.setdefault(choice.name, []).append(choice)
    made = tuple(
        registry.load(registry.RUNNERS, "runner", name)(tuple(given), progress)
        for name, given in by_name.items()
    )
    for runner in made:
        if libc is not None and isinstance(runner, SupportsLibcChoice):
            runner.choose_libc(libc)
    return made


def formats_of(plan: Plan) -> frozenset[str]:
    """The formats of all the files that a plan measures."""
    return frozenset(
        format_of(*request.origin(variant))
        for request in plan.models
        for variant in request.variants
    )


def equip(
    devices: Sequence[SelectedDevice],
    runners: Sequence[Runner],
    formats: frozenset[str],
) -> tuple[PreparedDevice, ...]:
    """Choose the programs of each device that is ready.

    For each format of the models the first runner that takes it and has a program
    for the device.

    Raises:
        RunnerMissingError: A device has none; names the remedies.
        RunnerBuildError: Ours did not compile.
        UsageError: No runner takes such a format.
    """
    return tuple(
        PreparedDevice(selected, _bindings_for(selected.info, runners, formats))
        for selected in devices
        if selected.info.state == "ready"
    )


def _bindings_for(
    info: DeviceInfo, runners: Sequence[Runner], formats: frozenset[str]
) -> tuple[RunnerBinding, ...]:
    serving = [runner for runner in runners if _serves(runner, info.family)]
    bindings: list[RunnerBinding] = []
    for name in sorted(formats):
        if not any(name in binding.runner.formats for binding in bindings):
            bindings.append(_binding_for(name, info, serving))
    return tuple(sorted(bindings, key=lambda binding: serving.index(binding.runner)))


def _binding_for(
    name: str, info: DeviceInfo, runners: Sequence[Runner]
) -> RunnerBinding:
    missing: RunnerMissingError | None = None
    for runner in runners:
        if name not in runner.formats:
            continue
        try:
            return RunnerBinding(runner, runner.program(info))
        except RunnerMissingError as error:
            missing = missing or error
    raise missing or UsageError(
        f".{name}",
        f"no chosen runner loads it on {info.id}",
        "Give a program that does: --runner NAME=PATH",
    )


def _serves(runner: Runner, family: str) -> bool:
    own = registry.RUNNERS_OF_FAMILY
    if family in own:
        return runner.name in own[family]
    return not any(runner.name in names for names in own.values())


def preinstall(equipped: Sequence[PreparedDevice]) -> None:
    """Let simulated phones hold the big libraries from the start."""
    wanted: dict[int, tuple[DeviceDriver, dict[str, LocalFile]]] = {}
    for item in equipped:
        driver = item.selected.driver
        objects = wanted.setdefault(id(driver), (driver, {}))[1]
        for binding in item.bindings:
            objects.update({x.sha256: x for x in binding.program.libraries})
    for driver, objects in wanted.values():
        if isinstance(driver, SupportsPreinstall):
            driver.preinstall(tuple(objects.values()))


def export_all(
    plan: Plan, progress: Progress
) -> tuple[dict[tuple[str, str], Artifact], dict[tuple[str, str], ExportError]]:
    """Export each model's variants; what cannot be exported is reported, not raised."""
    from pocketbench.bench.models.exporting.child import export_process
    from pocketbench.bench.models.exporting.library import export

    artifacts: dict[tuple[str, str], Artifact] = {}
    errors: dict[tuple[str, str], ExportError] = {}
    wanted = dict.fromkeys((v.model, v.name) for v in plan.variants)
    with export_process() as process:
        for model, name in wanted:
            request = next(x for x in plan.models if x.name == model)
            source, variant = request.origin(name)
            try:
                made = export(
                    replace(request, source=source),
                    variant,
                    seed=plan.workload.seed,
                    progress=progress,
                    process=process,
                )
                artifacts[model, name] = replace(made, variant=name)
            except ExportError as error:
                errors[model, name] = error
    return artifacts, errors


def make_jobs(
    plan: Plan,
    equipped: Sequence[PreparedDevice],
    artifacts: Mapping[tuple[str, str], Artifact],
) -> tuple[DeviceJob, ...]:
    """One job per device."""
    models = {request.name: plan.variants_of(request.name) for request in plan.models}
    return tuple(
        DeviceJob(
            item.selected,
            item.bindings,
            models=models,
            artifacts=artifacts,
        )
        for item in equipped
    )


def early_failures(
    plan: Plan,
    devices: Sequence[SelectedDevice],
    errors: Mapping[tuple[str, str], ExportError],
) -> tuple[Failure, ...]:
    """What is known to fail before the first launch, as records."""
    found = [
        Failure(
            device_id=device.info.id,
            reason=_STATE_REASONS.get(device.info.state, FailureReason.OFFLINE),
            fact=f"the device is {device.info.state.replace('_', ' ')}",
            remedy=device.info.remedy or FailureReason.OFFLINE.remedy,
            started_at=utc_now(),
        )
        for device in devices
        if device.info.state != "ready"
    ]
    for (model, name), error in errors.items():
        found += [
            Failure(
                device_id=device.info.id,
                reason=FailureReason.EXPORT_FAILED,
                fact=error.fact,
                remedy=error.next_step,
                model=model,
                variant_id=variant.id,
                started_at=utc_now(),
            )
            for device in devices
            for variant in plan.variants_of(model)
            if variant.name == name and device.info.state == "ready"
        ]
    return tuple(found)
