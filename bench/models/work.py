"""One order carried out, inside the exporting process."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec
import torch
import torch.fx.config
from torch.fx.traceback import NodeSource

from pocketbench.bench import registry
from pocketbench.bench.errors import ExportError, PocketbenchError, UsageError
from pocketbench.bench.models.accuracy.reference import make_reference
from pocketbench.bench.models.exporting.export_messages import (
    Done,
    Ended,
    Message,
    Order,
    Progress,
    Refused,
)
from pocketbench.bench.models.exporting.files_read import FilesRead
from pocketbench.bench.models.input_sets import input_sets
from pocketbench.bench.models.lite.deprecations import known_deprecations
from pocketbench.bench.models.lite.quantize import ENGINE
from pocketbench.bench.models.original import import_from
from pocketbench.bench.models.prebuilt_model import describe_ready
from pocketbench.bench.models.settling import load_original
from pocketbench.bench.models.summarize_exception import summarize_exception
from pocketbench.bench.models.transforms.model_transforms import check_channels_last
from pocketbench.bench.planning.variant_names import AS_IS, CHANNELS_LAST
from pocketbench.bench.records.engines import split_variant

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocketbench.bench.models.original import Original
    from pocketbench.bench.records.artifact import Artifact, OutputReference


def carry_out(line: bytes, replies: IO[bytes], *, started_ns: int) -> None:
    """Make what an order asks for and reply; errors are replies too."""
    order = msgspec.json.decode(line, type=Order)
    os.chdir(order.folder)
    sys.path[:] = order.sys_path

    def reply(message: Message) -> None:
        _send(message, replies)

    def say(text: str) -> None:
        reply(Progress(text=f"{order.model} {order.variant}: {text}"))

    files = FilesRead(started_ns=started_ns)
    try:
        artifact = make_artifact(order, files, say)
    except PocketbenchError as error:
        reply(_refusal(error))
    except Exception as error:
        unforeseen = ExportError(
            f"{order.model} {order.variant}",
            f"the export failed ({summarize_exception(error)})",
            "See the log",
        )
        reply(_refusal(unforeseen))
    else:
        reply(Done(artifact=artifact, files=files.hashed()))


def say_ended(exit_code: int, replies: IO[bytes]) -> None:
    """Reply that the process of an order is over."""
    _send(Ended(exit_code=exit_code), replies)


def _send(message: Message, replies: IO[bytes]) -> None:
    replies.write(msgspec.json.encode(message) + b"\n")
    replies.flush()


def _refusal(error: PocketbenchError) -> Refused:
    return Refused(
        error="UsageError" if isinstance(error, UsageError) else "ExportError",
        subject=error.subject,
        fact=error.fact,
        next_step=error.next_step,
    )


def make_artifact(
    order: Order, files: FilesRead, say: Callable[[str], None]
) -> Artifact:
    """Export one variant into the order's workspace.

    Raises:
        ExportError: The model cannot be made into it.
        UsageError: Nobody says what its inputs are.
    """
    # Calibrating is many small steps, which on busy cores several threads make six
    # times slower than one; and the sums come out the same everywhere.
    torch.set_num_threads(1)
    # Noting where a graph's nodes come from imports torch's compilers: seconds.
    torch.fx.config.do_not_emit_stack_traces = True
    # Each pass of ExecuTorch copies the history of each node and makes it longer; that
    # took a quarter of a decoder's export. Nobody changes one once it is made.
    NodeSource.__deepcopy__ = lambda source, memo: source
    if ENGINE not in torch.backends.quantized.supported_engines:
        raise ExportError(
            order.model,
            f"this torch was built without {ENGINE}",
            "Install a wheel of pytorch.org",
        )
    torch.backends.quantized.engine = ENGINE
    # Fused attention hides its layers from quantization and from their count.
    torch.backends.mha.set_fastpath_enabled(False)
    if order.source.kind == "file":
        files.add(order.source.spec)
    with known_deprecations():
        if order.variant == AS_IS:
            return describe_ready(order)
        with files.watching():
            import_from(order.folder)
            original = load_original(
                order.source, order.model, order.inputs, seed=order.seed
            )
        made, engine = split_variant(order.variant)
        if CHANNELS_LAST in (made, order.memory_format):
            check_channels_last(engine.delegate, name=f"{order.model} {order.variant}")
            original = original.with_channels_last()
        artifact = _make_variant(order, original, say)
        return msgspec.structs.replace(artifact, reference=_reference(order, original))


def _make_variant(
    order: Order, original: Original, say: Callable[[str], None]
) -> Artifact:
    engine = split_variant(order.variant).engine.name
    export = registry.load(registry.EXPORTERS, "exporter", engine)
    artifact: Artifact = export(order, original, say)
    return artifact


def _reference(order: Order, original: Original) -> OutputReference | None:
    """The float32 model's answers to its held-back inputs, or to the bundled ones."""
    held_back = original.held_back
    return make_reference(
        original.module,
        held_back.inputs
        if held_back
        else input_sets(original, seed=order.seed).bundled,
        Path(order.workspace),
        of="the float32 model",
        labels=held_back.labels if held_back else (),
        names=tuple("" if x.startswith("[") else x for x in original.output_names),
    )
