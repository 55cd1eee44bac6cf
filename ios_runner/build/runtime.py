"""Where LibTorch-Lite's headers and libraries for iOS are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from pocketbench.bench.errors import UsageError

_WHOLE = ("libtorch.a", "libtorch_cpu.a", "libc10.a")
_VERSION_HEADERS = (
    "torch/headeronly/version.h",
    "torch/version.h",
    "torch/csrc/api/include/torch/version.h",
)
_WHERE = (
    "Give the install/ folder of an unpacked libtorch_lite_ios archive, or that of "
    "PyTorch's own scripts/build_ios.sh; docs/ios.md says where each comes from"
)


class LiteRuntime(NamedTuple):
    """What the lite runner is built against."""

    folder: str
    version: str | None
    linker_flags: str
    """Those archives whole whose operators register themselves, then the others."""


def lite_runtime(folder: Path | None) -> LiteRuntime:
    """The runtime in a folder with include/ and lib/.

    Raises:
        UsageError: None was given, or the folder is none.
    """
    if folder is None:
        raise UsageError(
            "--engine lite", "needs LibTorch-Lite for iOS: --runtime DIR", _WHERE
        )
    root = next(
        (
            place
            for place in (folder.resolve(), folder.resolve() / "install")
            if (place / "include").is_dir() and (place / "lib").is_dir()
        ),
        None,
    )
    archives = sorted(path.name for path in (root / "lib").glob("*.a")) if root else []
    if root is None or "libtorch_cpu.a" not in archives:
        raise UsageError(
            str(folder), "no LibTorch-Lite (include/ and lib/libtorch_cpu.a)", _WHERE
        )
    whole = [name for name in _WHOLE if name in archives]
    others = [name for name in archives if name not in whole]
    flags = [
        *(f"-force_load {root / 'lib' / name}" for name in whole),
        *(str(root / "lib" / name) for name in others),
    ]
    return LiteRuntime(str(root), _version(root / "include"), " ".join(flags))


def _version(include: Path) -> str | None:
    for header in _VERSION_HEADERS:
        path = include / header
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        parts = [
            re.search(rf"#define TORCH_VERSION_{part} (\d+)", text)
            for part in ("MAJOR", "MINOR", "PATCH")
        ]
        if all(parts):
            return "torch " + ".".join(part[1] for part in parts if part)
    return None
