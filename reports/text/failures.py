"""Failures, the same one once however many devices and variants it met."""

from __future__ import annotations

from typing import NamedTuple

from pocketbench.bench.records.launch import Failure
from pocketbench.reports.view import View

MOST_PLACES = 3


class FailureOnce(NamedTuple):
    """What happened, and everywhere it did."""

    where: str
    """`Pixel 8 · net · int8-static`, the first few of many."""
    fact: str
    remedy: str
    failures: tuple[Failure, ...]


def failures_once(view: View) -> list[FailureOnce]:
    """Failures with the same fact and remedy together, in their order."""
    found: dict[tuple[str, str], list[Failure]] = {}
    for failure in view.summary.failures:
        found.setdefault((failure.fact, failure.remedy), []).append(failure)
    return [
        FailureOnce(
            places(
                [
                    place_words(view, f.device_id, f.model, f.variant_id)
                    for f in failures
                ]
            ),
            fact,
            remedy,
            tuple(failures),
        )
        for (fact, remedy), failures in found.items()
    ]


def place_words(
    view: View, device_id: str, model: str | None, variant_id: str | None
) -> str:
    """`Pixel 8 [SIMULATED] · net · int8-static`."""
    parts = (view.tagged(device_id), model, variant_id)
    return " · ".join(part for part in parts if part)


def places(names: list[str]) -> str:
    """The first few of many places, and how many more there are."""
    distinct = list(dict.fromkeys(names))
    shown = distinct[:MOST_PLACES]
    if len(distinct) > len(shown):
        shown.append(f"{len(distinct) - len(shown)} more")
    return "; ".join(shown)
