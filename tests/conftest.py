"""What every test shares: a private home, and honest skipping."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something of the machine and nothing of the code.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")

# What a shell starts in the background ignores Ctrl-C, and so would every program that
# the tests press it for.
signal.signal(signal.SIGINT, signal.default_int_handler)
# What was started with nohup ignores a terminal that closes.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

pytest_plugins = ["tests.phones", "tests.apple"]

REPOSITORY = Path(__file__).parent.parent

TOOLS = {
    "bubblewrap": ("bwrap", "bubblewrap"),
    "mksh": ("mksh", "mksh"),
    "toybox": ("toybox", "toybox"),
    "chromium": ("chromium", "chromium"),
    "compiler": ("c++", "g++"),
    "namespaces": ("unshare", "util-linux"),
    "apt": ("apt-get", "apt"),
    "qemu": ("qemu-aarch64-static", "qemu-user-static"),
    "openssl": ("openssl", "openssl"),
    "clang": ("clang++", "clang"),
    "lld": ("ld.lld", "lld"),
    "arm64 compiler": ("aarch64-linux-gnu-g++", "g++-aarch64-linux-gnu"),
}
"""What a test may need: the program that shows it is there, and Debian's package."""

PACKAGES = {
    "executorch": "executorch",
    "digits": "sklearn",
    "coreml": "coremltools",
    "lab": "distributed",
    "jumpstarter": "jumpstarter_driver_adb",
}
"""Likewise, by pocketbench's extra: the Python module."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs one of pocketbench's extras."""
    for item in items:
        needed = {tool for mark in item.iter_markers("needs") for tool in mark.args}
        if needed & PACKAGES.keys():
            item.add_marker("extras")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose tool is missing, by name; in CI that is a failure.

    An extra is missing only where CI installs it.
    """
    missing = [
        tool
        for mark in item.iter_markers("needs")
        for tool in mark.args
        if not _is_there(tool)
    ]
    if not missing:
        return
    message = f"needs {', '.join(missing)}: not installed"
    wanted = os.environ.get("POCKETBENCH_EXTRAS", "").split(",")
    if os.environ.get("CI") and any(x in TOOLS or x in wanted for x in missing):
        pytest.fail(f"{item.name} {message}; CI must install it")
    # Reports travel from a worker to the terminal; the configuration does not.
    item.user_properties.append(("missing", ",".join(missing)))
    pytest.skip(message)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests each missing tool skipped, and what installs them all."""
    counts = Counter(
        tool
        for report in terminalreporter.getreports("skipped")
        for key, value in getattr(report, "user_properties", ())
        if key == "missing"
        for tool in str(value).split(",")
    )
    if counts:
        terminalreporter.section("skipped for what is not installed")
        for tool, count in sorted(counts.items()):
            terminalreporter.line(f"{tool}: {count} test{'s' if count > 1 else ''}")
        terminalreporter.line(f"install: {install_line(counts)}")


def install_line(tools: Iterable[str]) -> str:
    """The one command that installs these tools on Debian or Ubuntu."""
    names = sorted(tools)
    steps = []
    if packages := [TOOLS[name][1] for name in names if name in TOOLS]:
        steps.append(f"sudo apt-get install -y {' '.join(packages)}")
    if extras := [name for name in names if name in PACKAGES]:
        steps.append(f"POCKETBENCH_EXTRAS=dev,{','.join(extras)} scripts/setup")
    return " && ".join(steps)


def _is_there(tool: str) -> bool:
    if tool in PACKAGES:
        return importlib.util.find_spec(PACKAGES[tool]) is not None
    return shutil.which(TOOLS[tool][0]) is not None


@pytest.fixture(scope="session", autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home, caches and an adb server port of the tests' own.

    The cache outlives the session when POCKETBENCH_TEST_CACHE_DIR names a folder:
    the native runner then compiles once and not once a session.
    """
    home = tmp_path_factory.mktemp("home")
    cache = os.environ.get("POCKETBENCH_TEST_CACHE_DIR") or str(home / "cache")
    os.environ.update(
        HOME=str(home),
        POCKETBENCH_CACHE_DIR=cache,
        POCKETBENCH_STATE_DIR=str(home / "state"),
        ADB_MDNS="0",
        # Phones show this computer's libraries, which saves pushing 434 MB to each;
        # those that hold none have tests of their own.
        POCKETBENCH_SIMULATED_ROOT="host",
    )
    for name in (
        *("ANDROID_SERIAL", "ADB_VENDOR_KEYS", "ANDROID_ADB_SERVER_PORT"),
        # Without their bytecode, each of many processes would compile our modules.
        "PYTHONDONTWRITEBYTECODE",
    ):
        os.environ.pop(name, None)
    return home
