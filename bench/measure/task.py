"""What is to be measured on one device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.artifact import Artifact
from bench.measure.tool import Tool
from bench.plan import Variant
from bench.selection import Selected


class Task:
    """What is to be measured on one device, and with which programs."""

    def __init__(
        self,
        selected: Selected,
        tools: Sequence[Tool],
        *,
        models: Mapping[str, tuple[Variant, ...]],
        artifacts: Mapping[tuple[str, str], Artifact],
    ) -> None:
        """Take the models in order; an artifact's key is (model, variant name).

        Each artifact's format is one that a tool loads.
        """
        self.selected = selected
        self.tools = tuple(tools)
        self.models = models
        self.artifacts = artifacts
