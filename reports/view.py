"""What every report of a run is made from: its summary, redacted and indexed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property

from pocketbench.bench.conditions.aggregation import DeviceConditions, device_conditions
from pocketbench.bench.history.series import CellHistory
from pocketbench.bench.judge.outputs import JudgedOutputs
from pocketbench.bench.judge.summary import (
    Cell,
    Comparison,
    Estimate,
    FleetComparison,
    Summary,
    Verdict,
)
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.device_kind import device_tag
from pocketbench.bench.records.families import SIMULATED, family_of
from pocketbench.bench.records.generation import Generation
from pocketbench.bench.records.metrics import METRICS, Metric
from pocketbench.reports.redact import redact

CellKey = tuple[str, str, str]
"""Device, model, variant."""


class View:
    """A summary that may be shown, indexed; everything else stays in `summary`."""

    def __init__(
        self,
        summary: Summary,
        histories: Mapping[CellKey, CellHistory] | None = None,
        *,
        fails_slower: bool = False,
    ) -> None:
        """Redact a summary, and take the histories of its cells where they are shown.

        Args:
            summary: As judged, with the serials of its devices.
            histories: By device, model and variant.
            fails_slower: Whether a candidate slower than its baseline in one run is an
                alarm, as a regression between two runs always is.
        """
        self._fails_slower = fails_slower
        ids = [ready.device.id for ready in summary.devices]
        summary = redact(summary)
        renamed = {
            before: ready.device.id
            for before, ready in zip(ids, summary.devices, strict=True)
        }
        self.histories: Mapping[CellKey, CellHistory] = {
            (renamed.get(device, device), model, variant): history
            for (device, model, variant), history in (histories or {}).items()
        }
        self.summary = summary
        self.primary: Metric = summary.metrics[0]
        self.metrics = {metric.name: metric for metric in summary.metrics}
        self.devices = {ready.device.id: ready.device for ready in summary.devices}
        self.cells: dict[CellKey, Cell] = {
            (cell.device_id, cell.model, cell.variant_id): cell
            for cell in summary.cells
        }

    @property
    def generation(self) -> Generation | None:
        """What each launch generated; `None` for a run of forward calls."""
        return self.summary.run.started.plan.workload.generation

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Models with a measured cell, in the plan's order."""
        planned = [model.name for model in self.summary.run.started.plan.models]
        measured = dict.fromkeys(cell.model for cell in self.summary.cells)
        known = [name for name in dict.fromkeys(planned) if name in measured]
        return (*known, *(name for name in measured if name not in known))

    @cached_property
    def memory_metric(self) -> str:
        """Peak memory; only its growth where a whole server library is loaded too."""
        found = any(Caveat.FOREIGN_MEMORY in x.caveats for x in self.summary.cells)
        return "model_rss_bytes" if found else "peak_rss_bytes"

    @cached_property
    def conditions(self) -> tuple[DeviceConditions, ...]:
        """What each device reported about itself, gathered over its launches."""
        return device_conditions(self.summary.run)

    @cached_property
    def device_ids(self) -> tuple[str, ...]:
        """Devices with a measured cell, in the summary's order: the host first."""
        measured = dict.fromkeys(cell.device_id for cell in self.summary.cells)
        known = [name for name in self.devices if name in measured]
        return (*known, *(name for name in measured if name not in known))

    @cached_property
    def variant_ids(self) -> tuple[str, ...]:
        """Every variant id, baselines first, then in the plan's order."""
        planned = {v.id: v for v in self.summary.run.started.plan.variants}
        first = [v.id for v in planned.values() if v.is_baseline]
        rest = [v.id for v in planned.values() if not v.is_baseline]
        measured = [cell.variant_id for cell in self.summary.cells]
        measured += [cell.variant_id for cell in self.summary.sustained]
        return tuple(dict.fromkeys([*first, *rest, *measured]))

    @cached_property
    def judged(self) -> tuple[Comparison, ...]:
        """Every comparison that a verdict was given on."""
        return tuple(c for c in self.summary.comparisons if c.verdict is not None)

    @cached_property
    def withheld(self) -> tuple[Comparison, ...]:
        """Those without a verdict because conditions differed between their sides."""
        return tuple(c for c in self.summary.comparisons if c.is_withheld)

    @cached_property
    def _comparisons(self) -> dict[tuple[str, str, str, str, str], Comparison]:
        return {
            (c.kind, c.device_id, c.model, c.candidate, c.metric): c
            for c in self.summary.comparisons
        }

    def comparison(self, kind: str, cell: Cell, metric: str) -> Comparison | None:
        """A cell against its baseline (`variant`), the host or another run."""
        return self._comparisons.get(
            (kind, cell.device_id, cell.model, cell.variant_id, metric)
        )

    @property
    def how_to_go_on(self) -> str:
        """What measures the rest of a run that ended early."""
        started = self.summary.run.started
        if self.summary.run.outcome == "running":
            return "wait for the end of the run, and make the report again"
        if started.command[1:2] == ("ingest",):
            return "measure again on the phone: what was ingested cannot be resumed"
        return f"`pocketbench run --resume {started.run_id}` measures what is missing"

    def against_baseline(self, cell: Cell, metric: str) -> Comparison | None:
        """A cell against its baseline: a build of this run, or an earlier run."""
        kind = "variant" if self.summary.compared_with is None else "run"
        return self.comparison(kind, cell, metric)

    def is_alarm(self, comparison: Comparison | FleetComparison) -> bool:
        """A regression between runs; within one only what was asked to fail."""
        if comparison.verdict is not Verdict.REGRESSION:
            return False
        is_of_runs = isinstance(comparison, Comparison) and comparison.kind == "run"
        return is_of_runs or self._fails_slower

    def sides(self, comparison: Comparison) -> tuple[Estimate | None, Estimate | None]:
        """The baseline's and the candidate's own values."""
        metric, after = comparison.metric, self.candidate_cell(comparison)
        before = self.cells.get(
            (comparison.device_id, comparison.model, comparison.baseline)
        )
        return (
            before.estimates.get(metric) if before else comparison.before,
            after.estimates.get(metric) if after else None,
        )

    def sizes(self, comparison: Comparison) -> tuple[int | None, int | None]:
        """How large the baseline's and the candidate's model files are, in bytes."""
        after = self.candidate_cell(comparison)
        before = self.cells.get(
            (comparison.device_id, comparison.model, comparison.baseline)
        )
        return (
            before.artifact.size_bytes if before else comparison.before_size_bytes,
            after.artifact.size_bytes if after else None,
        )

    def candidate_cell(self, comparison: Comparison) -> Cell | None:
        """What is compared with the baseline."""
        return self.cells.get(
            (comparison.device_id, comparison.model, comparison.candidate)
        )

    def baseline_name(self, comparison: Comparison) -> str:
        """The baseline variant; the other run's commit, or id, where it is one."""
        other = self.summary.compared_with
        if comparison.kind != "run" or other is None:
            return comparison.baseline
        return other.commit[:10] if other.commit else other.run_id

    def less_trusted(self, comparison: Comparison) -> Cell | None:
        """Of the two cells that are compared the one with the worse grade."""
        names = (comparison.candidate, comparison.baseline)
        keys = ((comparison.device_id, comparison.model, name) for name in names)
        found = [self.cells[key] for key in keys if key in self.cells]
        return max(found, key=lambda cell: cell.grade.letter, default=None)

    def outputs(self, cell: Cell) -> JudgedOutputs | None:
        """What a cell's device answered; `None` where that was not checked."""
        key = (cell.device_id, cell.model, cell.variant_id)
        return self._outputs.get(key)

    @cached_property
    def _outputs(self) -> dict[CellKey, JudgedOutputs]:
        return {(x.device_id, x.model, x.variant_id): x for x in self.summary.outputs}

    def cells_of(self, model: str, device_id: str) -> list[Cell]:
        """The cells of a model on a device, in the order of the variants."""
        found = (self.cells.get((device_id, model, v)) for v in self.variant_ids)
        return [cell for cell in found if cell is not None]

    def metric_title(self, name: str) -> str:
        """A metric's title, measured or not; its name if another pocketbench's."""
        if name in self.metrics:
            return self.metrics[name].title
        return next((x.title for x in METRICS if x.name == name), name)

    @cached_property
    def _labels(self) -> dict[str, str]:
        names = {key: " ".join(i.name.split()) for key, i in self.devices.items()}
        uses = Counter(names.values())
        return {
            key: names[key]
            if uses[names[key]] == 1
            else f"{names[key]} ({info.serial_hash or key})"
            for key, info in self.devices.items()
        }

    def label(self, device_id: str) -> str:
        """The display name of a device, distinct from others of the same name."""
        return self._labels.get(device_id, device_id)

    def tag(self, device_id: str) -> str | None:
        """`SIMULATED`, `EMULATED` ..., wherever the name of such a device stands."""
        info = self.devices.get(device_id)
        if info is None:
            is_simulated = device_id.partition(":")[0] == SIMULATED
            return Caveat.SIMULATED.value.upper() if is_simulated else None
        return device_tag(info)

    def is_this_computer(self, device_id: str) -> bool:
        """Whether a device that was opened is the computer itself."""
        info = self.devices.get(device_id)
        return info is not None and family_of(info).is_this_computer

    def tagged(self, device_id: str) -> str:
        """The label with its tag, as plain text."""
        tag = self.tag(device_id)
        return f"{self.label(device_id)} [{tag}]" if tag else self.label(device_id)
