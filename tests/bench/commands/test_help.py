"""What --help says: sentences that begin with what the option does."""

import re

import click
import pytest

from pocketbench.bench.cli import cli

FRAGMENTS = {
    *("A", "An", "The", "Of", "On", "In", "As", "At", "By", "For", "From", "With"),
    *("Where", "When", "What", "Whether", "Its", "May", "Machine-readable"),
}


def commands(group, name="pocketbench"):
    context = click.Context(group, info_name=name)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


@pytest.mark.parametrize(
    ("name", "command"), [pytest.param(*each, id=each[0]) for each in commands(cli)]
)
def test_every_line_of_help_is_a_sentence_and_begins_with_what_it_does(name, command):
    said = [command.help.strip().partition("\n\n")[0]]
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help, f"{name} {option.opts[0]} has no help"
            said.append(re.sub(r"\s+\[default: .*\]$", "", option.help))
    for text in said:
        assert text.endswith("."), text
        first = text.split()[0]
        assert first[0].isupper(), text
        assert first not in FRAGMENTS, text
