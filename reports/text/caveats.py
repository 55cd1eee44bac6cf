"""The caveats of a run: fact, where, likely cause, what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from pocketbench.bench.judge.summary import (
    Cell,
    Comparison,
    Contradiction,
    Unlike,
)
from pocketbench.bench.judge.time_series import SustainedCell
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.device_kind import DEVICE_CAVEATS
from pocketbench.reports.text.phrases import counted, direction, effect, listed
from pocketbench.reports.view import View

MOST_NAMES = 4


class CaveatEntry(NamedTuple):
    """One caveat, once for all the cells it is about."""

    name: str
    """A caveat's stored value, or one of the run's own."""
    fact: str
    where: str
    device_ids: tuple[str, ...]
    """Those to be named with their tags; empty when it is about the whole run."""
    cause: str
    remedy: str


def caveat_entries(view: View) -> list[CaveatEntry]:
    """Everything there is to doubt, what concerns the whole run first."""
    return [*_of_the_run(view), *_of_the_cells(view)]


def _of_the_run(view: View) -> list[CaveatEntry]:
    summary = view.summary
    found = []
    if summary.run.outcome != "finished":
        found.append(
            CaveatEntry(
                "unfinished",
                "the run is not over yet"
                if summary.run.outcome == "running"
                else f"the run was {summary.run.outcome} before its end",
                "the whole run",
                (),
                "another pocketbench is writing to it"
                if summary.run.outcome == "running"
                else "Ctrl-C, a kill or a crash of the host program",
                view.how_to_go_on,
            )
        )
    if summary.failures:
        devices = tuple(dict.fromkeys(f.device_id for f in summary.failures))
        found.append(
            CaveatEntry(
                "failures",
                counted(len(summary.failures), "failure"),
                named(view, devices),
                devices,
                "see the failures, each with its reason",
                "follow the remedy of each, then run with --resume",
            )
        )
    redone = [cell for cell in summary.cells if cell.redone_launches]
    if redone:
        devices = tuple(dict.fromkeys(cell.device_id for cell in redone))
        total = counted(sum(c.redone_launches for c in redone), "launch", "launches")
        by_variant: Counter[str] = Counter()
        for cell in redone:
            by_variant[cell.variant_id] += cell.redone_launches
        each = listed([f"{n} of {name}" for name, n in by_variant.most_common()])
        found.append(
            CaveatEntry(
                "redone",
                f"{total} throttled and measured again: {each}",
                named(view, devices),
                devices,
                "the device grew hot; leaving hot launches out favours the variant "
                "that heats it more",
                "cool it better and run again, if the verdict hangs on it",
            )
        )
    found += _contradicted(view)
    found += _unlike(view)
    if any(c.design == "sequential" and c.verdict for c in summary.comparisons):
        found.append(
            CaveatEntry(
                "drift_not_controlled",
                "two runs measured apart: drift is not controlled",
                "the whole comparison",
                (),
                "heat, updates or other work may differ between the runs",
                "measure both in one run, interleaved, before deciding",
            )
        )
    return found


def _contradicted(view: View) -> Iterator[CaveatEntry]:
    """Ratios on whose other side the two cells' estimates or most pairs lie."""
    for comparison in view.summary.comparisons:
        if comparison.verdict is None or not comparison.contradicted_by:
            continue
        metric = view.metrics.get(comparison.metric)
        point = comparison.candidate_over_baseline.point
        said = effect(metric, point) if metric else f"{point:.3g} times"
        yield CaveatEntry(
            "contradicted",
            f"contradicted: {comparison.model} {comparison.candidate} {said} than "
            f"{comparison.baseline}, but {listed(_against(view, comparison))}",
            named(view, (comparison.device_id,)),
            (comparison.device_id,),
            "a few launches were disturbed, or the device has two speeds",
            "measure more blocks before deciding",
        )


