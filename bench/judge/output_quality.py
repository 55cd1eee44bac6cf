"""What a build's output error comes to, in words and caveats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.records.caveat import Caveat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocketbench.bench.records.artifact import (
        Artifact,
        OutputError,
        OutputFigures,
    )
    from pocketbench.bench.records.device import DeviceInfo

DESTROYED_DB = 10.0
"""Below this the error is a third of the signal and more."""
_DIFFERS = 0.99
"""Of whole numbers that must be equal."""


def quality_text(error: OutputError) -> str:
    """Say in a few words how good the worst of a build's outputs is."""
    shares = [x.equal_share for x in error.outputs if x.equal_share is not None]
    texts = [
        f"outputs of another shape in {_calls(error)}" if _calls(error) else "",
        _sqnr_text(error),
        f"{min(shares) * 100:.4g} % of whole numbers equal" if shares else "",
    ]
    if not any(texts[:2]) and error.max_abs == 0:
        # A detector that finds nothing in any input has nothing to compare.
        is_empty = error.outputs and all(0 in x.shape for x in error.outputs)
        return "outputs without values" if is_empty else "outputs identical"
    return ", ".join(filter(None, texts)) or "outputs differ"


def _calls(error: OutputError) -> str:
    count = max((x.other_shape_count for x in error.outputs), default=0)
    return f"{count} {'call' if count == 1 else 'calls'}" if count else ""


def _sqnr_text(error: OutputError) -> str:
    worst = error.worst_sqnr_db
    if worst is None:
        return ""
    text = f"SQNR {worst:.1f} dB"
    where = _worst_place(error)
    if where is not None and error.sqnr_db is not None:
        text += f" ({where}; {error.sqnr_db:.1f} dB over all)"
    return text


def _worst_place(error: OutputError) -> str | None:
    """Which output, or part of one, is worst; `None` where there is only one."""
    known = [x for x in error.outputs if x.worst_sqnr_db is not None]
    worst = min(known, key=lambda x: x.worst_sqnr_db or 0.0, default=None)
    if worst is None:
        return None
    if worst.worst_part_sqnr_db is not None and (
        worst.worst_part_sqnr_db == worst.worst_sqnr_db
    ):
        return f"{worst.worst_part} in {worst.name}"
    return worst.name if len(known) > 1 else None


def output_warnings(error: OutputError) -> tuple[str, ...]:
    """What is destroyed in a build's outputs, each a fact."""
    return tuple(text for x in error.outputs for text in _warnings(x))


def _warnings(figures: OutputFigures) -> Iterator[str]:
    if figures.constant_part is not None:
        yield (
            f"{figures.name}: {figures.constant_part} became constant; the float32 "
            "model's vary"
        )
    elif (
        figures.worst_sqnr_db is not None
        and figures.worst_sqnr_db < DESTROYED_DB
        and figures.max_abs > 0
    ):
        place = figures.worst_part or "all values"
        yield f"{figures.name}: SQNR {figures.worst_sqnr_db:.1f} dB ({place})"
    if figures.equal_share is not None and figures.equal_share < _DIFFERS:
        yield f"{figures.name}: {figures.equal_share * 100:.4g} % of values equal"
    if figures.other_shape_count:
        calls = "call" if figures.other_shape_count == 1 else "calls"
        yield (
            f"{figures.name}: another shape than the float32 model's in "
            f"{figures.other_shape_count} {calls}"
        )


def artifact_caveats(artifact: Artifact, device: DeviceInfo | None) -> set[Caveat]:
    """What a file itself gives reason to doubt.

    Args:
        artifact: The file.
        device: Where it was measured; `None`: not known.
    """
    found = set()
    if artifact.output_error is not None and output_warnings(artifact.output_error):
        found.add(Caveat.OUTPUT_DESTROYED)
    if artifact.export.state:
        found.add(Caveat.STATEFUL)
    if artifact.export.is_prepacked is False and _wants_xnnpack(artifact, device):
        found.add(Caveat.NOT_PREPACKED)
    return found


def _wants_xnnpack(artifact: Artifact, device: DeviceInfo | None) -> bool:
    """Whether an app would run this float32 file with XNNPACK on such a device."""
    if artifact.precision != "float32" or device is None:
        return False
    is_arm = any(abi.startswith("arm") for abi in device.abis)
    return device.libc == "bionic" or is_arm
