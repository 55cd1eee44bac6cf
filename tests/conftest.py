"""What every test shares: a private home, and honest skipping."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

pytest_plugins = ["tests.phones", "tests.apple"]

REPOSITORY = Path(__file__).parent.parent

TOOLS = {
    "bubblewrap": "bwrap",
    "mksh": "mksh",
    "toybox": "toybox",
    "chromium": "chromium",
    "compiler": "c++",
    "namespaces": "unshare",
    "apt": "apt-get",
    "qemu": "qemu-aarch64-static",
    "arm64 compiler": "aarch64-linux-gnu-g++",
}
"""What a test may need, and the program that shows it is there."""

PACKAGES = {
    "executorch": "executorch",
    "digits": "sklearn",
    "coremltools": "coremltools",
}
"""Likewise, and the Python package."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose tool is missing, by name; in CI that is a failure."""
    for mark in item.iter_markers("needs"):
        for tool in mark.args:
            if not _is_there(tool):
                message = f"needs {tool}, which is not installed"
                if os.environ.get("CI"):
                    pytest.fail(f"{item.name} {message}; CI must install it")
                pytest.skip(message)


def _is_there(tool: str) -> bool:
    if tool in PACKAGES:
        return importlib.util.find_spec(PACKAGES[tool]) is not None
    return shutil.which(TOOLS[tool]) is not None


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
    for name in ("ANDROID_SERIAL", "ADB_VENDOR_KEYS", "ANDROID_ADB_SERVER_PORT"):
        os.environ.pop(name, None)
    return home
