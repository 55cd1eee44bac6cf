"""A file that is ready for its engine: described as it is, nothing rewritten."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from pocketbench.bench.errors import ExportError, UsageError
from pocketbench.bench.models.accuracy.reference import make_reference
from pocketbench.bench.models.exporting.cache import sha256_of, version_of
from pocketbench.bench.models.gguf_file import read_gguf_decoder
from pocketbench.bench.models.inputs.inputs import dtype_named
from pocketbench.bench.models.lite.file import FileFacts, load, read_lite_file
from pocketbench.bench.models.original import bundled_with, load_script
from pocketbench.bench.models.pte_file import PteFile, read_pte_file
from pocketbench.bench.models.summarize_exception import summarize_exception
from pocketbench.bench.planning.model_file import ENGINES
from pocketbench.bench.records.artifact import (
    Artifact,
    Decoder,
    ExportFacts,
    OutputReference,
    TensorSpec,
)
from pocketbench.bench.records.engines import Format

if TYPE_CHECKING:
    from pocketbench.bench.models.exporting.export_messages import Order

logger = logging.getLogger(__name__)


def describe_ready(order: Order) -> Artifact:
    """Take a file's facts from the file.

    The inputs the user names count for a file without bundled ones. Of formats of
    other engines than torch's only size and hash are known here.

    Raises:
        ExportError: A `.ptl` that is none, or is damaged.
        UsageError: It has inputs of its own, and the user names others.
    """
    source = order.source
    path = Path(source.spec)
    for spec in order.inputs:
        dtype_named(spec.dtype)
    facts = FileFacts()
    if source.format == "ptl":
        facts = read_lite_file(path, name=f"{order.model} {order.variant}")
    elif source.format == "pt":
        facts = _read_script(source.spec, order.model)
    if facts.inputs and order.inputs and _shapes(facts.inputs) != _shapes(order.inputs):
        raise UsageError(
            f"--input {_shapes(order.inputs)}",
            f"{source.spec} has inputs of its own ({_shapes(facts.inputs)})",
            "Leave --input out, or export the model with it",
        )
    program = _read_program(path) if source.format == "pte" else None
    sha256 = sha256_of(path)
    if sha256 is None:
        raise UsageError(str(path), "cannot be read", "Check the file")
    return Artifact(
        model=order.model,
        variant=order.variant,
        source=source.spec,
        path=source.spec,
        sha256=sha256,
        size_bytes=path.stat().st_size,
        format=source.format,
        engine=ENGINES[source.format],
        precision=facts.precision,
        inputs=facts.inputs or order.inputs or (program.inputs if program else ()),
        bundled_input_count=len(facts.bundled),
        operators=facts.operators,
        bytecode_version=facts.bytecode_version,
        export=ExportFacts(
            method="ready file",
            changed="nothing, the file is used as it is",
            weights="the file's own",
            random_weights=False,
            seed=order.seed,
            torch_version=version_of("torch"),
        ),
        output_error=None,
        reference=_reference(path, facts, order),
        decoder=program.decoder if program else _decoder(path, source.format),
    )


def _shapes(specs: tuple[TensorSpec, ...]) -> str:
    """`1x16:int64 1x3x8x8:float32`."""
    return " ".join(f"{'x'.join(map(str, x.shape))}:{x.dtype}" for x in specs)


def _decoder(path: Path, file_format: Format) -> Decoder | None:
    """Of a file for programs that only generate."""
    if file_format == "gguf":
        return read_gguf_decoder(path)
    return Decoder() if file_format == "litertlm" else None


def _reference(path: Path, facts: FileFacts, order: Order) -> OutputReference | None:
    """What this computer's lite interpreter answers to the inputs in the file."""
    if order.source.format != "ptl" or not facts.bundled:
        return None
    try:
        return make_reference(
            load(path),
            facts.bundled,
            Path(order.workspace),
            of="the same file on the host",
        )
    except Exception as error:
        # It may need another torch, which the device has: it is measured all the same.
        logger.warning("%s: does not run here (%s)", path, summarize_exception(error))
        return None


def _read_program(path: Path) -> PteFile | None:
    """What a file of ExecuTorch is, where it can be read."""
    try:
        return read_pte_file(path)
    except ExportError as error:
        # The device's own program will say more.
        logger.warning("%s", error)
        return None


def _read_script(path: str, name: str) -> FileFacts:
    script = load_script(path, name)
    return FileFacts(
        operators=tuple(sorted(torch.jit.export_opnames(script))),
        bundled=tuple(bundled_with(script) or ()),
    )
