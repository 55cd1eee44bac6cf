"""What is to be measured on one device."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from pocketbench.bench.measure.runner_binding import Tool
from pocketbench.bench.planning.selection import Selected
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.plan import Variant


class Task:
    """What is to be measured on one device, and with which programs."""

    def __init__(
        self,
        selected: Selected,
        tools: Sequence[Tool],
        *,
        models: Mapping[str, tuple[Variant, ...]],
        artifacts: Mapping[tuple[str, str], Artifact],
        deadline: float | None = None,
    ) -> None:
        """Take the models in order; an artifact's key is (model, variant name).

        Each artifact's format is one that a tool loads. No block begins after the
        deadline, which is of the monotonic clock.
        """
        self.selected = selected
        self.tools = tuple(tools)
        self.models = models
        self.artifacts = artifacts
        self.deadline = deadline

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def limited(self, models: Collection[str], deadline: float | None) -> Task:
        """The same device and programs with fewer models, and until a deadline."""
        return Task(
            self.selected,
            self.tools,
            models={name: self.models[name] for name in self.models if name in models},
            artifacts=self.artifacts,
            deadline=deadline,
        )
