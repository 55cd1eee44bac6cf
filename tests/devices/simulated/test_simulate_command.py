"""`pocketbench simulate`, as a user types it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from pocketbench.devices.simulated.phone.translator import native_abi


@pytest.fixture
def simulate(adb, monkeypatch):
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(adb.port))
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    program = [
        sys.executable,
        "-m",
        "pocketbench",
        "simulate",
    ]

    started = []

    def start(*words):
        running = subprocess.Popen(
            [*program, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(running)
        return running

    yield start
    for running in started:
        if running.poll() is None:
            running.kill()
        running.communicate(timeout=120)


def serial_of(line):
    return line.split(": ")[1].split(",")[0]


def test_phones_are_connected_and_reported_and_gone_after_ctrl_c(simulate, adb):
    running = simulate("pixel-8", "redmi-note-11s", "pixel-8")
    lines = []
    for line in running.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    names = [line.split(":")[0] for line in lines[:3]]
    assert names == ["pixel-8", "redmi-note-11s", "pixel-8-2"]
    assert f", {native_abi()}, modelled on Pixel 8 (arm64-v8a" in lines[0]
    serials = [serial_of(line) for line in lines[:3]]
    assert all(adb("get-state", serial=s).stdout == "device\n" for s in serials)
    assert any(f"--device android:{serials[1]}" in line for line in lines)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=120)
    assert (running.returncode, errors) == (0, "")
    listed = adb("devices").stdout
    assert not any(serial in listed for serial in serials)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_phones_end_with_the_command_however_that_ends(simulate, adb, number):
    running = simulate("pixel-8", "--name", "ends")
    serial = serial_of(running.stdout.readline())
    assert adb("shell", "echo on", serial=serial).stdout == "on\n"
    running.send_signal(number)
    running.communicate(timeout=120)
    adb("disconnect", serial)
    assert "refused" in adb("connect", serial).stdout


def test_its_profile_can_be_changed_and_its_behaviour_scripted(simulate, adb):
    running = simulate(
        *("pixel-8", "--name", "changed", "--heat", "iteration_ms=20"),
        *("--set", "battery.plugged=null", "--set", "battery.status=discharging"),
        *("--set", "battery.level=15", "--set", "memory.available_kb=150000"),
        *("--set", "clusters.1.capped_frequency_khz=1221000"),
        *("--set", 'clusters.2.unreadable=["scaling_cur_freq"]'),
        *("--set", 'behaviour.rules=[{contains="measure", action="kill"}]'),
    )
    serial = serial_of(running.stdout.readline())

    def answer(command):
        return adb("shell", command, serial=serial)

    battery = answer("dumpsys battery").stdout
    assert "  level: 15\n" in battery
    assert "  status: 3\n" in battery
    assert "  USB powered: false\n" in battery
    assert "MemAvailable:     150000 kB" in answer("cat /proc/meminfo").stdout
    folder = "/sys/devices/system/cpu/cpufreq"
    assert answer(f"cat {folder}/policy4/scaling_max_freq").stdout == "1221000\n"
    assert "denied" in answer(f"cat {folder}/policy8/scaling_cur_freq").stderr
    assert answer("getprop ro.pocketbench.heats").stdout == "1\n"
    assert answer("exec sleep 30 # measure").returncode == 137
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=120)


def test_the_list_reports_every_profile(simulate):
    out, _ = simulate("--list").communicate(timeout=120)
    assert "Pixel 8 (arm64-v8a, 9 cores), Android 14" in out


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (["pixel-88"], "unknown phone profile. Did you mean pixel-8"),
        (["pixel-8", "nexus-5", "--name", "x"], "several are asked for"),
        (["pixel-8", "--name", "../x"], "not a name for a phone"),
        (["pixel-8", "--set", "battery.levle=3"], "unknown field `levle`"),
        (["pixel-8", "--set", "clusters.9.capacity=3"], "has no clusters.9.capacity"),
        (["pixel-8", "--set", "battery"], "is not KEY=VALUE"),
        (["pixel-8", "--heat", "slowdown=2"], "length of the iterations"),
        (
            ["pixel-8", "--heat", "iteration_ms=20", "--heat", "period_ms=7"],
            "at most a third",
        ),
    ],
)
def test_what_cannot_be_done_is_reported_in_a_line(simulate, words, reported):
    running = simulate(*words)
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 2
    assert reported in errors
    assert errors.count("\n") == 1


def test_where_namespaces_are_forbidden_it_says_how_to_allow_them(
    simulate, monkeypatch, tmp_path
):
    # What `unshare` answers is how we learn it.
    unshare = tmp_path / "unshare"
    unshare.write_text("#!/bin/sh\nexit 1\n")
    unshare.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    running = simulate("pixel-8")
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 2
    assert "user.max_user_namespaces" in errors
