"""A summary of one run, made into the later one of two that are compared."""

from __future__ import annotations

from msgspec.structs import replace

from pocketbench.bench.judge.summary import Summary


def of_two_runs(summary: Summary) -> Summary:
    """The comparisons with its baselines, as with an earlier run's."""
    other = replace(
        summary.run.started, run_id="before-it", commit="0a1b2c3d4e5f60718293"
    )
    comparisons = []
    for comparison in summary.comparisons:
        where = (comparison.device_id, comparison.model, comparison.baseline)
        cell = summary.cell(*where)
        before = cell.estimates[comparison.metric] if cell else None
        if comparison.kind == "variant":
            comparisons.append(
                replace(
                    comparison,
                    kind="run",
                    baseline="before-it",
                    before=before,
                    before_size_bytes=cell.artifact.size_bytes if cell else None,
                )
            )
    return replace(summary, comparisons=tuple(comparisons), compared_with=other)
