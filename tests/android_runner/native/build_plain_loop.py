"""Build the plain loop against the installed torch: `build_plain_loop.py FOLDER`.

Prints the program's path. A folder that holds one of the same source and torch is
used again.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("plain_loop.cpp")


def build(folder: Path) -> Path:
    """Compile it with the system's C++ compiler, unless that is done."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        raise SystemExit("torch is not installed")
    torch = Path(found.origin).parent
    libraries = torch / "lib"
    command = [
        os.environ.get("CXX", "c++"),
        "-std=c++20",
        "-O2",
        f"-I{torch / 'include'}",
        f"-I{torch / 'include/torch/csrc/api/include'}",
        str(SOURCE),
        f"-L{libraries}",
        f"-Wl,-rpath,{libraries},--no-as-needed",
        *("-ltorch", "-ltorch_cpu", "-lc10"),
    ]
    key = hashlib.sha256(
        repr((command, importlib.metadata.version("torch"))).encode()
        + SOURCE.read_bytes()
    ).hexdigest()[:16]
    program = folder / f"plain_loop-{key}"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = program.with_suffix(f".{os.getpid()}")
        subprocess.run([*command, "-o", str(partial)], check=True)
        partial.rename(program)
    return program


if __name__ == "__main__":
    sys.stdout.write(f"{build(Path(sys.argv[1]))}\n")
