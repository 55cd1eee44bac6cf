"""Programs that compute nothing and at once print what the prebuilt ones would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pocketbench.bench.records.plan import RunnerChoice, Workload

LATENCY_MS = 1.5
WORKLOAD = Workload(blocks=1)


def speed_benchmark_torch() -> str:
    """What it prints with --report_pep."""
    sample = (
        'PyTorchObserver {"type": "NET", "unit": "us", "metric": "latency", '
        f'"value": "{1e3 * LATENCY_MS:g}"}}'
    )
    mean = (
        f"Main run finished. Microseconds per iter: {1e3 * LATENCY_MS:g}. "
        f"Iters per second: {1e3 / LATENCY_MS:g}"
    )
    banners = ["Starting benchmark.", "Running warmup runs.", "Main runs."]
    return _printing([*banners, *[sample] * WORKLOAD.iterations, mean])


def executor_runner_lines() -> list[str]:
    """What releases of 2026 log."""
    count = WORKLOAD.warmup_iterations + WORKLOAD.iterations
    return [
        "Model loaded in 12.500000 ms.",
        *(f"Iteration {i} of {count}: {LATENCY_MS:f} ms" for i in range(1, count + 1)),
        f"Model executed successfully {count} time(s) in {count * LATENCY_MS:f} ms.",
    ]


def executor_runner() -> str:
    """As on a computer, where the log goes to its stderr."""
    place = "I 00:00:00.001000 executorch:executor_runner.cpp:70]"
    return _printing([f"{place} {x}" for x in executor_runner_lines()], to="1>&2")


def logging_executor_runner() -> str:
    """As on a phone, where it goes to the system log.

    The simulated phone's own file stands in for the socket of Android's log daemon.
    """
    words = "\n".join(executor_runner_lines())
    return f"""now=$(date '+%m-%d %H:%M:%S.123')
while read -r line; do
  echo "$now $$ $$ I ExecuTorch: $line"
done >>/apex/pocketbench/run/log <<'END'
{words}
END
"""


def benchmark_model() -> str:
    """What it prints of its two rounds, as of 2025."""

    def of(count: int) -> str:
        us = f"{1e3 * LATENCY_MS:.0f}"
        return f"count={count} first={us} curr={us} min={us} max={us} avg={us} std=0"

    return _printing(
        [
            "STARTING!",
            of(WORKLOAD.warmup_iterations),
            of(WORKLOAD.iterations),
            "Inference timings in us: Init: 3300, First inference: 1500, "
            "Warmup (avg): 1500, Inference (avg): 1500",
        ]
    )


def onnxruntime_perf_test() -> str:
    """What release 1.20 and later print."""
    count = WORKLOAD.iterations
    total_s = count * LATENCY_MS / 1e3
    points = ("Min", "Max", "P50", "P90", "P95", "P99", "P999")
    return _printing(
        [
            "Session creation time cost: 0.217932 s",
            f"First inference time cost: {LATENCY_MS:.0f} ms",
            f"Total inference time cost: {total_s:g} s",
            f"Total inference requests: {count}",
            f"Average inference time cost total: {LATENCY_MS:f} ms",
            f"Total inference run time: {total_s:g} s",
            f"Number of inferences per second: {count / total_s:g}",
            *(f"{point} Latency: {LATENCY_MS / 1e3:g} s" for point in points),
        ]
    )


FORMATS = {
    "speed_benchmark_torch": "ptl",
    "executor_runner": "pte",
    "benchmark_model": "tflite",
    "onnxruntime_perf_test": "onnx",
}

ON_A_COMPUTER: dict[str, Callable[[], str]] = {
    "speed_benchmark_torch": speed_benchmark_torch,
    "executor_runner": executor_runner,
    "benchmark_model": benchmark_model,
    "onnxruntime_perf_test": onnxruntime_perf_test,
}

ON_A_PHONE = ON_A_COMPUTER | {"executor_runner": logging_executor_runner}


def given(folder: Path, name: str, text: str, *, abi: str, shell: str) -> RunnerChoice:
    """Such a program as a user gives one to `--runner`."""
    path = folder / name
    path.write_text(f"#!{shell}\n{text}")
    path.chmod(0o755)
    return RunnerChoice(name=name, path=str(path), abi=abi)


def _printing(lines: list[str], to: str = "") -> str:
    words = "\n".join(lines)
    return f"while read -r line; do echo \"$line\"; done {to} <<'END'\n{words}\nEND\n"
