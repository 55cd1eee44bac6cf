"""The runner that measures nothing, so that what is left is the harness alone."""

from __future__ import annotations

from android_runner.native_runner import NativeRunner


class NullRunner(NativeRunner):
    """Answers the wire protocol at once; it opens no model and needs no runtime.

    Its latencies are the real times of an empty forward call.
    """

    name = "null"
    formats = frozenset({"ptl", "pt", "pte", "tflite", "onnx", "ort"})
    needs_cpu = False
    runs_on_any_libc = True
