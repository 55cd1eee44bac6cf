"""One row per cell and metric, unscaled, for spreadsheets and notebooks."""

from __future__ import annotations

from typing import Any

from pocketbench.bench.judge.operators import OperatorCost, OperatorTable
from pocketbench.bench.judge.summary import Cell, Comparison, FleetComparison
from pocketbench.bench.judge.time_series import SustainedCell
from pocketbench.bench.records.families import family_of
from pocketbench.reports.text.fleet import fleet_name
from pocketbench.reports.view import View

COLUMNS = (
    "run",
    "device",
    "device_name",
    "is_simulated",
    "is_emulated",
    "model",
    "variant",
    "threads",
    "runner",
    "metric",
    "unit",
    "estimate",
    "low_95",
    "high_95",
    "launches",
    "baseline",
    "candidate_over_baseline",
    "ratio_low_95",
    "ratio_high_95",
    "p_value",
    "q_value",
    "verdict",
    "over_host",
    "over_host_low_95",
    "over_host_high_95",
    "size_bytes",
    "max_abs_error",
    "sqnr_db",
    "caveats",
    "grade",
    "redone_launches",
    "grade_reasons",
    "device_max_abs_error",
    "device_sqnr_db",
    "device_cosine",
    "device_top1_agreement",
    "accuracy",
    "accuracy_low_95",
    "accuracy_high_95",
    "accuracy_inputs",
    "is_ios_simulator",
    "is_replayed",
    "operator",
    "operator_calls",
    "operator_share",
    "fallback",
    "fleet_devices",
    "i_squared",
    "between_devices",
    "budget_at_most",
    "budget_verdict",
    "kv_depth",
    "before",
    "commit",
    "baseline_commit",
)
"""`estimate` and its ends are in `unit`: ns, bytes, per_s, tokens_per_s or ratio, never
scaled. `kv_depth` is of models that generate. `before` is the baseline's own estimate,
in the same unit. `commit` is the run's; with `compare`, `baseline` is the id of the
other run and `baseline_commit` its commit.

`operator` to `fallback` are of rows with the metric `operator_time_ns`: what one
operator takes of an inference, all its calls together, from a launch that is not timed.
The last three are of rows without a device: the ratio over so many phones of a kind.
"""


def render(view: View) -> str:
    """The table as CSV; absent is empty, never 0."""
    import pandas as pd

    cells = view.summary.cells
    rows = [_row(view, cell, name) for cell in cells for name in cell.estimates]
    rows += [
        row for cell in view.summary.sustained for row in _sustained_rows(view, cell)
    ]
    rows += [
        _operator_row(view, table, cost)
        for table in view.summary.operators
        for cost in table.operators
    ]
    rows += [_fleet_row(view, found) for found in view.summary.fleet]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in (
        "launches", "size_bytes", "threads", "accuracy_inputs", "fleet_devices",
        "kv_depth",
    ):  # fmt: skip
        table[column] = table[column].astype("Int64")
    return str(table.to_csv(index=False, lineterminator="\n"))


def _row(view: View, cell: Cell, name: str) -> dict[str, Any]:
    estimate = cell.estimates[name]
    metric = view.metrics.get(name)
    against = view.against_baseline(cell, name)
    before = view.sides(against)[0] if against else None
    host = view.comparison("host", cell, name)
    ratio = against.candidate_over_baseline if against else None
    over_host = host.candidate_over_baseline if host else None
    error = cell.artifact.output_error
    key = (cell.device_id, cell.model, cell.variant_id, name)
    budgets = [
        x
        for x in view.summary.budgets
        if (x.device_id, x.model, x.variant_id, x.budget.metric) == key
    ]
    return {
        **_where(view, cell),
        "threads": cell.threads,
        "kv_depth": cell.kv_depth,
        "runner": _text(cell.runner),
        "metric": name,
        "unit": metric.unit if metric else None,
        "estimate": estimate.point,
        "low_95": estimate.low,
        "high_95": estimate.high,
        "launches": estimate.launches,
        "baseline": _text(against.baseline) if against else None,
        "before": before.point if before else None,
        "baseline_commit": _baseline_commit(view, against),
        "candidate_over_baseline": ratio.point if ratio else None,
        "ratio_low_95": ratio.low if ratio else None,
        "ratio_high_95": ratio.high if ratio else None,
        "p_value": against.p_value if against else None,
        "q_value": against.q_value if against else None,
        "verdict": against.verdict.value if against and against.verdict else None,
        "budget_at_most": min((x.budget.at_most for x in budgets), default=None),
        "budget_verdict": " ".join(sorted({x.verdict.value for x in budgets})),
        "over_host": over_host.point if over_host else None,
        "over_host_low_95": over_host.low if over_host else None,
        "over_host_high_95": over_host.high if over_host else None,
        "size_bytes": cell.artifact.size_bytes,
        "max_abs_error": error.max_abs if error else None,
        "sqnr_db": error.worst_sqnr_db if error else None,
        "caveats": " ".join(caveat.value for caveat in cell.caveats),
        "grade": cell.grade.letter,
        "redone_launches": cell.redone_launches,
        "grade_reasons": " ".join(reason.value for reason in cell.grade.reasons),
        **_answered(view, cell),
    }


