"""The visible table of names: where the core and the rooms around it meet."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from pocketbench.bench.errors import UnknownNameError


class Names(Mapping[str, str]):
    """Names of components as `module:attribute`: ours, then those of other packages.

    Another package adds its own by an entry point of the table's group.
    """

    def __init__(self, group: str, ours: Mapping[str, str]) -> None:
        """Take the entry-point group and our own names."""
        self._group = group
        self._ours = ours

    @cached_property
    def _outside(self) -> dict[str, str]:
        # Only looked for when a name is not ours: it reads every installed package.
        return {
            found.name: found.value
            for found in importlib.metadata.entry_points(group=self._group)
            if found.name not in self._ours
        }

    def __getitem__(self, name: str) -> str:
        """Where a component is."""
        return self._ours[name] if name in self._ours else self._outside[name]

    def __iter__(self) -> Iterator[str]:
        """Every name, ours first."""
        yield from self._ours
        yield from self._outside

    def __len__(self) -> int:
        """How many there are."""
        return len(self._ours) + len(self._outside)


_PREBUILT = "pocketbench.android_runner.prebuilt.memory_sampled"

DEVICES: Mapping[str, str] = {
    "host": "pocketbench.devices.host:HostDriver",
    "android": "pocketbench.devices.android.driver:AndroidDriver",
    "simulated": "pocketbench.devices.simulated.driver:SimulatedDriver",
    "ios": "pocketbench.devices.ios.driver:IosDriver",
    "ios-simulator": "pocketbench.devices.ios.simulator:SimulatorDriver",
}
"""Families we ship. Names, not imports: the core never imports a room."""

OWN_RUNNERS: Mapping[str, str] = {
    "lite": "pocketbench.android_runner.own:LiteRunner",
    "executorch": "pocketbench.android_runner.own:ExecutorchRunner",
    "ios-lite": "pocketbench.ios_runner.runner:IosLiteRunner",
    "ios-executorch": "pocketbench.ios_runner.runner:IosExecutorchRunner",
}
"""Ours; which of them a device needs is a matter of its family and of the files."""

EXPORTERS: Mapping[str, str] = {
    "lite": "pocketbench.bench.models.lite.variant:make_variant",
    "executorch": "pocketbench.bench.models.executorch.variant:make_executorch_variant",
}
"""Makes a variant's file, by engine; only the export's own process imports them."""

RUNTIMES: Mapping[str, str] = {
    "lite": "pocketbench.android_runner.build.runtime:PYTORCH",
    "executorch": "pocketbench.android_runner.build.executorch_runtime:EXECUTORCH",
}
"""What the program of an engine links: where its headers and libraries are."""

RUNNERS: Mapping[str, str] = {
    **OWN_RUNNERS,
    "speed_benchmark_torch": f"{_PREBUILT}:speed_benchmark_torch",
    "executor_runner": f"{_PREBUILT}:executor_runner",
    "qnn_executor_runner": f"{_PREBUILT}:qnn_executor_runner",
    "benchmark_model": f"{_PREBUILT}:benchmark_model",
    "onnxruntime_perf_test": f"{_PREBUILT}:onnxruntime_perf_test",
    "llama_main": f"{_PREBUILT}:llama_main",
    "llama_bench": f"{_PREBUILT}:llama_bench",
    "litert_lm": f"{_PREBUILT}:litert_lm",
    "null": "pocketbench.android_runner.own:NullRunner",
    "ios-null": "pocketbench.ios_runner.runner:IosNullRunner",
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
    "build": "pocketbench.android_runner.build.build_runner:build_runner",
    "list": "pocketbench.android_runner.build.built:built_runners",
    "add": "pocketbench.android_runner.build.added_programs:add_program",
    "added": "pocketbench.android_runner.build.added_programs:added_programs",
    "added choices": "pocketbench.android_runner.build.added_programs:added_choices",
    "build-apple": "pocketbench.ios_runner.build.build:build_app",
}
"""What `pocketbench runner` does with programs: our own, and those of others."""

INGESTS: Mapping[str, str] = {
    "xctest": "pocketbench.ios_runner.ingest:ingest",
}
"""Makes records of what other programs have measured."""

LABS: Mapping[str, str] = {
    "tcp": "pocketbench.bench.lab.driver:open_lab",
    "tls": "pocketbench.bench.lab.driver:open_lab",
    "stf": "pocketbench.devices.labs.stf:open_stf",
    "jumpstarter": "pocketbench.devices.labs.jumpstarter:open_jumpstarter",
}
"""Opens a lab by its address; gives what makes drivers of its phones."""

GIVE_BACK: Mapping[str, str] = {
    "stf": "pocketbench.devices.labs.stf:give_back_stf",
    "jumpstarter": "pocketbench.devices.labs.jumpstarter:give_back_jumpstarter",
}
"""Ends a lease that a killed run has left."""

LEASES: Mapping[str, str] = {
    "release": "pocketbench.devices.labs.leases:release_listed"
}
"""Gives back the phones that a killed run has left leased."""

LAB: Mapping[str, str] = {
    "serve": "pocketbench.bench.lab.worker:serve",
    "connect": "pocketbench.bench.lab.client:connected",
}
"""What `pocketbench lab` does."""

BUNDLES: Mapping[str, str] = {
    "script": "pocketbench.devices.android.bundle_script:compose_script",
    "phone": "pocketbench.devices.android.bundle_script:read_phone",
    "token": "pocketbench.devices.conditions.probe:new_token",
    "conditions": "pocketbench.devices.conditions.probe:parse_probe",
}
"""What a phone needs to measure alone, and what reads the words it brings back."""

SIMULATION: Mapping[str, str] = {
    "run": "pocketbench.devices.simulated.foreground:run_phones",
    "list": "pocketbench.devices.simulated.foreground:list_profiles",
    "check": "pocketbench.devices.simulated.foreground:check_possible",
}
"""What `pocketbench simulate` does."""

CHECKS: Mapping[str, str] = {
    "our runners": "pocketbench.android_runner.checks:check_tools",
    "simulated phones": "pocketbench.devices.simulated.checks:check_tools",
    "Apple devices": "pocketbench.devices.ios.checks:check_tools",
}
"""What `pocketbench doctor` looks for on this computer, by what it is for."""

ADB: Mapping[str, str] = {"look": "pocketbench.devices.android.adb.examine:look_at_adb"}

ANY_FAMILY = "*"

RUNNER_CHECKS: Mapping[str, str] = {
    ANY_FAMILY: "pocketbench.android_runner.checks:runners_for",
    "ios": "pocketbench.ios_runner.checks:runners_for",
    "ios-simulator": "pocketbench.ios_runner.checks:runners_for",
}
"""Which of our programs a device of a family can run; `*` stands for all others."""

DOCTOR_PAGE: Mapping[str, str] = {"page": "pocketbench.reports.formats.doctor:render"}

REPORTS = Names(
    "pocketbench.reports",
    {
        "console": "pocketbench.reports.formats.console:render",
        "details": "pocketbench.reports.formats.console_details:render",
        "html": "pocketbench.reports.formats.html.page:render",
        "json": "pocketbench.reports.formats.json:render",
        "csv": "pocketbench.reports.formats.csv:render",
        "markdown": "pocketbench.reports.formats.markdown:render",
        "junit": "pocketbench.reports.formats.junit:render",
        "annotations": "pocketbench.reports.formats.annotations:render",
        "benchmark-action": "pocketbench.reports.formats.benchmark_action:render",
        "svg": "pocketbench.reports.plots.forest:svg",
        "png": "pocketbench.reports.plots.forest:png",
    },
)
"""Reports by format; each is `render(view) -> str`, or bytes of an image."""

REPORT_FILES: Mapping[str, str] = {
    "html": "report.html",
    "details": "report.txt",
    "markdown": "report.md",
    "json": "report.json",
    "csv": "report.csv",
    "junit": "report.junit.xml",
    "benchmark-action": "report.benchmark-action.json",
    "annotations": "report.annotations.txt",
    "svg": "report.svg",
    "png": "report.png",
}
"""What a report is called in a run's folder; `report.NAME` where it is not here."""

REPORT_VIEW: Mapping[str, str] = {
    "view": "pocketbench.reports.view:View",
    "second_process": "pocketbench.reports.plots.second_process:second_process",
}
"""What each report takes: a summary redacted and indexed, with histories if any; and
what draws the charts of a large one meanwhile."""


HISTORY_REPORTS: Mapping[str, str] = {
    "overview": "pocketbench.reports.text.history:overview",
    "changes": "pocketbench.reports.text.history:changes",
    "svg": "pocketbench.reports.plots.history:svg",
    "png": "pocketbench.reports.plots.history:png",
}
"""What `pocketbench history` shows; each takes the histories of cells."""

HISTORY_SITE: Mapping[str, str] = {
    "origin": "pocketbench.reports.formats.site.pages:Origin",
    "device": "pocketbench.reports.formats.site.pages:write_device",
    "overview": "pocketbench.reports.formats.site.pages:write_overview",
}
"""What makes the pages of `pocketbench history site`."""


def load(table: Mapping[str, str], kind: str, name: str) -> Any:
    """Import what a name stands for.

    Raises:
        UnknownNameError: The table has no such name.
    """
    if name not in table:
        raise UnknownNameError(kind, name, table)
    module, _, attribute = table[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
