"""The visible table of names: where the core and the rooms around it meet."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from bench.errors import UnknownNameError

DEVICES: Mapping[str, str] = {
    "host": "devices.host:HostDriver",
    "android": "devices.android:AndroidDriver",
    "simulated": "devices.simulated.driver:SimulatedDriver",
    "ios": "devices.ios:IosDriver",
    "ios-simulator": "devices.ios_simulator:SimulatorDriver",
}
"""Families we ship. Names, not imports: the core never imports a room."""

RUNNERS: Mapping[str, str] = {
    "lite": "android_runner.lite:LiteRunner",
    "executorch": "android_runner.executorch:ExecutorchRunner",
    "speed_benchmark_torch": "android_runner.sampled:speed_benchmark_torch",
    "executor_runner": "android_runner.sampled:executor_runner",
    "benchmark_model": "android_runner.sampled:benchmark_model",
    "onnxruntime_perf_test": "android_runner.sampled:onnxruntime_perf_test",
    "null": "android_runner.null:NullRunner",
    "ios-lite": "ios_runner.runner:IosLiteRunner",
    "ios-executorch": "ios_runner.runner:IosExecutorchRunner",
    "ios-null": "ios_runner.runner:IosNullRunner",
}
"""Measuring programs by name; each class or function takes (programs, progress)."""

RUNNERS_OF_FAMILY: Mapping[str, tuple[str, ...]] = {
    "ios": ("ios-lite", "ios-executorch", "ios-null"),
    "ios-simulator": ("ios-lite", "ios-executorch", "ios-null"),
}
"""Families that only these runners serve, in this order; all others serve the rest.

A Mac, an iPhone and a simulator may share an ABI and a C library; their programs do
not run on each other.
"""

RUNNER_BUILDS: Mapping[str, str] = {
    "build": "android_runner.build:build_runner",
    "list": "android_runner.built:built_runners",
    "build-apple": "ios_runner.build:build_app",
}
"""What `pocketbench runner` does with the programs of our own."""

INGESTS: Mapping[str, str] = {
    "xctest": "ios_runner.ingest:ingest",
}
"""Makes records of what other programs have measured."""

SIMULATION: Mapping[str, str] = {
    "run": "devices.simulated.foreground:run_phones",
    "list": "devices.simulated.foreground:list_profiles",
    "check": "devices.simulated.foreground:check_possible",
}
"""What `pocketbench simulate` does."""

CHECKS: Mapping[str, str] = {
    "our runners": "android_runner.checks:check_tools",
    "simulated phones": "devices.simulated.checks:check_tools",
    "Apple devices": "devices.ios_checks:check_tools",
}
"""What `pocketbench doctor` looks for on this computer, by what it is for."""

ADB: Mapping[str, str] = {"look": "devices.adb_look:look_at_adb"}

RUNNER_CHECKS: Mapping[str, str] = {
    "android": "android_runner.checks:runners_for",
    "ios": "ios_runner.checks:runners_for",
    "ios-simulator": "ios_runner.checks:runners_for",
}
"""Which of our programs a device of a family can run; all others go by Android's."""

DOCTOR_PAGE: Mapping[str, str] = {"page": "reports.doctor:render"}

REPORTS: Mapping[str, str] = {
    "console": "reports.console:render",
    "html": "reports.html:render",
    "json": "reports.json:render",
    "csv": "reports.csv:render",
    "markdown": "reports.markdown:render",
    "junit": "reports.junit:render",
    "annotations": "reports.annotations:render",
    "benchmark-action": "reports.benchmark_action:render",
    "svg": "reports.plots.forest:svg",
    "png": "reports.plots.forest:png",
}
"""Reports by format; each is `render(summary) -> str`, or bytes of an image."""


HISTORY_REPORTS: Mapping[str, str] = {
    "overview": "reports.history:overview",
    "changes": "reports.history:changes",
    "svg": "reports.plots.history:svg",
    "png": "reports.plots.history:png",
}
"""What `pocketbench history` shows; each takes the histories of cells."""


def load(table: Mapping[str, str], kind: str, name: str) -> Any:
    """Import what a name stands for.

    Raises:
        UnknownNameError: The table has no such name.
    """
    if name not in table:
        raise UnknownNameError(kind, name, table)
    module, _, attribute = table[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
