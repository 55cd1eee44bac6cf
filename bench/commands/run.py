"""`pocketbench run`: the main job, from a model to a report."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.shell_completion import CompletionItem
from msgspec.structs import asdict, replace

from pocketbench.bench import registry
from pocketbench.bench.commands import options as shared
from pocketbench.bench.commands.typed_command import AliasedOption, OptionsCommand
from pocketbench.bench.planning.run_options import RunOptions
from pocketbench.bench.records.plan import DEFAULT_MIN_EFFECT


def _complete_models(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from pocketbench.bench.planning.zoo_names import ZOO

    names = [CompletionItem(n) for n in ZOO if n.startswith(incomplete)]
    return [*names, CompletionItem(incomplete, type="file")]


def _complete_devices(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from pocketbench.bench.errors import PocketbenchError
    from pocketbench.bench.records.families import FAMILIES, PHONES, THIS_COMPUTER

    found = [THIS_COMPUTER, f"{PHONES}:*"]
    for family, traits in FAMILIES.items():
        if not (traits.can_examine and not traits.is_this_computer):
            continue
        try:
            driver = registry.load(registry.DEVICES, "device family", family)()
            found += [info.id for info in driver.discover()]
        except PocketbenchError:
            continue
    return [CompletionItem(x) for x in found if x.startswith(incomplete)]


def _one_choice(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> str | None:
    """Refuse what a run has one of, given twice, instead of taking the last."""
    if len(given) > 1:
        from pocketbench.bench.errors import UsageError

        raise UsageError(
            " ".join(f"{param.opts[0]} {value}" for value in given),
            "a run measures on one choice of cores",
            "Measure each in a run of its own and compare them",
        )
    return given[0] if given else None


@click.command(cls=OptionsCommand, options=RunOptions)
@click.argument("models", nargs=-1, metavar="MODEL...", shell_complete=_complete_models)
@click.option(
    "-d",
    "--device",
    "devices",
    multiple=True,
    metavar="SELECTOR",
    shell_complete=_complete_devices,
    help="Measure on this device: host, android:*, android:SERIAL, "
    "'android:model=Pixel 8', android@HOST:PORT:*, simulated:PROFILE, or @GROUP of the "
    "project file. Repeatable.  "
    "[default: host and every attached phone]",
)
@click.option(
    "--wait",
    metavar="TIME",
    help="Wait this long for a device that another run uses: 10m. Those that wait "
    "take turns in order of arrival.  [default: do not wait]",
)
@click.option(
    "--spread",
    is_flag=True,
    help="Measure each model on one phone of each kind: phones of the same model "
    "share the MODELs, and take over from one that fails.  [default: every phone "
    "measures all]",
)
@click.option(
    "--pushes-per-hub",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Push to at most so many phones on one USB hub at once.",
)
@click.option(
    "--lab",
    metavar="ADDRESS",
    help="Measure on the phones of a lab: tcp://HOST:8786, tls://HOST:8786, "
    "'stf:model=Pixel 8' of DeviceFarmer, or jumpstarter:LABELS; see docs/labs.md.  "
    "[default: devices of this computer]",
)
@click.option(
    "--variant",
    "variants",
    multiple=True,
    help="Build this variant: float32, int8-dynamic, int8-static, float16, "
    "channels-last, pruned-0.5. Repeatable.  [default: the first three]",
)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="ENGINE",
    help="Run on this engine: lite, executorch, executorch-portable, lite-nnapi, "
    "executorch-coreml, ... (docs/models.md). Repeatable: every variant is measured "
    "on each. auto: executorch where every device and variant can be measured on it, "
    "else lite.  [default: lite]",
)
@click.option(
    "--baseline",
    help="Compare the others with this variant; with --candidate, with this file.  "
    "[default: float32]",
)
@click.option(
    "--candidate",
    "candidates",
    multiple=True,
    metavar="FILE",
    help="Measure another build of the --baseline FILE in the same blocks. Repeatable.",
)
@click.option(
    "--build-of",
    metavar="MODEL:VARIANT",
    help="Show the history of this model and variant beside the --candidate FILE.",
)
@click.option(
    "--baseline-commit",
    metavar="COMMIT",
    help="Report this commit as the one that the --baseline FILE was built from.",
)
@click.option(
    "--candidate-commit",
    "candidate_commits",
    multiple=True,
    metavar="COMMIT",
    help="Report this commit for the --candidate FILE. Repeatable, in their order.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SHAPE[:DTYPE]",
    help="Shape and type of one input: 1x3x224x224 or 1x16:int64. Repeat for each "
    "input; 1x16,64:int64 measures both lengths.  [default: the model's example]",
)
@click.option(
    "--memory-format",
    type=click.Choice(["contiguous", "channels-last"]),
    help="Memory layout of image inputs, for every variant.  [default: contiguous]",
)
@click.option(
    "--threads",
    type=int,
    multiple=True,
    help="Threads of each launch. Repeatable.  [default: 1]",
)
@click.option(
    "--blocks",
    type=int,
    help="Launches of each variant; with --until-settled the most.  [default: 10; 20]",
)
@click.option(
    "--until-settled",
    is_flag=True,
    default=None,
    help="Judge after 6, 8, 10, 14 ... blocks and continue only inconclusive "
    "comparisons.",
)
@click.option(
    "--budget",
    metavar="TIME",
    help="Stop --until-settled after this time: 20m, 1h30m.  [default: no limit]",
)
@click.option(
    "--iterations", type=int, help="Timed iterations per launch.  [default: 50]"
)
@click.option(
    "--min-duration",
    metavar="TIME",
    help="Continue each launch at least this long: 2s, 1m.  [default: no minimum]",
)
@click.option(
    "--sustained",
    metavar="TIME",
    help="Instead of blocks, run one process of each variant this long (10m) and show "
    "latency, clocks and temperature over time. Gives no verdicts.",
)
@click.option(
    "--sample-every",
    metavar="TIME",
    help="Read the device this often during --sustained.  [default: 5s]",
)
@click.option(
    "--warmup",
    "warmup_iterations",
    type=int,
    help="Warm-up iterations per launch.  [default: 10]",
)
@click.option(
    "--self-check",
    is_flag=True,
    help="Compare each model's baseline with itself, to see the smallest change each "
    "device can resolve.",
)
@click.option(
    "--heap",
    type=click.Choice(["steady", "system"]),
    help="Heap of the lite runner on Linux: steady keeps freed memory and scatters "
    "tensors, so that placement favours no build; system does not.  [default: steady]",
)
@click.option(
    "--seed", type=int, help="Seed of launch order, weights and inputs.  [default: 0]"
)
@click.option(
    "--timeout",
    "timeout_s",
    type=float,
    help="End a launch after this many seconds.  [default: 300]",
)
@click.option(
    "--quick", is_flag=True, help="Take rough numbers: 3 blocks of 10 iterations."
)
@click.option(
    "--runner",
    "runners",
    multiple=True,
    metavar="NAME=PATH[@ABI]",
    help="Measure with this program: speed_benchmark_torch=PATH. Repeat for each ABI.",
)
@click.option(
    "--runner-option",
    "runner_options",
    multiple=True,
    metavar="NAME.KEY=VALUE",
    help="Pass an option to such a program. Repeatable.",
)
@click.option(
    "--libc",
    type=click.Choice(["bionic", "glibc"]),
    help="Run our programs of this C library on phones: bionic (built with the "
    "NDK) or glibc (the runtime's Linux build with its own C library).  "
    "[default: bionic if there is one]",
)
@click.option(
    "--profile",
    type=click.Choice(["ops"]),
    help="Launch each variant again, untimed, to profile its operators.",
)
@click.option(
    "--check",
    multiple=True,
    metavar="outputs",
    help="Compare each device's outputs with the float32 model's, in untimed launches.",
)
@click.option(
    "--min-sqnr-db",
    type=float,
    help="Exit 1 if an output's signal-to-noise ratio is lower.  [default: no limit]",
)
@click.option(
    "--min-top1-agreement",
    type=float,
    help="Exit 1 if fewer outputs agree on the best class: 0.99.  [default: no limit]",
)
@click.option(
    "--min-accuracy",
    type=float,
    help="Exit 1 if accuracy on held-back inputs is lower: 0.95.  [default: no limit]",
)
@click.option(
    "--cores",
    multiple=True,
    callback=_one_choice,
    metavar="CORES",
    help="Which phone cores to use: big, mid, little, all, or a list such as 4-7.  "
    "[default: the scheduler's choice]",
)
@click.option(
    "--quiesce/--leave-settings",
    default=True,
    show_default=True,
    help="Keep phones awake, animations off and performance fixed during the run.",
)
@click.option(
    "--screen",
    type=click.Choice(["on", "off", "leave"]),
    default="on",
    show_default=True,
    help="Keep phone screens on, off, or as they are during the run.",
)
@click.option(
    "--cooldown/--no-cooldown",
    cls=AliasedOption,
    aliases=("--gate/--no-gate",),
    default=True,
    show_default=True,
    help="Wait until a phone is cool before each block; repeat throttled blocks.",
)
@click.option(
    "--max-temperature-c",
    type=float,
    help="Highest skin temperature of a phone before a block.  [default: 2 C below the "
    "phone's first threshold, or 36 C]",
)
@click.option(
    "--cooldown-limit",
    "cooldown_limits",
    cls=AliasedOption,
    aliases=("--heat",),
    multiple=True,
    metavar="KEY=VALUE",
    help="Set another cooldown limit: margin_c=2, spin_ms=250, spin_ratio=1.1, "
    "first_wait_s=30, step_s=15, max_wait_s=600, redos=2. Repeatable.",
)
@shared.min_effect(f"{DEFAULT_MIN_EFFECT:g}")
@shared.gate_on("latency")
@shared.allow_mismatch()
@shared.fail_on()
@shared.runs_folder()
@click.option(
    "--report",
    "--format",
    "reports",
    multiple=True,
    help="Write this report besides the HTML: markdown, json, csv, junit, svg, png, "
    "annotations, benchmark-action. Repeatable.",
)
@click.option(
    "--resume", metavar="RUN", help="Continue a stopped run: a folder, an id, or last."
)
@click.option(
    "--trust",
    is_flag=True,
    help="Resume a run that somebody else started: import and start what it names.",
)
@shared.verdicts_as_json()
@shared.details()
def run(options: RunOptions) -> None:
    """Measure MODELs on devices, store every sample, and report.

    A MODEL is a name of the zoo (mobilenet_v2, resnet18, text_encoder, digits), a
    MODULE:FACTORY, a Python file, a TorchScript .pt file, a ready .ptl file, or a
    suite .toml file.

    \b
    pocketbench run mobilenet_v2 --device host --device 'android:*'
    pocketbench run my_nets:small --input 1x3x64x64 --device simulated:pixel-8
    pocketbench run suite.toml --fail-on slower-than-baseline
    pocketbench run --baseline main.ptl --candidate branch.ptl
    pocketbench run mobilenet_v2 --variant float32 --self-check
    pocketbench run suite.toml --until-settled --budget 20m
    pocketbench run --resume last
    """
    from pocketbench.bench.commands.run_flow import run_main_job

    if options.resume is not None:
        from pocketbench.bench.commands.resume_options import refuse_others

        refuse_others(click.get_current_context())
    sys.exit(run_main_job(under_suite(options)))


def under_suite(options: RunOptions) -> RunOptions:
    """Let a suite file win over the project's defaults, though not over options."""
    context = click.get_current_context()
    source = click.core.ParameterSource.DEFAULT_MAP
    mapped = [x for x in context.params if context.get_parameter_source(x) is source]
    suites = [model for model in options.models if model.endswith(".toml")]
    if not (mapped and suites):
        return options
    from pocketbench.bench.planning.suite import read_suite

    usual = RunOptions()
    before, after = asdict(usual), asdict(read_suite(Path(suites[0])).under(usual))
    set_by_suite = {x for x, value in before.items() if after[x] != value}
    return replace(options, **{x: before[x] for x in set_by_suite.intersection(mapped)})