def _against(view: View, comparison: Comparison) -> list[str]:
    """What says otherwise: `5 of 6 pairs say slower`."""
    metric = view.metrics.get(comparison.metric)
    opposite = 1 / comparison.candidate_over_baseline.point
    way = direction(metric, opposite) if metric else "the opposite"
    found = []
    if Contradiction.FIGURES in comparison.contradicted_by:
        found.append(f"the two estimates say {way}")
    pairs = comparison.pairs
    if Contradiction.PAIRS in comparison.contradicted_by and pairs is not None:
        most = max(pairs.above, pairs.below)
        total = comparison.candidate_over_baseline.launches
        found.append(f"{most} of {total} pairs say {way}")
    return found


def _unlike(view: View) -> Iterator[CaveatEntry]:
    """What differed between the two sides of comparisons, each difference once."""
    where: dict[Unlike, list[Comparison]] = {}
    for comparison in view.summary.comparisons:
        if comparison.verdict is not None or comparison.is_withheld:
            for unlike in comparison.unlike:
                where.setdefault(unlike, []).append(comparison)
    for unlike, hit in where.items():
        devices = tuple(dict.fromkeys(c.device_id for c in hit))
        is_withheld = any(c.is_withheld for c in hit)
        yield CaveatEntry(
            "unlike_conditions",
            f"different conditions: {unlike.what} {unlike.baseline} against "
            f"{unlike.candidate}",
            named(view, devices),
            devices,
            f"what that does is in {counted(len(hit), 'ratio')} too, so "
            f"{'no verdict is given' if is_withheld else 'a verdict was allowed'}",
            "measure both sides under the same conditions"
            + (", or say --allow-mismatch" if is_withheld else ""),
        )


def _of_the_cells(view: View) -> list[CaveatEntry]:
    found = []
    cells: list[Cell | SustainedCell] = [
        *view.summary.cells,
        *view.summary.sustained,
    ]
    for caveat in Caveat:
        hit = [cell for cell in cells if caveat in cell.caveats]
        devices = [cell.device_id for cell in hit]
        devices += [
            device_id
            for device_id, info in view.devices.items()
            if caveat in DEVICE_CAVEATS and DEVICE_CAVEATS[caveat](info)
        ]
        if not devices:
            continue
        named_devices = tuple(dict.fromkeys(devices))
        wording = caveat.wording
        found.append(
            CaveatEntry(
                caveat.value,
                wording.fact + _delegated(caveat, hit),
                _where(view, caveat, len(hit), named_devices),
                () if len(hit) == len(cells) else named_devices,
                wording.cause,
                wording.remedy,
            )
        )
    return found


def _delegated(caveat: Caveat, cells: list[Cell | SustainedCell]) -> str:
    """What delegates took, where the program says so: `: GPU took 12 of 64 nodes`."""
    if caveat is not Caveat.NOT_FULLY_DELEGATED:
        return ""
    found = dict.fromkeys(
        f"{share.delegate} took {share.node_count} of "
        f"{counted(share.total_node_count, 'node')} of {cell.model} {cell.variant_id}"
        for cell in cells
        if isinstance(cell, Cell)
        for launch in cell.records
        for share in launch.measurement.delegations
        if share.is_requested and share.extent != "all"
        if share.node_count is not None and share.total_node_count is not None
    )
    return f": {listed(list(found)[:MOST_NAMES])}" if found else ""


def _where(view: View, caveat: Caveat, hit: int, device_ids: tuple[str, ...]) -> str:
    total = len(view.summary.cells) + len(view.summary.sustained)
    names = named(view, device_ids)
    if caveat in DEVICE_CAVEATS:
        return names
    if hit == total:
        return "every configuration"
    return f"{hit} of {counted(total, 'configuration')}: {names}"


def named(view: View, device_ids: tuple[str, ...]) -> str:
    """Devices by name with their tags, the first few of many."""
    names = [view.tagged(device_id) for device_id in device_ids[:MOST_NAMES]]
    if len(device_ids) > MOST_NAMES:
        names.append(f"{len(device_ids) - MOST_NAMES} more")
    return listed(names)
