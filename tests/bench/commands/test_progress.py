"""What a run says while it goes on."""

import io

import pytest
from rich.console import Console

from pocketbench.bench.commands.progress import LineProgress


@pytest.mark.parametrize("name", ["::error ::x", "a ##[error]x", "\x1b[2Jx", "\u202ex"])
def test_names_steer_neither_a_terminal_nor_a_ci_log(name):
    out = io.StringIO()
    LineProgress(Console(file=out), blocks=1).note(name, "exporting")

    assert not out.getvalue().startswith("::")
    assert not any(x in out.getvalue() for x in ("##[", "\x1b", "\u202e"))
    assert out.getvalue().endswith("x: exporting\n")
