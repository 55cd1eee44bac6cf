"""`pocketbench lab`: phones of several computers as one lab."""

from __future__ import annotations

import asyncio
import os
import platform
import sys

import click

from pocketbench.bench import registry
from pocketbench.bench.commands.open_lab import load_lab


@click.group()
def lab() -> None:
    """Join the phones of several computers into one lab.

    Needs `pip install 'pocketbench[lab]'` on each. docs/labs.md has TLS, and what
    happens when a computer goes away.

    \b
    dask scheduler --port 8786                        # on one computer
    pocketbench lab worker tcp://labhost:8786         # on each that has phones
    pocketbench lab status tcp://labhost:8786
    pocketbench run mobilenet_v2 --lab tcp://labhost:8786
    """


@lab.command()
@click.argument("scheduler")
@click.option(
    "--name",
    help="Name this computer in the lab and in reports.  [default: its host name and "
    "the process id]",
)
def worker(scheduler: str, name: str | None) -> None:
    """Offer this computer's phones to a lab until it is stopped.

    SCHEDULER is the address that `dask scheduler` prints: tcp://HOST:8786. Phones of
    the adb server of this computer count, as `adb devices` lists them when a run asks.
    """
    serve = load_lab(registry.LAB, "serve", "pocketbench lab")
    name = name or f"{platform.node()}-{os.getpid()}"
    asyncio.run(serve(scheduler, name=name, say=click.echo))


@lab.command()
@click.argument("scheduler")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(scheduler: str, as_json: bool) -> None:
    """List the phones of a lab, where they are, and what measures on them."""
    connect = load_lab(registry.LAB, "connect", "pocketbench lab")
    from pocketbench.bench.lab.part import part_of

    with connect(scheduler) as connected:
        busy = connected.busy()
        rows = [
            {
                "id": phone.id,
                "name": phone.info.name,
                "model": phone.info.model,
                "serial_hash": phone.info.serial_hash,
                "is_simulated": phone.info.is_simulated,
                "host": phone.host,
                "worker": phone.worker,
                "part": part_of(phone.info, busy.get(phone.worker, ())),
            }
            for phone in connected.phones()
        ]
    if as_json:
        import msgspec

        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from pocketbench.bench.units import shown

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("device", "name", "host", "measures"):
        table.add_column(title, overflow="fold", no_wrap=title == "device")
    for row in rows:
        name = f"{row['name']} (simulated)" if row["is_simulated"] else row["name"]
        cells = (row["id"], name, row["host"], row["part"] or "nothing")
        table.add_row(*(escape(shown(str(cell))) for cell in cells))
    Console().print(table)
    if not rows:
        click.echo("No worker of the lab has a phone that is ready.", err=True)
