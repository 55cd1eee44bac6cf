"""`pocketbench doctor`: one page on this computer and everything attached to it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pocketbench.bench import registry

if TYPE_CHECKING:
    from pocketbench.bench.records.doctor_report import DoctorReport


@click.command()
@click.option(
    "-d",
    "--device",
    "devices",
    multiple=True,
    metavar="SELECTOR",
    help="Check this device, selected as in `pocketbench run`; simulated:PROFILE "
    "starts that phone. Repeatable.  [default: everything attached]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(devices: tuple[str, ...], as_json: bool) -> None:
    """Check the setup of this computer and every attached device.

    Reads over adb what can be read without root: heat, charge, storage, runners.
    Changes nothing on a device.

    \b
    pocketbench doctor
    pocketbench doctor --device simulated:pixel-8
    pocketbench doctor --json | jq '.devices[].advice'

    Exits 2 when nothing can be measured.
    """
    report = _examine(devices)
    if as_json:
        import msgspec

        text = msgspec.json.format(msgspec.json.encode(report))
        sys.stdout.buffer.write(text + b"\n")
    else:
        page = registry.load(registry.DOCTOR_PAGE, "page", "page")
        click.echo(page(report), nl=False)
    sys.exit(0 if report.can_measure else 2)


def _examine(selectors: tuple[str, ...]) -> DoctorReport:
    from pocketbench.bench.doctor.examine import examine, look_at_adb
    from pocketbench.bench.measure.prepare import make_driver
    from pocketbench.bench.planning.discovery import discover
    from pocketbench.bench.planning.selection import select
    from pocketbench.bench.records.families import FAMILIES, THIS_COMPUTER

    adb = look_at_adb()
    troubles: tuple[str, ...] = ()
    (host,) = select([THIS_COMPUTER], make_driver)
    if selectors:
        chosen = [each for each in selectors if each != THIS_COMPUTER]
        found = list(select(chosen, make_driver)) if chosen else []
    else:
        families = (x for x in registry.DEVICES if not FAMILIES[x].is_at_hand)
        found, errors = discover(families)
        troubles = tuple(str(error) for error in errors)
    return examine(host, found, adb=adb, troubles=troubles)
