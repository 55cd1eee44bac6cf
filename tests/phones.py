"""Fixtures: a private adb server, and simulated phones connected to it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
import uuid

import pytest

from pocketbench.devices.android.adb.private_server import private_server
from pocketbench.devices.android.adb.program import find_adb
from pocketbench.devices.simulated.running import running_phone


class Adb:
    """The real adb program and a server of the tests' own."""

    def __init__(self, program, server):
        self.path = program.path
        self.program = program
        self.server = server
        self.port = server.port

    def __call__(self, *words, serial=None, stdin=None, timeout_s=60):
        """Run adb; both outputs as text, whatever bytes they are."""
        argv = [self.path, "-P", str(self.port)]
        argv += ["-s", serial] if serial else []
        done = subprocess.run(
            [*argv, *words],
            input=None if stdin is None else stdin.encode(),
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout_s,
        )
        # Not in text mode, which would undo the carriage returns of old phones.
        for name in ("stdout", "stderr"):
            text = getattr(done, name).decode(errors="surrogateescape")
            setattr(done, name, text)
        return done

    def client(self):
        import adbutils

        return adbutils.AdbClient("127.0.0.1", self.port)

    def connect(self, phone):
        """Connect and wait until the server calls it a device."""
        self("connect", phone.serial)
        self("wait-for-device", serial=phone.serial)

    def state(self, phone):
        for line in self("devices").stdout.splitlines():
            serial, _, state = line.partition("\t")
            if serial == phone.serial:
                return state
        return None


def free_port():
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(condition, timeout_s=300.0):
    """Wait until a condition holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


@contextlib.contextmanager
def as_soon_as(condition, then):
    """While the context goes on, do something from a thread once a condition holds.

    The thread ends with the context, and what went wrong in it fails the test.
    """
    over = threading.Event()
    errors = []

    def watch():
        try:
            while not over.is_set():
                if condition():
                    return then()
                over.wait(0.02)
            errors.append(AssertionError("the condition never held"))
        except Exception as error:
            errors.append(error)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    if errors:
        raise errors[0]


def runs_on(phone, command):
    """A condition: exactly this command runs on the phone."""

    def condition():
        return phone.shell(f"pgrep -f '^{command}$'").stdout.strip()

    return condition


def has_come(phone, byte_count):
    """A condition: so many bytes have come to the phone since the last reset."""
    return lambda: phone.statistics()["received_bytes"] >= byte_count


@pytest.fixture(scope="session")
def adb(private_home):
    with private_server(find_adb(), private_home / "adb") as server:
        yield Adb(find_adb(), server)


@pytest.fixture
def phone_factory(adb):
    """Start phones: `phone_factory("pixel-8")`; each has `phone.adb(*words)`.

    Every phone has a file system of its own unless a name is given. With
    connect=False the adb server does not learn of it.
    """
    with contextlib.ExitStack() as stack:

        def start(profile="pixel-8", *, name=None, connect=True, **more):
            name = name or f"{profile}-{uuid.uuid4().hex[:8]}"
            context = running_phone(profile, name=name, **more)
            phone = stack.enter_context(context)
            stack.callback(adb, "disconnect", phone.serial)
            phone.name = name
            phone.adb = lambda *words, **how: adb(*words, serial=phone.serial, **how)
            phone.shell = lambda command, **how: phone.adb("shell", command, **how)
            if connect:
                adb.connect(phone)
            return phone

        yield start


@pytest.fixture
def phone(phone_factory):
    return phone_factory()
