"""`pocketbench run`: the main job, from a model to a report."""

from __future__ import annotations

import sys

import click
from click.shell_completion import CompletionItem

from pocketbench.bench import registry
from pocketbench.bench.commands import options


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

    found = ["host", "android:*"]
    for family in ("android", "simulated"):
        try:
            driver = registry.load(registry.DEVICES, "device family", family)()
            found += [info.id for info in driver.discover()]
        except PocketbenchError:
            continue
    return [CompletionItem(x) for x in found if x.startswith(incomplete)]


@click.command()
@click.argument("models", nargs=-1, metavar="MODEL...", shell_complete=_complete_models)
@click.option(
    "-d",
    "--device",
    "devices",
    multiple=True,
    metavar="SELECTOR",
    shell_complete=_complete_devices,
    help="host, android:*, android:SERIAL, 'android:model=Pixel 8', "
    "android@HOST:PORT:*, simulated:PROFILE. May be given again. "
    "Default: host and every phone that is attached.",
)
@click.option(
    "--variant",
    "variants",
    multiple=True,
    help="float32, int8-dynamic, int8-static; float16, channels-last, pruned-0.5. "
    "May be given again. Default: the first three.",
)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="ENGINE",
    help="lite, executorch, executorch-portable; lite-nnapi, executorch-coreml, ... "
    "(docs/models.md). May be given again: every variant is measured on each.  "
    "[default: lite]",
)
@click.option(
    "--baseline",
    help="The variant the others are compared with; with --candidate, a model file.",
)
@click.option(
    "--candidate",
    "candidates",
    multiple=True,
    metavar="FILE",
    help="Another build of the --baseline FILE, measured in the same blocks. "
    "May be given again.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SHAPE[:DTYPE]",
    help="1x3x224x224 or 1x16:int64, once for each input of the model. 1x16,64:int64 "
    "measures it in both lengths.",
)
@click.option(
    "--memory-format",
    type=click.Choice(["contiguous", "channels-last"]),
    help="Of the images that every variant takes.  [default: contiguous]",
)
@click.option("--threads", type=int, multiple=True, help="May be given again.")
@click.option(
    "--blocks",
    type=int,
    help="Launches of each variant; with --until-settled the most.  [default: 10; 20]",
)
@click.option(
    "--until-settled",
    is_flag=True,
    help="Look at 6, 8, 10, 14 ... blocks and go on only with what is inconclusive.",
)
@click.option(
    "--budget",
    metavar="TIME",
    help="Of --until-settled: 20m, 1h30m.  [default: to the most blocks]",
)
@click.option("--iterations", type=int, help="Timed, in a launch.  [default: 50]")
@click.option(
    "--min-duration",
    metavar="TIME",
    help="A launch's timed iterations go on until this time is reached too: 2s, 1m.",
)
@click.option(
    "--sustained",
    metavar="TIME",
    help="Instead of blocks: one process of each variant runs on for so long (10m) and "
    "the report shows latency, clocks and temperature over time. No verdicts.",
)
@click.option(
    "--sample-every",
    metavar="TIME",
    help="How often the device is looked at meanwhile.  [default: 5s]",
)
@click.option(
    "--warmup",
    "warmup_iterations",
    type=int,
    help="Iterations before them.  [default: 10]",
)
@click.option(
    "--self-check",
    is_flag=True,
    help="Compare each model's baseline with itself: what can each device resolve?",
)
@click.option(
    "--heap",
    type=click.Choice(["steady", "system"]),
    help="Of our lite runner on Linux: steady keeps freed memory and scatters tensors, "
    "so that no build is favoured by where they happen to lie.  [default: steady]",
)
@click.option("--seed", type=int, help="Of launch order, weights and inputs.")
@click.option("--timeout", "timeout_s", type=float, help="Of one launch, in seconds.")
@click.option("--quick", is_flag=True, help="A first look: 3 blocks of 10 iterations.")
@click.option(
    "--runner",
    "runners",
    multiple=True,
    metavar="NAME=PATH[@ABI]",
    help="Measure with a program you have: speed_benchmark_torch=PATH, "
    "once for each ABI.",
)
@click.option(
    "--runner-option",
    "runner_options",
    multiple=True,
    metavar="NAME.KEY=VALUE",
    help="An option of such a program.",
)
@click.option(
    "--libc",
    type=click.Choice(["bionic", "glibc"]),
    help="Which of our programs phones run: bionic, built with the NDK, or glibc, the "
    "runtime's Linux build with its own C library.  [default: bionic where there is "
    "one]",
)
@click.option(
    "--profile",
    type=click.Choice(["ops"]),
    help="Launch each variant once more, untimed, and tell what its operators take.",
)
@click.option(
    "--check",
    multiple=True,
    metavar="outputs",
    help="Compare what each device answers with the float32 model, in launches that "
    "are not timed.",
)
@click.option(
    "--min-sqnr-db",
    type=float,
    help="Exit 1 when an answer's signal-to-noise ratio is below this.",
)
@click.option(
    "--min-top1-agreement",
    type=float,
    help="Exit 1 when fewer answers have the reference's best class: 0.99.",
)
@click.option(
    "--min-accuracy",
    type=float,
    help="Exit 1 when fewer held-back inputs are answered rightly: 0.95.",
)
@click.option(
    "--cores",
    metavar="CORES",
    help="Of phones: big, mid, little, all, or a list such as 4-7.  [default: "
    "wherever the phone's scheduler puts the program]",
)
@click.option(
    "--quiesce/--leave-settings",
    "quiet",
    default=True,
    show_default=True,
    help="Keep phones awake, their animations off and their performance fixed until "
    "the end.",
)
@click.option(
    "--screen",
    type=click.Choice(["on", "off", "leave"]),
    default="on",
    show_default=True,
    help="Of phones until the end: awake, asleep, or as it is.",
)
@click.option(
    "--gate/--no-gate",
    default=True,
    show_default=True,
    help="Wait until a phone is cool before each block; redo throttled blocks.",
)
@click.option(
    "--max-temperature-c",
    type=float,
    help="Of a phone's skin before a block.  [default: 2 C below the phone's own "
    "first threshold, or 36 C]",
)
@click.option(
    "--heat",
    multiple=True,
    metavar="KEY=VALUE",
    help="Other limits: margin_c=2, spin_ms=250, spin_ratio=1.1, first_wait_s=30, "
    "step_s=15, max_wait_s=600, redos=2.",
)
@options.min_effect("0.02")
@options.gate_on("latency")
@options.anyway()
@options.fail_on()
@options.runs_folder()
@click.option(
    "--report",
    "--format",
    "reports",
    multiple=True,
    help="Reports to write besides the HTML: markdown, json, csv, junit, svg, png, "
    "annotations, benchmark-action. May be given again.",
)
@click.option("--resume", metavar="RUN", help="Do what a stopped run is missing.")
@options.verdicts_as_json()
def run(**given: object) -> None:
    """Measure MODELs on devices, store every sample, and report.

    A MODEL is a name of the zoo (mobilenet_v2, resnet18, text_encoder, digits), a
    MODULE:FACTORY, a TorchScript .pt file, a ready .ptl file, or a suite .toml file.

    \b
    pocketbench run mobilenet_v2 --device host --device 'android:*'
    pocketbench run my_nets:small --input 1x3x64x64 --device simulated:pixel-8
    pocketbench run suite.toml --fail-on regression
    pocketbench run --baseline main.ptl --candidate branch.ptl --fail-on regression
    pocketbench run mobilenet_v2 --variant float32 --self-check
    pocketbench run suite.toml --until-settled --budget 20m
    pocketbench run --resume last
    """
    from pocketbench.bench.commands.run_flow import run_main_job

    sys.exit(run_main_job(**given))  # type: ignore[arg-type]
