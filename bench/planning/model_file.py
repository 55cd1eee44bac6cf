"""Recognise a model file by its content."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from pocketbench.bench.errors import UsageError
from pocketbench.bench.records import engines
from pocketbench.bench.records.engines import Format

if TYPE_CHECKING:
    from pathlib import Path

_MOST_UNPACKED_BYTES = 256 << 20
"""Besides twice the size of the file itself."""

ENGINES: dict[Format, str] = {
    **{engine.format: engine.name for engine in engines.ENGINES.values()},
    "pt": "torchscript",
    "tflite": "litert",
    "onnx": "onnxruntime",
    "ort": "onnxruntime",
    "gguf": "llama.cpp",
    "litertlm": "litert-lm",
}
"""The engine that loads each format."""

SUFFIXES = (*(f".{name}" for name in ENGINES), ".pth")
"""What makes a word on the command line a file and not a name."""

_FLATBUFFERS: dict[bytes, Format] = {
    b"PTMF": "ptl",
    b"ET12": "pte",
    b"TFL3": "tflite",
    b"ORTM": "ort",
}
"""File identifiers, at offset 4 of a flatbuffer."""


_STARTS: dict[bytes, Format] = {b"GGUF": "gguf", b"LITERTLM": "litertlm"}
"""What other files begin with."""


def recognise(path: Path) -> Format:
    """Read as much of a file as shows its format; else take what the suffix claims.

    Raises:
        UsageError: The file holds something else, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
        if zipfile.is_zipfile(path):
            return _format_of_archive(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise UsageError(
            str(path), f"cannot be read ({error})", "Check the file"
        ) from error
    for start, name in _STARTS.items():
        if head.startswith(start):
            return name
    if head[4:8] in _FLATBUFFERS:
        return _FLATBUFFERS[head[4:8]]
    claimed = path.suffix.lower().removeprefix(".")
    if claimed in ENGINES:
        return claimed
    raise UsageError(
        str(path),
        "is no model file that pocketbench knows",
        f"Give one of {', '.join(SUFFIXES)}",
    )


def _format_of_archive(path: Path) -> Format:
    """Distinguish what torch writes: all of it is zip, whatever the suffix says."""
    with zipfile.ZipFile(path) as archive:
        unpacked_bytes = sum(item.file_size for item in archive.infolist())
        inner = {name.partition("/")[2] for name in archive.namelist()}
    # torch compresses code alone, and leaves weights as they are.
    if unpacked_bytes > _MOST_UNPACKED_BYTES + 2 * path.stat().st_size:
        raise UsageError(
            str(path),
            f"unpacks to {unpacked_bytes >> 20} MiB, more than torch would ever pack",
            "Save the model again with torch.jit.save",
        )
    if "bytecode.pkl" in inner:
        return "ptl"
    if "constants.pkl" in inner:
        return "pt"
    if any(name.endswith("models/model.json") for name in inner):
        raise UsageError(
            str(path),
            "is a torch.export program, which cannot be made into a lite one",
            "Give the model as module:factory",
        )
    if "data.pkl" in inner:
        raise UsageError(
            str(path),
            "holds weights (torch.save) and no program",
            "Save it with torch.jit.save, or give a module:factory that loads it",
        )
    raise UsageError(
        str(path), "is an archive without a model", f"Give one of {', '.join(SUFFIXES)}"
    )
