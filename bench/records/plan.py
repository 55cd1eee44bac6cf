"""What is to be measured: models, variants, devices, workload; pure values."""

from __future__ import annotations

from typing import Literal

import msgspec

from pocketbench.bench.records.artifact import MemoryFormat, TensorSpec
from pocketbench.bench.records.device import ScreenWish
from pocketbench.bench.records.generation import Generation
from pocketbench.bench.records.launch import Heap
from pocketbench.bench.records.metrics import USUAL_GATE
from pocketbench.bench.records.output_check import OutputChecks
from pocketbench.bench.records.record import Count, Value
from pocketbench.bench.records.sustained import Sustained

DEFAULT_MIN_EFFECT = 0.02
"""2 %: the smallest change that matters, unless the user says otherwise."""
PhoneLibc = Literal["bionic", "glibc"]
"""Whose C library a phone's program has: Android's, or Linux's pushed along."""


class Workload(Value, frozen=True, kw_only=True):
    """How one launch runs and how many there are."""

    blocks: int = 10
    warmup_iterations: int = 10
    iterations: int = 50
    min_duration_s: float = 0.0
    """The main iterations of a launch go on until this time is reached too."""
    heap: Heap = "steady"
    seed: int = 0
    """Of the order of launches and of generated inputs."""
    timeout_s: float = 300.0
    """Of one launch, besides the time it is asked to last."""
    looks: tuple[int, ...] = ()
    """Numbers of blocks at which the data is judged, so that what is settled needs no
    more of them; the last is the most blocks. Empty: all blocks, judged once."""
    generation: Generation | None = None
    """What a launch generates instead of its iterations."""
    budget_s: float | None = None
    """How long measuring may go on from look to look; `None`: to the last look."""


