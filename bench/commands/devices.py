"""`pocketbench devices`: what can be measured on, what cannot, and why."""

from __future__ import annotations

import sys

import click

from pocketbench.bench import registry
from pocketbench.bench.planning.discovery import discover
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.device_kind import tagged_name
from pocketbench.bench.records.families import FAMILIES, family_of


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--simulated/--no-simulated",
    default=True,
    help="Also list the phones that can be simulated.",
)
def devices(as_json: bool, simulated: bool) -> None:
    """List every device that can be seen, with its state and remedy."""
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

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("device", "name", "ABI", "cores", "OS", "state"):
        table.add_column(title, overflow="fold", no_wrap=title == "device")
    for info in infos:
        system = " ".join(x for x in (info.os_name, info.os_version) if x)
        state = info.state.replace("_", " ")
        if info.remedy is not None:
            state += f": {info.remedy}"
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
    Console().print(table)


def _plain(text: str) -> str:
    from rich.markup import escape

    from pocketbench.bench.units import shown

    return escape(shown(text))
