"""The suite file: a TOML that says what a run measures, for keeping in a repository."""

from __future__ import annotations

import math
import os
from pathlib import Path

import msgspec

from pocketbench.bench.errors import UsageError
from pocketbench.bench.planning.budget_options import AskedBudget
from pocketbench.bench.planning.input_options import AskedInput
from pocketbench.bench.planning.run_options import RunOptions, WorkloadOptions, given
from pocketbench.bench.records.artifact import MemoryFormat
from pocketbench.bench.records.plan import DEFAULT_MIN_EFFECT, RunnerChoice


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class SuiteModel(_Section, frozen=True, kw_only=True):
    """One `[[model]]`."""

    source: str
    name: str | None = None
    inputs: tuple[AskedInput, ...] = ()
    """`[{ shape = [1, [16, 64]], dtype = "int64" }]`: in two lengths."""
    memory_format: MemoryFormat | None = None
    """`"channels-last"`: of the images that every variant takes."""
    variants: tuple[str, ...] = ()
    baseline: str | None = None


class SuiteDevices(_Section, frozen=True, kw_only=True):
    """`[devices]`."""

    select: tuple[str, ...] = ()


class SuiteGate(_Section, frozen=True, kw_only=True):
    """`[gate]`."""

    min_effect: float = DEFAULT_MIN_EFFECT
    on: tuple[str, ...] = ()
    """Metrics that get verdicts: `["latency", "peak_memory"]`."""


class SuiteCheck(_Section, frozen=True, kw_only=True):
    """`[check]`: what is asked of the devices' answers."""

    outputs: bool = True
    min_sqnr_db: float | None = None
    min_top1_agreement: float | None = None
    min_accuracy: float | None = None


class SuiteName(_Section, frozen=True, kw_only=True):
    """`[suite]`."""

    name: str = ""


class Suite(_Section, frozen=True, kw_only=True):
    """A whole suite file."""

    suite: SuiteName = SuiteName()
    workload: WorkloadOptions = WorkloadOptions()
    model: tuple[SuiteModel, ...] = ()
    devices: SuiteDevices = SuiteDevices()
    gate: SuiteGate = SuiteGate()
    budget: tuple[AskedBudget, ...] = ()
    """`[[budget]]`: `metric = "p90"`, `device = "Pixel 8"`, `at_most = "20 ms"`."""
    check: SuiteCheck | None = None
    cooldown: dict[str, float] = msgspec.field(default_factory=dict)
    """`[cooldown]`: limits as `--cooldown-limit KEY=VALUE` takes them."""
    heat: dict[str, float] = msgspec.field(default_factory=dict)
    """The name that `[cooldown]` had first."""
    runner: tuple[RunnerChoice, ...] = ()

    @property
    def cooldown_limits(self) -> dict[str, float]:
        """The limits under either name."""
        return {**self.heat, **self.cooldown}

    def under(self, options: RunOptions) -> RunOptions:
        """These options, with the suite's values where they say nothing."""
        own = self.workload
        return msgspec.structs.replace(
            options,
            blocks=given(options.blocks, own.blocks),
            until_settled=given(options.until_settled, own.until_settled),
            budget=given(options.budget, own.budget),
            warmup_iterations=given(options.warmup_iterations, own.warmup_iterations),
            iterations=given(options.iterations, own.iterations),
            min_duration_s=given(options.min_duration_s, own.min_duration_s),
            threads=given(options.threads, own.threads),
            engines=given(options.engines, own.engines),
            kind=given(options.kind, own.kind),
            prompt_tokens=given(options.prompt_tokens, own.prompt_tokens),
            new_tokens=given(options.new_tokens, own.new_tokens),
            kv_depths=given(options.kv_depths, own.kv_depths),
            warmup_generations=given(
                options.warmup_generations, own.warmup_generations
            ),
            prompt_ids=given(options.prompt_ids, own.prompt_ids),
            perplexity=given(options.perplexity, own.perplexity),
            heap=given(options.heap, own.heap),
            seed=given(options.seed, own.seed),
            timeout_s=given(options.timeout_s, own.timeout_s),
            profile=given(options.profile, own.profile),
            devices=options.devices or self.devices.select,
            gate_on=options.gate_on or self.gate.on,
            min_effect=options.min_effect or self.gate.min_effect,
        )


def read_suite(path: Path) -> Suite:
    """Read a suite file; relative sources in it are relative to its folder.

    Raises:
        UsageError: Not there, not TOML, an unknown key, or no model in it.
    """
    try:
        suite = msgspec.toml.decode(path.read_bytes(), type=Suite)
    except OSError as error:
        raise UsageError(
            str(path), f"cannot be read ({error.strerror})", "Give a suite file"
        ) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UsageError(
            str(path), str(error), "See the example suite in the README"
        ) from error
    if not _is_finite(msgspec.to_builtins(suite)):
        raise UsageError(
            str(path), "holds nan or inf, which is no setting", "Give a number"
        )
    if not suite.model:
        raise UsageError(str(path), "names no [[model]]", "Add one with its source")
    return msgspec.structs.replace(
        suite, model=tuple(_beside(path.parent, model) for model in suite.model)
    )


def _is_finite(value: object) -> bool:
    if isinstance(value, dict):
        return all(_is_finite(item) for item in value.values())
    if isinstance(value, list | tuple):
        return all(_is_finite(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)


def _beside(folder: Path, model: SuiteModel) -> SuiteModel:
    """A source that is a file beside the suite gets its full path."""
    beside = folder / model.source
    # Unlike the method of a path, it takes any text: names too long, zero bytes.
    if os.path.isfile(beside):
        return msgspec.structs.replace(model, source=str(beside))
    return model
