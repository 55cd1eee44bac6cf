"""What each device can resolve, in words: the answer of a self-check."""

from __future__ import annotations

from pocketbench.bench.judge.summary import Resolution, Verdict
from pocketbench.reports.text.phrases import counted, listed
from pocketbench.reports.view import View

MOST_LINES = 12
"""Of one cell each; the JSON has them all."""


def resolving_sentence(view: View) -> str:
    """By device, the change that is found in all its models: the largest of theirs."""
    worst: dict[str, float] = {}
    unknown: list[str] = []
    for found in view.summary.resolutions:
        if found.metric != view.primary.name:
            continue
        if found.smallest_found is None:
            unknown.append(view.tagged(found.device_id))
        else:
            before = worst.get(found.device_id, 0.0)
            worst[found.device_id] = max(before, found.smallest_found)
    parts = [
        f"{_percent(size)} on {view.tagged(device_id)}"
        for device_id, size in worst.items()
    ]
    if not parts:
        return "A self-check: too few launches to determine what can be resolved."
    blocks = max(x.blocks for x in view.summary.resolutions)
    sentence = (
        f"Each build against itself: with {counted(blocks, 'block')} a change is found "
        f"from {listed(parts)}"
    )
    if unknown:
        sentence += f"; too few launches on {listed(list(dict.fromkeys(unknown)))}"
    return f"{sentence}."


def resolving_details(view: View) -> tuple[str, ...]:
    """One line per cell, and how many looked changed although nothing differs."""
    found = view.summary.resolutions
    lines = [_line(view, resolution) for resolution in found[:MOST_LINES]]
    if len(found) > MOST_LINES:
        lines.append(f"{len(found) - MOST_LINES} more are in the JSON.")
    wrong = [
        c for c in view.judged if c.verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT)
    ]
    if wrong:
        lines.append(
            f"{len(wrong)} of {counted(len(view.judged), 'comparison')} of a build "
            "with itself looked changed: a false alarm, of which one in twenty is to "
            "be expected. If it comes again, something on the device favours one of "
            "two equal programs."
        )
    return tuple(lines)


def _line(view: View, found: Resolution) -> str:
    where = f"{view.tagged(found.device_id)}, {found.model} {found.variant_id}"
    what = view.metric_title(found.metric)
    if found.half_width is None or found.smallest_found is None:
        return f"{where}, {what}: {counted(found.blocks, 'block')}, no interval."
    band = f"{found.min_effect * 100:g} %"
    further = found.blocks_for_min_effect
    return (
        f"{where}, {what}: interval of ±{_percent(found.half_width)}; a change of "
        f"{_percent(found.smallest_found)} and more is found four times in five; "
        + (
            f"distinguishing {band} from none takes about {counted(further, 'block')}."
            if further is not None
            else f"no number of blocks promises to distinguish {band} from none."
        )
    )


def _percent(share: float) -> str:
    percent = share * 100
    return f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"
