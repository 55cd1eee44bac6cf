"""How long `pocketbench --help` takes against importing click alone.

Aim: under 2x. Run: python self_benchmarks/startup.py
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from paired import HEAD, in_turn

PROGRAM = Path(sys.executable).with_name("pocketbench")


def main() -> None:
    """Print the ratio."""

    def run(*argv: str) -> None:
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)

    paired = in_turn(
        lambda: run(str(PROGRAM), "--help"),
        lambda: run(sys.executable, "-c", "import click"),
        pairs=20,
    )
    print(HEAD)
    print(paired.row("pocketbench --help / python -c 'import click'"))


if __name__ == "__main__":
    main()
