"""Which adb is used, and adb servers of our own and of the user."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from pocketbench.bench.errors import DeviceLostError, ToolMissingError
from pocketbench.devices.android.adb import client, transports
from pocketbench.devices.android.adb.private_server import (
    any_private_server,
    private_server,
)
from pocketbench.devices.android.adb.program import (
    AdbProgram,
    bundled_adb,
    find_adb,
    read_version,
)
from pocketbench.devices.android.adb.server import (
    AdbServer,
    ServerWatch,
    ensure_running,
)
from pocketbench.devices.android.driver import AndroidDriver


def test_the_program_found_reports_its_version():
    adb = find_adb()
    assert adb.protocol >= 41
    assert adb.version in str(adb)
    assert adb.path in str(adb)


def test_a_private_server_has_a_home_of_its_own_and_ends_with_its_context(tmp_path):
    adb = find_adb()
    with private_server(adb, tmp_path / "home") as server:
        assert server.protocol() == adb.protocol
        assert server.port not in range(5555, 5586)
        assert server.port != 5037
        watch = ServerWatch(server)
        assert not watch.ended(within_s=0.05)
    assert watch.ended(within_s=5)
    watch.close()
    assert server.protocol() is None
    assert (tmp_path / "home" / ".android" / "adbkey").exists()


def test_a_private_server_claims_no_usb_phone_and_refuses_to_be_ended_by_others(
    tmp_path,
):
    adb = find_adb()
    with private_server(adb, tmp_path) as server:
        kill = server.command(adb, "kill-server")
        subprocess.run(kill, capture_output=True, timeout=120)
        assert server.protocol() == adb.protocol
        log = (tmp_path / "adb.log").read_text()
        assert "ignoring kill-server" in log
        assert "usb" not in log


def test_a_private_server_ends_when_its_starter_is_killed(tmp_path):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from pocketbench.devices.android.adb.program import find_adb\n"
        "from pocketbench.devices.android.adb.private_server import private_server\n"
        "with private_server(find_adb(), Path(sys.argv[1])) as server:\n"
        "    print(server.port, flush=True)\n"
        "    time.sleep(60)\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    server = AdbServer("127.0.0.1", int(starter.stdout.readline()))
    watch = ServerWatch(server)
    starter.send_signal(signal.SIGKILL)
    starter.communicate()
    assert watch.ended(within_s=20)
    watch.close()


def test_a_port_that_is_taken_is_reported_in_adbs_words(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ToolMissingError, match="Address already in use"),
            private_server(find_adb(), tmp_path, port=port),
        ):
            pass


def test_a_running_server_of_another_version_is_left_alone(tmp_path):
    adb = find_adb()
    older = AdbProgram(path="/usr/bin/adb", version="30.0.5", protocol=40)
    with private_server(adb, tmp_path) as server:
        with pytest.raises(ToolMissingError, match=r"speaks version 41 and adb 30\.0"):
            ensure_running(server, older)
        assert server.protocol() == 41


def test_the_users_server_is_started_when_none_runs(tmp_path, monkeypatch):
    adb = find_adb()
    with socket.create_server(("127.0.0.1", 0)) as free:
        server = AdbServer("127.0.0.1", free.getsockname()[1])
    monkeypatch.setenv("ADB_USB", "0")
    monkeypatch.setenv("ADB_EMU", "0")
    monkeypatch.setenv("HOME", str(tmp_path))
    ensure_running(server, adb)
    try:
        assert server.protocol() == adb.protocol
    finally:
        words = [adb.path, "-P", str(server.port), "kill-server"]
        subprocess.run(words, timeout=120, check=True)
    assert server.protocol() is None


def test_a_server_elsewhere_is_not_started_from_here():
    with pytest.raises(ToolMissingError, match="Start one there"):
        ensure_running(AdbServer("127.0.0.2", 1), find_adb())


FAILS = (
    "#!/bin/sh\n"
    "[ $1 = version ] && echo 'Android Debug Bridge version 1.0.41' && exit\n"
    "echo 'unknown option' >&2; exit 1\n"
)


def program(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_a_private_server_falls_back_to_the_bundled_adb(tmp_path, monkeypatch):
    old = program(tmp_path / "adb", FAILS)
    monkeypatch.setenv("ADBUTILS_ADB_PATH", old)
    with any_private_server(tmp_path / "home") as (adb, server):
        assert adb.path == bundled_adb().path != old
        assert server.protocol() == adb.protocol


def test_an_adb_that_replies_only_when_started_as_adb_starts_it_serves(
    tmp_path, monkeypatch
):
    real = bundled_adb().path
    text = (
        "#!/bin/sh\n"
        'case "$*" in\n'
        '  version | *"fork-server server --reply-fd"*) exec "$REAL_ADB" "$@" ;;\n'
        "  *) exec sleep 600 ;;\n"
        "esac\n"
    )
    old = program(tmp_path / "adb", text)
    monkeypatch.setenv("REAL_ADB", real)
    monkeypatch.setenv("ADBUTILS_ADB_PATH", old)
    with any_private_server(tmp_path / "home") as (adb, server):
        assert adb.path == old
        assert server.protocol() == adb.protocol


def test_where_no_adb_starts_a_server_the_first_one_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("ADBUTILS_ADB_PATH", program(tmp_path / "adb", FAILS))
    monkeypatch.setattr(
        "pocketbench.devices.android.adb.private_server.bundled_adb", lambda: None
    )
    with (
        pytest.raises(ToolMissingError, match="unknown option"),
        any_private_server(tmp_path / "home"),
    ):
        pass


def test_an_old_program_reports_its_version_too(tmp_path):
    old = tmp_path / "adb"
    old.write_text(
        "#!/bin/sh\necho 'Android Debug Bridge version 1.0.39'\n"
        "echo 'Revision 3db08f2c6889-android'\n"
    )
    old.chmod(0o755)
    adb = read_version(str(old))
    assert (adb.protocol, adb.version) == (39, "3db08f2c6889-android")


def test_adbutils_never_starts_a_server_behind_our_back(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("started one"))
    assert AdbServer("127.0.0.1", 1).protocol() is None


def test_something_else_at_the_port_is_no_adb_server():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        server = AdbServer("127.0.0.1", listener.getsockname()[1])
        with pytest.raises(DeviceLostError, match=r"adb server 127\.0\.0\.1"):
            server.protocol()
        thread.join()


@pytest.mark.parametrize("answered", [0, 1])
def test_a_server_that_stops_answering_is_given_up(monkeypatch, answered):
    """It takes every connection, as a stopped or hung process does."""
    monkeypatch.setattr(client, "_ANSWER_TIMEOUT_S", 0.2)
    monkeypatch.setattr(transports, "_LIST_TIMEOUT_S", 0.2)
    adb = find_adb()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            for _ in range(answered):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(100)
                    connection.sendall(b"OKAY0004%04x" % adb.protocol)
                    connection.recv(100)

        thread = threading.Thread(target=answer)
        thread.start()
        server = AdbServer("127.0.0.1", listener.getsockname()[1])
        began = time.monotonic()
        with pytest.raises(DeviceLostError, match="gives no answer") as caught:
            AndroidDriver(host=server.host, port=server.port).discover()
        assert time.monotonic() - began < 5
        assert caught.value.subject == f"adb server {server}"
        assert "End its process" in caught.value.next_step
        thread.join()


def test_a_program_that_cannot_start_a_server_is_not_waited_for(monkeypatch, tmp_path):
    adb = tmp_path / "adb"
    adb.write_text("#!/bin/sh\nexec sleep 60\n")
    adb.chmod(0o755)
    monkeypatch.setattr("pocketbench.devices.android.adb.server._START_TIMEOUT_S", 0.2)
    with pytest.raises(ToolMissingError, match=r"no answer in 0\.2 s"):
        ensure_running(AdbServer("127.0.0.1", 1), AdbProgram(str(adb), 41, "36"))
