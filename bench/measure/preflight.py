"""Find what cannot work on a device before its files are pushed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.bench.errors import LaunchError, UsageError
from pocketbench.bench.measure.capabilities import TIMEOUT_S, capabilities_of
from pocketbench.bench.measure.runner_binding import (
    binding_for,
    needed_objects,
    used_bindings,
)
from pocketbench.bench.records.conditions import Missing
from pocketbench.bench.records.device import SupportsStorage
from pocketbench.bench.records.elf import read_elf
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.units import format_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocketbench.bench.measure.capabilities import Push
    from pocketbench.bench.measure.runner_binding import RunnerBinding
    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import Device, DeviceInfo
    from pocketbench.bench.records.plan import Workload
    from pocketbench.bench.records.runner import Capabilities, Program

Key = tuple[str, str]
"""Model and variant name."""

_NAMED = 3
"""How many missing operators a message names."""


class Preflight(NamedTuple):
    """What was found."""

    refused: dict[Key, LaunchError]
    unchecked: tuple[str, ...]
    """In words, which programs' operators could not be compared, and why."""


def check(
    device: Device,
    bindings: Sequence[RunnerBinding],
    artifacts: Mapping[Key, Artifact],
    push: Push | None = None,
    workload: Workload | None = None,
) -> Preflight:
    """Compare what is to be measured with what the device and its programs can do.

    `push` is as for `capabilities_of`; a program has the workload's time to answer.

    Raises:
        DeviceError: The device went away, or did not take a program.
        Cancelled: The run was stopped.
    """
    limit_s = workload.timeout_s if workload else TIMEOUT_S
    refused: dict[Key, LaunchError] = {}
    unchecked = []
    for binding in bindings:
        mine = {
            key: artifact
            for key, artifact in artifacts.items()
            if binding_for(artifact, bindings) == binding
        }
        if not mine:
            continue
        unfit = why_unfit(binding.program, device.info)
        if unfit is not None:
            refused |= dict.fromkeys(mine, unfit)
            continue
        parsed = capabilities_of(binding, device, push, timeout_s=limit_s)
        if isinstance(parsed, Missing):
            unchecked.append(parsed.reason)
            continue
        for key, artifact in mine.items():
            unloadable = why_unloadable(artifact, parsed, runner=binding.runner.name)
            if unloadable is not None:
                refused[key] = unloadable
    fitting = {key: item for key, item in artifacts.items() if key not in refused}
    refused |= without_room(device, bindings, fitting)
    return Preflight(refused, tuple(unchecked))


def why_unfit(program: Program, info: DeviceInfo) -> LaunchError | None:
    """Why a device's kernel or linker would refuse a program; `None`: it would not."""
    for item in program.objects:
        try:
            facts = read_elf(Path(item.path), or_library=True)
        except UsageError:
            # A script, or a program of a system without ELF.
            continue
        if info.abis and facts.abi not in info.abis:
            return LaunchError(
                FailureReason.WRONG_ABI,
                info.id,
                f"{item.name} is built for {facts.abi}, "
                f"the device runs {', '.join(info.abis)}",
            )
        level = facts.android_api_level
        if item == program.executable and (level or 0) > (info.api_level or 9999):
            return LaunchError(
                FailureReason.ANDROID_TOO_OLD,
                info.id,
                f"{item.name} is built for Android's API level {level} and newer, the "
                f"phone has {info.api_level}",
            )
        aligned, page = facts.load_alignment_bytes, info.page_size_bytes
        if aligned is not None and page is not None and aligned < page:
            return LaunchError(
                FailureReason.WRONG_PAGE_SIZE,
                info.id,
                f"{item.name} is aligned for pages of {aligned} bytes, "
                f"the device has pages of {page}",
            )
    return None


