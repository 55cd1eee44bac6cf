"""Coverage-guided mutation of what phones say of themselves.

`python fuzz_identity.py [-runs=N]`. Needs atheris; writes nothing here.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

with atheris.instrument_imports(
    include=[
        "pocketbench.devices.android.identity",
        "pocketbench.devices.android.push.free_space",
    ]
):
    from test_identity_properties import (
        HEALTHY,
        TABLE,
        check,
        check_free_space,
        printed,
    )


def try_one(data: bytes) -> None:
    check(data)
    check_free_space(data.decode("utf-8", "surrogateescape"))


def main() -> None:
    with tempfile.TemporaryDirectory() as corpus:
        (Path(corpus) / "identity").write_bytes(printed(HEALTHY))
        (Path(corpus) / "df").write_text(TABLE)
        options = [o for o in sys.argv[1:] if o.startswith("-")]
        atheris.Setup(
            [sys.argv[0], *options, "-max_len=8192", "-verbosity=1", corpus], try_one
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
