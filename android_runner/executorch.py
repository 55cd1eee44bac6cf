"""pocketbench's own runner for ExecuTorch."""

from __future__ import annotations

from android_runner.native_runner import NativeRunner


class ExecutorchRunner(NativeRunner):
    """Measures `.pte` files."""

    name = "executorch"
    formats = frozenset({"pte"})
