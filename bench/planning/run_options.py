"""What `pocketbench run` was asked, by command line, suite file or Python."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pocketbench.bench.records.artifact import MemoryFormat
from pocketbench.bench.records.device import ScreenWish
from pocketbench.bench.records.launch import Heap
from pocketbench.bench.records.plan import PhoneLibc
from pocketbench.bench.records.record import Value

_T = TypeVar("_T")
FailOn = Literal[
    "slower-than-baseline", "regression", "budget", "inconclusive", "never"
]
"""Within one run `regression` is an older name of `slower-than-baseline`."""


class WorkloadOptions(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How each model is launched: options of `run`, and `[workload]` of a suite.

    `None` is not given: the suite's value holds, then the default of `Workload`.
    """

    blocks: int | None = None
    """With `until_settled`, the most."""
    until_settled: bool | None = None
    budget: str | None = None
    """`20m`: how long blocks may be added."""
    warmup_iterations: int | None = None
    iterations: int | None = None
    min_duration_s: float | None = None
    threads: tuple[int, ...] | None = None
    engines: tuple[str, ...] | None = None
    """`("lite", "executorch")`: every variant of every model on each."""
    kind: Literal["generate"] | None = None
    """What one launch does; `None`: forward calls, one after the other."""
    prompt_tokens: int | None = None
    new_tokens: int | None = None
    kv_depths: tuple[int, ...] | None = None
    """`(0, 1024)`: tokens in the KV cache when the prompt comes."""
    warmup_generations: int | None = None
    prompt_ids: str | None = None
    """`"1,15043,29892"`, or a file of such numbers."""
    perplexity: str | None = None
    """The same: tokens that the models are to find likely."""
    heap: Heap | None = None
    """`system`: memory as the C library places it, see docs/statistics.md."""
    seed: int | None = None
    timeout_s: float | None = None
    profile: Literal["ops"] | None = None


class RunOptions(WorkloadOptions, frozen=True, kw_only=True):
    """Everything that `pocketbench run` takes, under the names of its options.

    Sizes, times and shapes are written as on the command line (`"10m"`, `"1x3x64x64"`).
    """

    models: tuple[str, ...] = ()
    """Names of the zoo, `module:factory`, model files, or one suite file."""
    devices: tuple[str, ...] = ()
    """Selectors: `host`, `android:*`, `simulated:pixel-8`. None: host and phones."""
    wait: str | None = None
    """`10m`: how long a device that another run uses is waited for."""
    spread: bool = False
    pushes_per_hub: int = 2
    variants: tuple[str, ...] = ()
    baseline: str | None = None
    candidates: tuple[str, ...] = ()
    build_of: str | None = None
    """`net:float32`: the model and variant that baseline and candidate are builds of;
    the history of these is theirs."""
    baseline_commit: str | None = None
    candidate_commits: tuple[str, ...] = ()
    """One for each candidate."""
    inputs: tuple[str, ...] = ()
    """`1x3x224x224`, `1x16,64:int64`: one for each input of the model."""
    memory_format: MemoryFormat | None = None
    self_check: bool = False
    min_duration: str | None = None
    sustained: str | None = None
    sample_every: str | None = None
    quick: bool = False
    runners: tuple[str, ...] = ()
    """`NAME=PATH[@ABI]`."""
    runner_options: tuple[str, ...] = ()
    """`NAME.KEY=VALUE`."""
    libc: PhoneLibc | None = None
    check: tuple[str, ...] = ()
    min_sqnr_db: float | None = None
    min_top1_agreement: float | None = None
    min_accuracy: float | None = None
    cores: str | None = None
    quiesce: bool = True
    screen: ScreenWish = "on"
    cooldown: bool = True
    cooldown_limits: tuple[str, ...] = ()
    """`KEY=VALUE`."""
    max_temperature_c: float | None = None
    gate_on: tuple[str, ...] = ()
    min_effect: float | None = None
    allow_mismatch: bool = False
    fail_on: FailOn = "never"
    reports: tuple[str, ...] = ()
    as_json: bool = False
    details: bool = False
    runs_folder: Path = Path("runs")
    lab: str | None = None
    """`tcp://HOST:8786`: where other hosts' phones are."""
    resume: str | None = None
    trust: bool = False


def given(value: _T | None, usual: _T) -> _T:
    """What was asked for, or what is usual."""
    return usual if value is None else value
