"""`pocketbench completion`: the script that makes a shell complete our words."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    pocketbench completion bash >> ~/.bashrc
    pocketbench completion fish > ~/.config/fish/completions/pocketbench.fish
    """
    from pocketbench.bench.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(cli, {}, "pocketbench", "_POCKETBENCH_COMPLETE").source()
    click.echo(script)
