"""pocketbench's own runner for ExecuTorch."""

from __future__ import annotations

from android_runner.lite import LiteRunner


class ExecutorchRunner(LiteRunner):
    """Measures `.pte` files; in all else as the lite interpreter's program."""

    name = "executorch"
    formats = frozenset({"pte"})
