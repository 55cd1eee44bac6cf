"""What XCTest measured, from xcodebuild's console or from a result bundle's metrics.

The raw values are taken, never the printed average: XCTest rounds that to
milliseconds.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pocketbench.bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOCK = "Clock Monotonic Time"
PEAK_MEMORY = "Memory Peak Physical"
_MEASURED = re.compile(
    r"Test Case '-?\[?(?P<test>.+?)\]?' measured \[(?P<metric>[^,\]]+), "
    r"(?P<unit>[^\]]+)\] average: .*?values: \[(?P<values>[^\]]*)\]"
)
_PROCESS_BEGINS = re.compile(r"^Test Suite '(?:All tests|Selected tests)' started")
_SCALES = {
    "s": 1e9,
    "ms": 1e6,
    "us": 1e3,
    "µs": 1e3,
    "ns": 1.0,
    "kB": 1e3,
    "MB": 1e6,
    "B": 1.0,
}
"""To nanoseconds and bytes. Apple's kB is 1000 bytes: values of whole 16 KiB pages
differ by 16.384."""
_DEVICE = re.compile(
    r"_?(?:iOS_(?P<os>\d+(?:[._]\d+)*)_(?P<model>i(?:Phone|Pad)\d+[,_]\d+)"
    r"|(?P<model2>i(?:Phone|Pad)\d+[,_]\d+)_iOS_(?P<os2>\d+(?:[._]\d+)*))$"
)
"""At the end of the names that ExecuTorch's benchmark app gives its tests."""


class Measured(NamedTuple):
    """One metric of one test in one process."""

    process: int
    """Number of the process among those of the file: iterations of one process are
    one launch."""
    test: str
    metric: str
    values: tuple[int, ...]
    """Nanoseconds or bytes."""
    device_model: str | None = None
    """Where the file has it: Apple's identifier or a name."""
    os_version: str | None = None


class TestName(NamedTuple):
    """The parts of a test's name in ExecuTorch's benchmark app."""

    kind: str
    """`forward`, `load`, or what else the test is called."""
    model: str
    device_model: str | None
    os_version: str | None


def read_measured(text: str, path: str) -> tuple[Measured, ...]:
    """Everything in a file, in either of the two forms.

    Raises:
        UsageError: It is neither, or nothing was measured.
    """
    is_json = text.lstrip()[:1] in ("[", "{")
    found = tuple(_of_metrics(text, path) if is_json else _of_console(text))
    if not found:
        raise UsageError(
            path,
            "holds no XCTest measurement",
            "Give xcodebuild's console output, or that of `xcrun xcresulttool get "
            "test-results metrics --path R.xcresult`",
        )
    return found


def split_name(test: str) -> TestName:
    """Read `-[Tests test_forward_MODEL_pte_iOS_17_2_1_iPhone15_4]` and its kin."""
    name = test.strip("-[]").rsplit(maxsplit=1)[-1].rsplit("/", maxsplit=1)[-1]
    name = name.removesuffix("()")
    name = name.removeprefix("test_").removeprefix("test")
    device = _DEVICE.search(name)
    model, os_version = None, None
    if device:
        name = name[: device.start()]
        model = (device["model"] or device["model2"]).replace("_", ",")
        os_version = (device["os"] or device["os2"]).replace("_", ".")
    kind, _, rest = name.partition("_")
    if kind not in ("forward", "load") or not rest:
        return TestName(name, name, model, os_version)
    return TestName(kind, rest.removesuffix("_pte"), model, os_version)


def _of_console(text: str) -> Iterator[Measured]:
    process = 0
    has_begun = False
    for line in text.splitlines():
        if _PROCESS_BEGINS.match(line):
            process += has_begun
            has_begun = True
        found = _MEASURED.search(line)
        if found is None:
            continue
        values = [word.strip() for word in found["values"].split(",")]
        parsed = _scaled(found["unit"], [float(word) for word in values if word])
        if parsed:
            yield Measured(process, found["test"], found["metric"], parsed)


def _of_metrics(text: str, path: str) -> Iterator[Measured]:
    """`xcresulttool get test-results metrics`: tests, their runs, their metrics."""
    try:
        tests = json.loads(text)
    except ValueError as error:
        raise UsageError(
            path, f"is no whole JSON ({error})", "Make it again with xcresulttool"
        ) from error
    for test in _objects(tests):
        name = test.get("testIdentifier") or test.get("testName")
        for number, run in enumerate(_objects(test.get("testRuns"))):
            device = run.get("device")
            about: dict[str, Any] = device if isinstance(device, dict) else {}
            for metric in _objects(run.get("metrics")):
                parsed = _scaled(
                    str(metric.get("unitOfMeasurement")),
                    [
                        float(value)
                        for value in metric.get("measurements") or ()
                        if isinstance(value, int | float)
                    ],
                )
                if parsed and isinstance(name, str):
                    yield Measured(
                        number,
                        name,
                        str(metric.get("displayName")),
                        parsed,
                        _text(about, "modelName", "deviceName"),
                        _text(about, "osVersion"),
                    )


def _objects(value: Any) -> list[dict[str, Any]]:
    return [x for x in value if isinstance(x, dict)] if isinstance(value, list) else []


def _text(value: dict[str, Any], *keys: str) -> str | None:
    for key in keys:
        if isinstance(value.get(key), str) and value[key]:
            return str(value[key])
    return None


def _scaled(unit: str, values: list[float]) -> tuple[int, ...]:
    scale = _SCALES.get(unit)
    if scale is None or any(not 0 <= value < 1e15 for value in values):
        return ()
    return tuple(round(value * scale) for value in values)
