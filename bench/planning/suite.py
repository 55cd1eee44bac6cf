"""The suite file: a TOML that says what a run measures, for keeping in a repository."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from pocketbench.bench.errors import UsageError
from pocketbench.bench.planning.input_options import AskedInput
from pocketbench.bench.records.artifact import MemoryFormat
from pocketbench.bench.records.launch import Heap
from pocketbench.bench.records.plan import RunnerChoice


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class SuiteWorkload(_Section, frozen=True, kw_only=True):
    """`[workload]`; what is absent keeps the command line's value or the default."""

    blocks: int | None = None
    """With `until_settled`, the most."""
    until_settled: bool = False
    budget: str | None = None
    """`20m`: how long the blocks may be added to."""
    warmup_iterations: int | None = None
    iterations: int | None = None
    min_duration_s: float | None = None
    threads: tuple[int, ...] | None = None
    engines: tuple[str, ...] | None = None
    """`["lite", "executorch"]`: every variant of every model on each."""
    heap: Heap | None = None
    """`"system"`: memory as the C library places it, see docs/statistics.md."""
    seed: int | None = None
    timeout_s: float | None = None
    profile: Literal["ops"] | None = None


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

    min_effect: float = 0.02
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
    workload: SuiteWorkload = SuiteWorkload()
    model: tuple[SuiteModel, ...] = ()
    devices: SuiteDevices = SuiteDevices()
    gate: SuiteGate = SuiteGate()
    check: SuiteCheck | None = None
    heat: dict[str, float] = msgspec.field(default_factory=dict)
    """`[heat]`: limits as `--heat KEY=VALUE` takes them."""
    runner: tuple[RunnerChoice, ...] = ()


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
    except msgspec.DecodeError as error:
        raise UsageError(
            str(path), str(error), "See the example suite in the README"
        ) from error
    if not suite.model:
        raise UsageError(str(path), "names no [[model]]", "Add one with its source")
    return msgspec.structs.replace(
        suite, model=tuple(_beside(path.parent, model) for model in suite.model)
    )


def _beside(folder: Path, model: SuiteModel) -> SuiteModel:
    """A source that is a file beside the suite gets its full path."""
    beside = folder / model.source
    if beside.is_file():
        return msgspec.structs.replace(model, source=str(beside))
    return model
