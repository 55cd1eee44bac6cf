"""The way to an artifact: from the cache, or from an export in a child process."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.engines import require_installed, split_variant
from bench.errors import UnknownNameError
from bench.models import cache
from bench.models.child import export_in_child
from bench.models.sources import resolve
from bench.models.wire import Order

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.artifact import Artifact
    from bench.plan import ModelRequest


def export(
    request: ModelRequest,
    variant: str,
    *,
    seed: int,
    progress: Callable[[str], None],
    folder: Path | None = None,
) -> Artifact:
    """Give a model's variant as a file, exporting it only when it must be.

    Nothing of torch is imported in this process, and nothing at all runs when an
    earlier export is still valid. `folder` is where relative paths and the user's
    modules are looked for: the current one.

    Raises:
        UsageError: No such source or variant; names the near ones.
        ToolMissingError: The variant's engine is not installed.
        ExportError: The model cannot be made into this variant; holds the last
            words of the cause.
    """
    folder = folder or Path.cwd()
    source = resolve(request.source, folder)
    made, engine = split_variant(variant)
    if made not in source.variants:
        raise UnknownNameError(f"variant of {request.name}", variant, source.variants)
    require_installed(engine)
    key = cache.key_for(source, variant, request.inputs, seed)
    with cache.lock(key):
        artifact = cache.find(key)
        if artifact is None:
            progress(f"{request.name} {variant}: exporting")
            with tempfile.TemporaryDirectory(dir=cache.workspace()) as workspace:
                order = Order(
                    sys_path=tuple(sys.path),
                    folder=str(folder),
                    workspace=workspace,
                    model=request.name,
                    source=source,
                    variant=variant,
                    inputs=request.inputs,
                    seed=seed,
                )
                done = export_in_child(order, progress)
                artifact = cache.keep(
                    cache.Entry(key=key, artifact=done.artifact, files=done.files)
                )
    return msgspec.structs.replace(artifact, model=request.name)