class BuildOrigin(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What the user says of a ready file that is one of two builds of a model."""

    commit: str | None = None
    """Of the sources that it was built from."""
    model: str | None = None
    """What it was exported from, as a history has it."""
    variant: str | None = None
    """What of it: `float32`."""


class ModelRequest(Value, frozen=True, kw_only=True):
    """One model as the user asked for it."""

    name: str
    """What reports call it; unique in a plan."""
    source: str
    """`module:factory`, or the path of a `.pt` or `.ptl` file."""
    inputs: tuple[TensorSpec, ...] = ()
    """Empty: the source knows its own inputs."""
    memory_format: MemoryFormat | None = None
    """`channels-last`: of the images that every variant takes."""
    variants: tuple[str, ...] = ("float32", "int8-dynamic", "int8-static")
    baseline: str = "float32"
    """The variant the others are compared with."""
    origins: dict[str, tuple[str, str]] = msgspec.field(default_factory=dict)
    """Variants that are made from other sources: source, and variant of it. Two builds
    of a model are so measured in the same blocks."""
    builds: dict[str, BuildOrigin] = msgspec.field(default_factory=dict)
    """By variant, where the user said it of one of those."""

    def origin(self, variant: str) -> tuple[str, str]:
        """The source that a variant is made from, and which variant of it that is."""
        return self.origins.get(variant, (self.source, variant))

    def build(self, variant: str) -> BuildOrigin:
        """What is known of the build that a variant is."""
        return self.builds.get(variant, BuildOrigin())


class Variant(Value, frozen=True, kw_only=True):
    """What is compared with what: a build of a model and how it is run."""

    id: str
    """Short and unique among the variants of one model: `int8-static`, or
    `int8-static@4t` when a plan has several thread counts."""
    model: str
    name: str
    """`float32`, `int8-static+executorch`, ...: which artifact."""
    engine: str = "lite"
    threads: Count = 1
    delegate: str | None = None
    """`xnnpack`, `coreml`, ... or `portable` (none) for ExecuTorch, `nnapi`, ... for
    the lite interpreter; `None` where its own kernels run all."""
    kv_depth: Count | None = None
    """Tokens in the KV cache when the prompt comes; `None`: it does not generate."""
    is_baseline: bool = False


def depth_suffix(kv_depth: int | None) -> str:
    """What a variant's id ends in where a plan has several depths."""
    return f"@d{kv_depth}"


class RunnerChoice(Value, frozen=True, kw_only=True):
    """A program the user gave: `--runner NAME=PATH[@ABI]`."""

    name: str
    path: str
    abi: str | None = None
    """`None`: read from the program's ELF header."""
    options: tuple[tuple[str, str], ...] = ()
    """`--runner-option NAME.key=value`, in order; a key may come more than once.
    Which keys there are is the runner's own affair."""


class CooldownLimits(Value, frozen=True, kw_only=True, omit_defaults=True):
    """When a phone is fit for the next block, and how long that is waited for."""

    is_on: bool = True
    margin_c: float = 2.0
    """The skin must be so far below the phone's own first threshold."""
    usual_temperature_c: float = 36.0
    """Instead, where the phone states no threshold."""
    max_temperature_c: float | None = None
    """Instead of both, where the user says so."""
    spin_ms: int = 250
    """The length of a spin probe."""
    spin_ratio: float = 1.10
    """A spin probe may take so many times the session's best."""
    first_wait_s: float = 30.0
    step_s: float = 15.0
    """Every wait after the first."""
    max_wait_s: float = 600.0
    """In all, before one block."""
    redos: int = 2
    """How often a throttled block is done again."""


class Budget(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What a metric may be at most, on the configurations it is about."""

    metric: str
    at_most: float
    """In the metric's unit."""
    device: str | None = None
    """Name or id, possibly with `*`; `None`: every device, as below."""
    model: str | None = None
    variant: str | None = None


class Plan(Value, frozen=True, kw_only=True):
    """Everything a run is asked to do. Jobs are variants x devices."""

    models: tuple[ModelRequest, ...]
    variants: tuple[Variant, ...]
    device_selectors: tuple[str, ...]
    workload: Workload
    runners: tuple[RunnerChoice, ...] = ()
    min_effect: float = DEFAULT_MIN_EFFECT
    """The smallest change that matters, as a proportion."""
    gate_on: tuple[str, ...] = USUAL_GATE
    """Names of the metrics that get verdicts, one family together."""
    self_check: bool = False
    """Whether each model's baseline is compared with itself, to see what can be
    resolved."""
    allow_mismatch: bool = msgspec.field(name="anyway", default=False)
    """Whether what was measured under unlike conditions gets verdicts too."""
    sustained: Sustained | None = None
    """Instead of blocks: one process of each variant that runs on for so long."""
    cooldown: CooldownLimits = msgspec.field(
        name="gate", default_factory=CooldownLimits
    )
    """`gate` in stored plans: the name it had first."""
    quiesce: bool = msgspec.field(name="quiet", default=True)
    """Whether a phone's settings that disturb are changed until the end."""
    screen: ScreenWish = "on"
    """Of phones, while they are measured; where settings are left, that is too."""
    cores: str | None = None
    """The phone's cores to run on: `big`, `mid`, `little`, or a list such as `4-7`;
    `None`: wherever its scheduler puts the program."""
    spread: bool = False
    """Whether each model is measured on one phone of each kind, not on all of them."""
    profile: Literal["ops"] | None = None
    """`ops`: each variant is launched once more to observe its operators."""
    libc: PhoneLibc | None = None
    """Of the phones' programs; `None`: Android's where there is such a program."""
    outputs: OutputChecks | None = None
    """What is asked of the devices' answers; `None`: they are not looked at."""
    budgets: tuple[Budget, ...] = ()
    """What metrics may be at most, each with a verdict of its own."""
    origin: str = "command line"
    """`command line` or the path of the suite file."""

    def variants_of(self, model: str) -> tuple[Variant, ...]:
        """The variants of one model, in the order they were asked for."""
        return tuple(v for v in self.variants if v.model == model)
