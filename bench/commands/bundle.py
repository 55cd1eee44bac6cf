"""`pocketbench bundle`: a plan for phones that no computer reaches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from pocketbench.bench.commands.run import run, under_suite
from pocketbench.bench.commands.typed_command import OptionsCommand
from pocketbench.bench.planning.run_options import RunOptions

if TYPE_CHECKING:
    from pocketbench.bench.records.plan import Plan

_OF_A_HOST = frozenset(
    {
        *("devices", "lab", "wait", "spread", "pushes_per_hub"),
        *("until_settled", "budget", "sustained", "sample_every"),
        *("profile", "check", "min_sqnr_db", "min_top1_agreement", "min_accuracy"),
        *("cores", "quiesce", "screen", "fail_on", "runs_folder", "reports"),
        *("resume", "trust", "as_json", "details"),
    }
)
"""Options of `run` that take a computer beside the phone, or a report."""


class BundleOptions(RunOptions, frozen=True, kw_only=True):
    """What `pocketbench bundle` takes."""

    abi: str = "arm64-v8a"
    output: Path = Path("bundle.tar")


@click.command(cls=OptionsCommand, options=BundleOptions)
@click.option(
    "--abi",
    default="arm64-v8a",
    show_default=True,
    help="Take programs for phones of this ABI.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bundle.tar"),
    show_default=True,
    help="Write the archive here.",
)
def bundle(options: BundleOptions) -> None:
    """Write an archive with which a phone measures MODELs alone.

    For device farms that only let you upload a file and run it. On the phone, in a
    folder where programs may run:

    \b
    tar xf bundle.tar && sh pocketbench-bundle/run.sh
    # then pull pocketbench-bundle/results.jsonl, and:
    pocketbench ingest results.jsonl

    The script runs the blocks in the same balanced order as `pocketbench run`, waits
    until the phone is cool before each, and reads its conditions around every launch.
    docs/labs.md says what it leaves out.
    """
    from pocketbench.bench.commands.run_flow import first_record
    from pocketbench.bench.measure.bundle import write_bundle
    from pocketbench.bench.measure.generation_check import (
        check_decoders,
        check_generators,
    )
    from pocketbench.bench.measure.prepare import (
        equip,
        export_all,
        formats_of,
        make_driver,
        make_runners,
    )
    from pocketbench.bench.planning.make_plan import make_plan
    from pocketbench.bench.planning.selection import SelectedDevice, parse_selector
    from pocketbench.bench.records.device import DeviceInfo
    from pocketbench.bench.records.families import PHONES
    from pocketbench.bench.records.run import RunStarted
    from pocketbench.bench.units import format_size, shown

    def say(text: str) -> None:
        click.echo(shown(text), err=True)

    plan = make_plan(under_suite(options))
    _check_possible(plan)
    plan = replace(plan, device_selectors=(), quiesce=False, screen="leave")
    info = DeviceInfo(
        id=f"{PHONES}:{options.abi}",
        family=PHONES,
        name=f"a phone of {options.abi}",
        abis=(options.abi,),
        libc="bionic",
    )
    selected = SelectedDevice(make_driver(parse_selector(PHONES)), info)
    runners = make_runners(plan.runners, say, plan.libc)
    (prepared,) = equip([selected], runners, formats_of(plan))
    check_generators(plan, (binding.runner for binding in prepared.bindings))
    artifacts, errors = export_all(plan, say)
    for error in errors.values():
        raise error
    check_decoders(plan, artifacts)
    started = first_record(plan, options.output, resumed=False)
    assert isinstance(started, RunStarted)
    size_bytes = write_bundle(options.output, started, prepared, artifacts)
    launches = plan.workload.blocks * len(plan.variants)
    click.echo(
        f"{options.output}: {format_size(size_bytes)}, {launches} launches for "
        f"{options.abi}"
    )


def _check_possible(plan: Plan) -> None:
    """Refuse what a suite may ask for and no script can do.

    Raises:
        UsageError: Names it.
    """
    from pocketbench.bench.errors import UsageError

    for asked, name in (
        (plan.workload.looks, "until_settled"),
        (plan.profile, "profile"),
        (plan.outputs, "check"),
        (plan.sustained, "sustained"),
        (plan.cores, "cores"),
    ):
        if asked:
            raise UsageError(
                f"{name}, which {plan.origin} asks for,",
                "needs a computer beside the phone",
                "Leave it out, or measure with `pocketbench run`",
            )


bundle.params[:0] = [p for p in run.params if p.name not in _OF_A_HOST]
