"""`pocketbench devices`: what can be measured on, what cannot, and why."""

from __future__ import annotations

import sys

import click

from pocketbench.bench import registry
from pocketbench.bench.errors import UsageError
from pocketbench.bench.planning.discovery import discover
from pocketbench.bench.records.device import DeviceInfo, SupportsStorage
from pocketbench.bench.records.device_kind import tagged_name
from pocketbench.bench.records.families import FAMILIES, family_of


@click.group(invoke_without_command=True)
@click.pass_context
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--simulated/--no-simulated",
    default=True,
    help="Also list the phones that can be simulated.",
)
def devices(context: click.Context, as_json: bool, simulated: bool) -> None:
    """List every device that can be seen, with its state and remedy.

    \b
    pocketbench devices
    pocketbench devices clean android:*

    A device that a run uses is listed with the run's process and since when.
    """
    if context.invoked_subcommand is not None:
        return
    families = [
        name
        for name in registry.DEVICES
        if simulated or not FAMILIES[name].starts_on_request
    ]
    selected, troubles = discover(families)
    infos = [each.info for each in selected]
    if as_json:
        import msgspec

        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(infos)) + b"\n")
    else:
        _print_table(infos)
    for trouble in troubles:
        click.echo(f"Note: {trouble}", err=True)
    if all(family_of(info).is_at_hand for info in infos):
        click.echo(
            "No phone is attached. Attach one with USB debugging on, or simulate one: "
            "pocketbench simulate pixel-8",
            err=True,
        )


def _print_table(infos: list[DeviceInfo]) -> None:
    from rich.console import Console
    from rich.table import Table

    from pocketbench.bench.units import shown

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("device", "name", "ABI", "cores", "OS", "state"):
        table.add_column(title, overflow="fold", no_wrap=title == "device")
    below = []
    for info in infos:
        system = " ".join(x for x in (info.os_name, info.os_version) if x)
        state = info.state.replace("_", " ")
        if info.remedy is not None:
            below.append(shown(f"{info.id}: {info.remedy}"))
        if info.held_by is not None:
            state += f"; in use by {info.held_by}"
        table.add_row(
            *map(
                _plain,
                (
                    info.id,
                    tagged_name(info),
                    info.abis[0] if info.abis else "",
                    str(info.core_count or ""),
                    system,
                    state,
                ),
            )
        )
    console = Console()
    console.print(table)
    for line in below:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _plain(text: str) -> str:
    from rich.markup import escape

    from pocketbench.bench.units import shown

    return escape(shown(text))


@devices.command()
@click.argument("selectors", nargs=-1, required=True, metavar="SELECTOR...")
def clean(selectors: tuple[str, ...]) -> None:
    """Remove from devices what pocketbench has pushed to them.

    A SELECTOR is as in `pocketbench run --device`. The next run pushes again what it
    needs. Runs also keep what they push below 2 GiB on each phone by themselves, the
    longest unused first, and remove more of it where a phone's storage is full.
    """
    import threading

    from pocketbench.bench.measure.prepare import make_driver
    from pocketbench.bench.planning.selection import select
    from pocketbench.bench.units import format_size

    nothing_stored = True
    for found in select(selectors, make_driver):
        with found.driver.open(found.info, cancel=threading.Event()) as device:
            if isinstance(device, SupportsStorage):
                nothing_stored = False
                click.echo(f"{found.info.id}: removed {format_size(device.clean())}")
    if nothing_stored:
        raise UsageError(
            " ".join(selectors),
            "pocketbench removes files from phones only",
            "Name one: android:*, or a line of pocketbench devices",
        )
