"""Coverage-guided mutation of probe output: `python fuzz_conditions.py [-runs=N]`.

Needs atheris. Starts from the invented phone output in data/, writes nothing there.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]

with atheris.instrument_imports(
    include=["pocketbench.devices.conditions", "pocketbench.bench.conditions"]
):
    from test_properties import PARTS, assemble, check_output, text_of


def try_one(data: bytes) -> None:
    check_output(data.decode("utf-8", "surrogateescape"))


def main() -> None:
    with tempfile.TemporaryDirectory() as corpus:
        for part, names in PARTS.items():
            for name in names:
                text = assemble({part: text_of(name)})
                (Path(corpus) / name).write_text(text)
        options = [o for o in sys.argv[1:] if o.startswith("-")]
        atheris.Setup(
            [sys.argv[0], *options, "-max_len=8192", "-verbosity=1", corpus], try_one
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
