"""`pocketbench simulate`: phones without phones."""

from __future__ import annotations

import click

from bench import registry


@click.command()
@click.argument("profiles", metavar="PROFILE...", nargs=-1)
@click.option("--name", help="Whose file system the phone has (its profile's).")
@click.option("--list", "list_only", is_flag=True, help="List the profiles.")
@click.option("--check", is_flag=True, help="Only tell whether it can be done here.")
def simulate(
    profiles: tuple[str, ...], name: str | None, list_only: bool, check: bool
) -> None:
    """Run simulated phones that the real adb talks to, until Ctrl-C.

    \b
    pocketbench simulate pixel-8 redmi-note-11s

    Each speaks the adb daemon protocol, has a file system of its own, kept by its
    name, and is connected to your adb server. Linux only.
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
    run(profiles, name=name, tell=click.echo)