def _baseline_commit(view: View, against: Comparison | None) -> str | None:
    """The other run's, where the comparison is with one."""
    other = view.summary.compared_with
    is_of_runs = against is not None and against.kind == "run"
    return _text(other.commit or "") or None if other and is_of_runs else None


def _answered(view: View, cell: Cell) -> dict[str, Any]:
    """What the device itself answered: the worst of its tensors."""
    outputs = view.outputs(cell)
    tensors = outputs.tensors if outputs else ()
    accuracy = outputs.accuracy if outputs else None

    def worst(name: str) -> float | None:
        found = [x for t in tensors if (x := getattr(t, name)) is not None]
        return min(found, default=None)

    return {
        "device_max_abs_error": max((t.max_abs for t in tensors), default=None),
        "device_sqnr_db": worst("worst_sqnr_db"),
        "device_cosine": worst("cosine"),
        "device_top1_agreement": worst("top1_agreement"),
        "accuracy": accuracy.point if accuracy else None,
        "accuracy_low_95": accuracy.low if accuracy else None,
        "accuracy_high_95": accuracy.high if accuracy else None,
        "accuracy_inputs": accuracy.count if accuracy else None,
    }


def _sustained_rows(view: View, cell: SustainedCell) -> list[dict[str, Any]]:
    """A launch that ran on for minutes: its two medians, and how many times the last
    is the first. One process, so no interval."""
    facts = {
        **_where(view, cell),
        "threads": cell.threads,
        "runner": _text(cell.runner),
        "launches": 1,
        "caveats": " ".join(caveat.value for caveat in cell.caveats),
    }
    what = "inter_token" if cell.is_generation else "latency"
    figures = (
        (f"sustained_first_{what}_ns", "ns", cell.first_ns),
        (f"sustained_last_{what}_ns", "ns", cell.last_ns),
        ("sustained_last_over_first", "ratio", cell.last_over_first),
    )
    return [
        {**facts, "metric": metric, "unit": unit, "estimate": value}
        for metric, unit, value in figures
    ]


def _operator_row(
    view: View, table: OperatorTable, cost: OperatorCost
) -> dict[str, Any]:
    return {
        **_where(view, table),
        "metric": "operator_time_ns",
        "unit": "ns",
        "estimate": cost.time_ns,
        "operator": _text(cost.name),
        "operator_calls": cost.calls,
        "operator_share": cost.share,
        "fallback": cost.fallback.value if cost.fallback else None,
    }


def _fleet_row(view: View, found: FleetComparison) -> dict[str, Any]:
    ratio = found.candidate_over_baseline
    tags = (found.tag or "").split(", ")
    return {
        **_run(view),
        "device_name": fleet_name(found),
        "is_simulated": "SIMULATED" in tags,
        "is_emulated": "EMULATED" in tags,
        "is_ios_simulator": "SIMULATOR" in tags,
        "is_replayed": "REPLAYED" in tags,
        "model": _text(found.model),
        "variant": _text(found.candidate),
        "metric": found.metric,
        "launches": ratio.launches,
        "baseline": _text(found.baseline),
        "candidate_over_baseline": ratio.point,
        "ratio_low_95": ratio.low,
        "ratio_high_95": ratio.high,
        "p_value": found.p_value,
        "q_value": found.q_value,
        "verdict": found.verdict.value,
        "fleet_devices": len(found.device_ids),
        "i_squared": found.i_squared,
        "between_devices": found.between_devices,
    }


def _run(view: View) -> dict[str, Any]:
    started = view.summary.run.started
    return {"run": _text(started.run_id), "commit": _text(started.commit or "") or None}


def _where(view: View, found: Cell | SustainedCell | OperatorTable) -> dict[str, Any]:
    info = view.devices.get(found.device_id)
    return {
        **_run(view),
        "device": _text(found.device_id),
        "device_name": _text(view.label(found.device_id)),
        "is_simulated": bool(info and info.is_simulated),
        "is_emulated": bool(info and info.is_emulated),
        "is_ios_simulator": bool(info and family_of(info).is_simulator),
        "is_replayed": bool(info and info.is_replayed),
        "model": _text(found.model),
        "variant": _text(found.variant_id),
    }


def _text(words: str) -> str:
    """Words that a spreadsheet does not take for a formula."""
    return f"'{words}" if words[:1] in ("=", "+", "-", "@", "\t") else words
