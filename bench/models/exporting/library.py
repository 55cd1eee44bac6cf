"""The way to an artifact: from the cache, or from an export in a child process."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from filelock import Timeout

from pocketbench.bench.models.exporting import cache
from pocketbench.bench.models.exporting.child import ExportProcess, export_process
from pocketbench.bench.models.exporting.export_messages import Order
from pocketbench.bench.paths import working_prefix
from pocketbench.bench.planning.sources import resolve
from pocketbench.bench.planning.variant_names import check_made
from pocketbench.bench.records.engines import require_installed, split_variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from filelock import FileLock

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.plan import ModelRequest


def export(
    request: ModelRequest,
    variant: str,
    *,
    seed: int,
    progress: Callable[[str], None],
    folder: Path | None = None,
    process: ExportProcess | None = None,
) -> Artifact:
    """Give a model's variant as a file, exporting it only when it must be.

    Nothing of torch is imported in this process, and nothing at all runs when an
    earlier export is still valid. `folder` is where relative paths and the user's
    modules are looked for: the current one. `process` makes several exports in a row;
    without it each has one of its own.

    Raises:
        UsageError: No such source or variant; names the near ones.
        ToolMissingError: The variant's engine is not installed.
        ExportError: The model cannot be made into this variant; holds the last
            words of the cause.
    """
    folder = folder or Path.cwd()
    source = resolve(request.source, folder)
    made, engine = split_variant(variant)
    check_made(made, source.variants, model=request.name, asked=variant)
    require_installed(engine)
    order = Order(
        sys_path=tuple(sys.path),
        folder=str(folder),
        model=request.name,
        source=source,
        variant=variant,
        inputs=request.inputs,
        memory_format=request.memory_format,
        seed=seed,
    )
    key = cache.key_for(
        source,
        variant,
        request.inputs,
        seed,
        memory_format=request.memory_format,
    )
    with _alone(cache.lock(key), order, progress):
        artifact = cache.find(key) or _export(order, key, progress, process)
    return msgspec.structs.replace(artifact, model=request.name)


@contextlib.contextmanager
def _alone(
    lock: FileLock, order: Order, progress: Callable[[str], None]
) -> Iterator[None]:
    """Wait until nobody else exports the same, and say so when it is not at once."""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(f"{order.model} {order.variant}: waiting for another export of it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _export(
    order: Order,
    key: cache.Key,
    progress: Callable[[str], None],
    process: ExportProcess | None,
) -> Artifact:
    progress(f"{order.model} {order.variant}: exporting")
    with tempfile.TemporaryDirectory(
        dir=cache.workspace(), prefix=working_prefix()
    ) as workspace:
        order = msgspec.structs.replace(order, workspace=workspace)
        with contextlib.ExitStack() as own:
            process = process or own.enter_context(export_process())
            done = process.export(order, progress)
        return cache.keep(
            cache.Entry(key=key, artifact=done.artifact, files=done.files)
        )
