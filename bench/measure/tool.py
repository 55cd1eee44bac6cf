"""The programs that measure on one device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bench.artifact import Artifact
from bench.runner import Program, Runner


class Tool(NamedTuple):
    """A program for a device, and what drives it."""

    runner: Runner
    program: Program


def tool_for(artifact: Artifact, tools: Sequence[Tool]) -> Tool:
    """The first one that loads an artifact's format."""
    return next(tool for tool in tools if artifact.format in tool.runner.formats)