def why_unloadable(
    artifact: Artifact, parsed: Capabilities, *, runner: str
) -> LaunchError | None:
    """Why a program would not load a model; `None`: nothing speaks against it."""
    found = (
        _bytecode(artifact, parsed)
        or _backends(artifact, parsed)
        or _engines(artifact, parsed)
        or _operators(artifact, parsed)
    )
    if found is None:
        return None
    reason, fact = found
    return LaunchError(
        reason, f"{artifact.model} {artifact.variant}", f"{runner} {fact}"
    )


def without_room(
    device: Device, bindings: Sequence[RunnerBinding], artifacts: Mapping[Key, Artifact]
) -> dict[Key, LaunchError]:
    """The models, in order, for which there is no room left on a device.

    Raises:
        DeviceError: The device went away.
        Cancelled: The run was stopped.
    """
    if not isinstance(device, SupportsStorage) or not artifacts:
        return {}
    objects = needed_objects(used_bindings(bindings, artifacts), artifacts.values())
    lacking = {item.sha256: item.size_bytes for item in device.lacking(objects)}
    if not lacking:
        return {}
    free_bytes = device.free_bytes()
    if isinstance(free_bytes, Missing):
        return {}
    if sum(lacking.values()) > free_bytes:
        free_bytes += device.make_room(sum(lacking.values()) - free_bytes, objects)
    models = {artifact.sha256 for artifact in artifacts.values()}
    left = free_bytes - sum(x for key, x in lacking.items() if key not in models)
    refused = {}
    for key, artifact in artifacts.items():
        size_bytes = lacking.get(artifact.sha256, 0)
        if size_bytes > max(left, 0):
            refused[key] = LaunchError(
                FailureReason.DISK_FULL,
                device.info.id,
                f"the model takes {format_size(size_bytes)} and "
                f"{format_size(max(left, 0))} are free",
            )
        else:
            left -= size_bytes
            lacking.pop(artifact.sha256, None)
    return refused


def _bytecode(
    artifact: Artifact, parsed: Capabilities
) -> tuple[FailureReason, str] | None:
    version = artifact.bytecode_version
    if version is None or parsed.bytecode_min is None or parsed.bytecode_max is None:
        return None
    loads = f"loads bytecode {parsed.bytecode_min} to {parsed.bytecode_max}, this is"
    if version > parsed.bytecode_max:
        return FailureReason.BYTECODE_TOO_NEW, f"{loads} {version}"
    if version < parsed.bytecode_min:
        return FailureReason.BYTECODE_TOO_OLD, f"{loads} {version}"
    return None


def _backends(
    artifact: Artifact, parsed: Capabilities
) -> tuple[FailureReason, str] | None:
    if artifact.delegation is None or parsed.backends is None:
        return None
    wanted = [share.name for share in artifact.delegation.taken]
    missing = [name for name in wanted if name not in parsed.backends]
    if not missing:
        return None
    return FailureReason.MISSING_OPERATOR, f"lacks the delegate {', '.join(missing)}"


def _engines(
    artifact: Artifact, parsed: Capabilities
) -> tuple[FailureReason, str] | None:
    quantized = next(
        (x for x in artifact.operators if x.startswith("quantized::")), None
    )
    if parsed.quantized_engines != () or quantized is None:
        return None
    return (
        FailureReason.NO_QUANTIZED_ENGINE,
        f"has no quantized engine, which {quantized} needs",
    )


def _operators(
    artifact: Artifact, parsed: Capabilities
) -> tuple[FailureReason, str] | None:
    if parsed.operators is None:
        return None
    known = frozenset(parsed.operators)
    missing = [
        name
        for name in artifact.operators
        # Part of the interpreters, and not all in their tables.
        if name not in known and not name.startswith("prim::")
    ]
    if not missing:
        return None
    named = ", ".join(missing[:_NAMED])
    if len(missing) > _NAMED:
        named += f" and {len(missing) - _NAMED} more"
    return FailureReason.MISSING_OPERATOR, f"lacks {named}"
