"""`pocketbench simulate`: phones without phones."""

from __future__ import annotations

from pathlib import Path

import click

from pocketbench.bench import registry
from pocketbench.bench.commands.typed_command import AliasedOption


@click.command()
@click.argument("profiles", metavar="PROFILE...", nargs=-1)
@click.option(
    "--name",
    help="Keep the phone's file system under this name.  [default: the profile's]",
)
@click.option(
    "--thermal-model",
    "heat",
    cls=AliasedOption,
    aliases=("--heat",),
    multiple=True,
    metavar="KEY=VALUE",
    help="Heat it up as it works, cap its clocks and slow its programs down: "
    "iteration_ms=20 (required: of what you will measure), slowdown=2, "
    "warming_c_per_s=2, cooling_c_per_s=1, throttle_at_c=12, recover_at_c=4, "
    "reports_status=false (it only caps), caps_clocks=false. Repeatable.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="PATH=VALUE",
    help="Override a value of its profile. Repeatable.",
)
@click.option(
    "--root",
    type=click.Choice(["android", "host"]),
    help="Give the phone this root: android (only Android's folders, so programs must "
    "bring their libraries) or host (with this computer's C library).  "
    "[default: android]",
)
@click.option(
    "--system-image",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Use this copy of a phone's /system (bin/linker64, lib64/*.so), and with it "
    "Android's own C library.",
)
@click.option("--list", "list_only", is_flag=True, help="List the profiles.")
@click.option(
    "--check",
    is_flag=True,
    help="Only check whether this computer can run simulated phones.",
)
def simulate(
    profiles: tuple[str, ...],
    name: str | None,
    heat: tuple[str, ...],
    changes: tuple[str, ...],
    root: str | None,
    system_image: Path | None,
    list_only: bool,
    check: bool,
) -> None:
    """Run simulated phones that the real adb talks to, until Ctrl-C.

    \b
    pocketbench simulate pixel-8 redmi-note-11s

    Each speaks the adb daemon protocol, has a file system of its own, kept by its
    name, and is connected to your adb server. Linux only.

    What its profile says can be changed, and what it does wrong can be scripted, to
    see what a run makes of it:

    \b
    --thermal-model iteration_ms=20             throttles when it has worked a while
    --thermal-model iteration_ms=20 --thermal-model reports_status=false
                                                caps clocks, reports no status
    --set battery.plugged=null --set battery.status=discharging       off the charger
    --set clusters.0.capped_frequency_khz=1000000    one clock capped from the start
    --set memory.available_kb=150000                                 short of memory
    --set thermal.zones_readable=false --set battery.sysfs_readable=false
    --set 'clusters.0.unreadable=["scaling_max_freq"]'                denied in sysfs
    --set behaviour.disk_free_bytes=1000000                            its disk fills
    --set 'behaviour.rules=[{contains="/objects/", action="kill", after_s=2}]'

    Actions are kill, hang, garbage, unplug and reboot. A duty cycle slows programs
    down; its period is a third of an iteration at most, or their median would not
    see it.
    """
    if check:
        registry.load(registry.SIMULATION, "simulation", "check")()
        return
    if list_only or not profiles:
        list_profiles = registry.load(registry.SIMULATION, "simulation", "list")
        for profile, model, android in list_profiles():
            click.echo(f"{profile:<18} {model}, Android {android}")
        return
    run = registry.load(registry.SIMULATION, "simulation", "run")
    run(
        profiles,
        name=name,
        heat=heat,
        changes=changes,
        root=root,
        system_image=system_image,
        show=click.echo,
    )
