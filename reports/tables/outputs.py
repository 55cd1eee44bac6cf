"""What the devices answered, as rows of words for every report."""

from __future__ import annotations

from typing import NamedTuple

from pocketbench.bench.judge.outputs import JudgedOutputs, Proportion, TensorFigures
from pocketbench.bench.units import significant
from pocketbench.reports.text.failures import place_words, places
from pocketbench.reports.text.phrases import counted
from pocketbench.reports.view import View

COLUMNS = ("SQNR, dB", "max abs", "cosine", "top-1 agreement", "accuracy")
KEYS = ("sqnr_db", "max_abs", "cosine", "top1_agreement", "accuracy")
EXPLAINED = (
    "signal to noise ratio against the reference's answers",
    "largest difference of a value from the reference's",
    "of the angle between all answers and the reference's",
    "the share of answers whose best class is the reference's",
    "the share of held-back inputs answered rightly, with Wilson's 95 % interval",
)


class OutputRow(NamedTuple):
    """One tensor of one variant's answers on one device."""

    outputs: JudgedOutputs
    what: str
    """`int8-static`, and which tensor where there are several."""
    texts: tuple[str, ...]
    """One per column; `-` where there is no such figure."""
    points: tuple[float | None, ...]
    """The same, unscaled."""
    verdict: str
    """Why it fails, or empty."""


class OutputsSection(NamedTuple):
    """What the page shows of them."""

    lead: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    """Of the columns, for machines."""
    explained: tuple[str, ...]
    rows: list[OutputRow]
    has_limits: bool
    missing: list[str]


def outputs_section(view: View) -> OutputsSection:
    """All that there is to show."""
    limits = view.summary.run.started.plan.outputs
    return OutputsSection(
        lead=lead(view),
        columns=COLUMNS,
        keys=KEYS,
        explained=EXPLAINED,
        rows=output_rows(view),
        has_limits=bool(limits and limits.has_limits),
        missing=missing_once(view),
    )


def output_rows(view: View) -> list[OutputRow]:
    """Devices in the summary's order, then as planned."""
    order = {device_id: n for n, device_id in enumerate(view.devices)}
    found = sorted(
        view.summary.outputs, key=lambda x: order.get(x.device_id, len(order))
    )
    return [
        _row(outputs, tensor, place)
        for outputs in found
        for place, tensor in enumerate(outputs.tensors)
    ]


def _row(outputs: JudgedOutputs, tensor: TensorFigures, place: int) -> OutputRow:
    several = len(outputs.tensors) > 1
    accuracy = outputs.accuracy if place == 0 else None
    points = (
        tensor.worst_sqnr_db,
        tensor.max_abs,
        tensor.cosine,
        tensor.top1_agreement,
        accuracy.point if accuracy else None,
    )
    texts = [
        _sqnr_text(tensor),
        f"{significant(tensor.max_abs)}",
        "-" if tensor.cosine is None else f"{tensor.cosine:.6f}",
        "-" if tensor.top1_agreement is None else percent(tensor.top1_agreement),
        accuracy_text(accuracy) if accuracy else "-",
    ]
    if tensor.not_finite_count:
        texts[1] += f", {counted(tensor.not_finite_count, 'value')} not finite"
    return OutputRow(
        outputs=outputs,
        what=f"{outputs.variant_id} · {tensor.output_name or f'output {place}'}"
        if several
        else outputs.variant_id,
        texts=tuple(texts),
        points=points,
        verdict="; ".join(outputs.missed) if place == 0 else "",
    )


def _sqnr_text(tensor: TensorFigures) -> str:
    if tensor.equal_share is not None:
        return f"{percent(tensor.equal_share)} equal"
    worst = tensor.worst_sqnr_db
    if worst is not None and worst != tensor.sqnr_db:
        constant = ", constant" if tensor.constant_part else ""
        return f"{worst:.1f} ({tensor.worst_part}{constant})"
    if tensor.constant_part:
        return f"{tensor.constant_part} constant"
    if tensor.sqnr_db is not None:
        return f"{tensor.sqnr_db:.1f}"
    # A value that is not finite counts as 0 in the figures, and so may seem no error.
    return "-" if tensor.not_finite_count else "identical"


def accuracy_text(accuracy: Proportion) -> str:
    """`99.2 % [97.6, 99.7] of 360`."""
    low, high = (f"{end * 100:.1f}" for end in (accuracy.low, accuracy.high))
    return f"{percent(accuracy.point)} [{low}, {high}] of {accuracy.count}"


def percent(share: float) -> str:
    """`99.2 %`; 100 only for all."""
    text = f"{share * 100:.1f}"
    return f"{'> 99.9' if text == '100.0' and share < 1 else text} %"


def lead(view: View) -> str:
    """What was compared with what."""
    found = view.summary.outputs
    if not found:
        return "Nothing that the devices answered could be checked."
    references = " or ".join(dict.fromkeys(x.reference for x in found))
    counts = sorted({x.input_count for x in found})
    many = " or ".join(map(str, counts))
    words = (
        f"What the devices answered, each to {many} sets of inputs in a launch that "
        f"was not timed, against {references}."
    )
    known = {x.model: x.reference_accuracy for x in found if x.reference_accuracy}
    for model, accuracy in known.items():
        words += f" The reference's accuracy of {model}: {accuracy_text(accuracy)}."
    return words


def missing_once(view: View) -> list[str]:
    """Where outputs were not checked, why, and what to do: each reason once."""
    found: dict[tuple[str, str], list[str]] = {}
    for missing in view.summary.unchecked:
        where = place_words(view, missing.device_id, missing.model, missing.variant_id)
        found.setdefault((missing.fact, missing.remedy), []).append(where)
    return [
        f"{places(names)}: {fact}. {remedy}." for (fact, remedy), names in found.items()
    ]


def failing(view: View) -> list[str]:
    """The variants that miss a limit, in words."""
    return [
        f"{view.tagged(x.device_id)} · {x.model} · {x.variant_id}: "
        + "; ".join(x.missed)
        for x in view.summary.outputs
        if x.missed
    ]
