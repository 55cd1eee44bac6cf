"""pocketbench's own runner for PyTorch's lite interpreter."""

from __future__ import annotations

from android_runner.native_runner import NativeRunner


class LiteRunner(NativeRunner):
    """Measures `.ptl` files."""

    name = "lite"
    formats = frozenset({"ptl"})
