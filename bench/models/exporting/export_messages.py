"""What the exporting process and the one that waits for it exchange.

One JSON object per line: an `Order` on its standard input, which then stays open for
as long as the export is wanted; `Progress` and in the end `Done` or `Refused` back, and
`Ended` where another order may follow.
"""

from __future__ import annotations

from typing import Literal

from pocketbench.bench.models.exporting.cache import SourceFile
from pocketbench.bench.planning.sources import Source
from pocketbench.bench.records.artifact import Artifact, MemoryFormat, TensorSpec
from pocketbench.bench.records.record import Value


class Order(Value, frozen=True, kw_only=True):
    """One export to make."""

    sys_path: tuple[str, ...]
    """Where the child imports from; read before it imports anything of ours."""
    folder: str
    """Where the user is: factories are imported from here first."""
    workspace: str = ""
    """An empty folder for the file."""
    model: str
    source: Source
    variant: str
    inputs: tuple[TensorSpec, ...]
    memory_format: MemoryFormat | None = None
    """`channels-last`: of its images, whatever the variant."""
    seed: int


class Progress(Value, frozen=True, kw_only=True, tag="progress"):
    """What the export is doing now."""

    text: str


class Done(Value, frozen=True, kw_only=True, tag="done"):
    """The export as it lies in the workspace, and every file it depends on."""

    artifact: Artifact
    files: tuple[SourceFile, ...]


class Refused(Value, frozen=True, kw_only=True, tag="refused"):
    """Why there is no artifact."""

    error: Literal["ExportError", "UsageError"]
    subject: str
    fact: str
    next_step: str


class Ended(Value, frozen=True, kw_only=True, tag="ended"):
    """The process that carried the order out is over."""

    exit_code: int
    """Negative for a signal."""


Message = Progress | Done | Refused | Ended
