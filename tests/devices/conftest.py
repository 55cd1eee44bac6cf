"""Phones opened the way the main job opens them."""

from __future__ import annotations

import contextlib
import threading

import pytest

from pocketbench.bench.records.device import describe_local_file
from pocketbench.devices.android.driver import open_serial


def opened(adb, phone, *, cancel=None, progress=None, serial=None, claim=None):
    """A phone, open as long as the context lasts."""
    return open_serial(
        serial or phone.serial,
        adb_host="127.0.0.1",
        adb_port=adb.port,
        device_id=f"android:{phone.serial}",
        family="android",
        cancel=cancel or threading.Event(),
        progress=progress,
        claim=claim,
    )


@pytest.fixture
def open_phone(adb):
    """Open a phone until the test ends: `open_phone(phone, cancel=event)`."""
    with contextlib.ExitStack() as stack:
        yield lambda *phone, **more: stack.enter_context(opened(adb, *phone, **more))


@pytest.fixture
def make_object(tmp_path):
    """Write a file and describe it: `make_object("name", b"content")`."""
    import hashlib

    def make(name, content, *, executable=False):
        folder = tmp_path / hashlib.sha256(content).hexdigest()[:12]
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_bytes(content)
        return describe_local_file(
            path, sha256=hashlib.sha256(content).hexdigest(), executable=executable
        )

    return make
