"""`pocketbench devices`: what can be measured on, what cannot, and why."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import click

from bench import registry
from bench.device import DeviceInfo
from bench.errors import PocketbenchError, ToolMissingError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, complete.")
@click.option(
    "--simulated/--no-simulated",
    default=True,
    help="Also list the phones that can be simulated.",
)
def devices(as_json: bool, simulated: bool) -> None:
    """List every device that can be seen, with its state and remedy."""
    infos, troubles = _discover(simulated)
    if as_json:
        import msgspec

        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(infos)) + b"\n")
    else:
        _print_table(infos)
    for trouble in troubles:
        click.echo(f"Note: {trouble}", err=True)
    if not any(info.family not in ("host", "simulated") for info in infos):
        click.echo(
            "No phone is attached. Attach one with USB debugging on, or simulate one: "
            "pocketbench simulate pixel-8",
            err=True,
        )


def _discover(simulated: bool) -> tuple[list[DeviceInfo], list[PocketbenchError]]:
    families = [x for x in registry.DEVICES if simulated or x != "simulated"]
    # Side by side: devicectl alone takes seconds to look around.
    with ThreadPoolExecutor(max_workers=len(families)) as pool:
        answers = list(pool.map(_discover_family, families))
    infos: list[DeviceInfo] = []
    troubles: list[PocketbenchError] = []
    for family, answer in zip(families, answers, strict=True):
        if not isinstance(answer, PocketbenchError):
            infos += answer
        elif not _is_expected(family, answer):
            troubles.append(answer)
    return infos, troubles


def _discover_family(family: str) -> Sequence[DeviceInfo] | PocketbenchError:
    try:
        driver = registry.load(registry.DEVICES, "device family", family)()
        found: Sequence[DeviceInfo] = driver.discover()
        return found
    except PocketbenchError as error:
        return error


def _is_expected(family: str, error: PocketbenchError) -> bool:
    """Apple's tools are absent on nearly every computer that is no Mac."""
    is_absent = isinstance(error, ToolMissingError)
    return family.startswith("ios") and is_absent and sys.platform != "darwin"


def _print_table(infos: list[DeviceInfo]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("device", "name", "ABI", "cores", "OS", "state"):
        table.add_column(title, overflow="fold")
    for info in infos:
        name = info.name
        for tag, is_it in (
            ("simulated", info.is_simulated),
            ("emulated", info.is_emulated),
            ("replayed", info.is_replayed),
        ):
            name += f" [{tag}]" if is_it else ""
        system = " ".join(x for x in (info.os_name, info.os_version) if x)
        state = info.state.replace("_", " ")
        if info.remedy is not None:
            state += f": {info.remedy}"
        table.add_row(
            *map(
                _plain,
                (
                    info.id,
                    name,
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

    return escape(text)
