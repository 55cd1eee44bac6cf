"""What a program on a simulated phone sees, and what is left when the phone ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from pocketbench.bench.errors import UnknownNameError
from pocketbench.devices.simulated.running import running_phone
from tests.phones import wait_for


def processes_of(root_pid):
    """A process and all its descendants, from this computer's view."""
    try:
        with open(f"/proc/{root_pid}/task/{root_pid}/children") as file:
            children = [int(pid) for pid in file.read().split()]
    except FileNotFoundError:
        return []
    return [root_pid, *(pid for child in children for pid in processes_of(child))]


def wait_until_gone(pids):
    wait_for(lambda: not any(map(is_alive, pids)))


def start(phone, adb, command):
    argv = [adb.path, "-P", str(adb.port), "-s", phone.serial, "shell", command]
    return subprocess.Popen(argv, stdout=subprocess.PIPE)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_processor_is_the_profiles(phone):
    cpuinfo = phone.shell("cat /proc/cpuinfo").stdout
    assert cpuinfo.count("processor") == 9
    assert cpuinfo.count("0xd4e") == 1
    assert phone.shell("cat /sys/devices/system/cpu/present").stdout == "0-8\n"
    folder = "/sys/devices/system/cpu/cpu8/cpufreq"
    assert phone.shell(f"cat {folder}/cpuinfo_max_freq").stdout == "2914000\n"


def test_this_computers_files_are_hidden(phone, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for path in (secret, "/home", "/root", "/usr/bin", "/etc/hostname"):
        assert phone.shell(f"ls {path}").returncode != 0
    folders = phone.shell("ls /").stdout.split()
    assert "data" in folders
    assert "boot" not in folders


def test_its_user_is_androids_shell_without_any_privilege(phone):
    assert "uid=2000(shell)" in phone.shell("id").stdout
    status = phone.shell("cat /proc/self/status").stdout
    capabilities = [
        line.split() for line in status.splitlines() if line.startswith("Cap")
    ]
    held = {key: int(value, 16) for key, value in capabilities}
    assert held["CapEff:"] == held["CapPrm:"] == held["CapInh:"] == 0
    assert phone.shell("mount -t tmpfs x /data/local/tmp").returncode != 0


def test_only_the_phones_own_processes_are_seen(phone):
    listed = phone.shell("ls /proc").stdout.split()
    pids = [int(name) for name in listed if name.isdigit()]
    assert 0 < len(pids) <= 4
    assert phone.shell("cat /proc/self/comm").stdout == "cat\n"


@pytest.mark.needs("compiler")
def test_a_native_program_of_this_computer_runs_and_is_pinned(phone, tmp_path):
    source = tmp_path / "program.cpp"
    source.write_text(
        textwrap.dedent("""
        #include <sched.h>
        #include <iostream>
        #include <thread>
        int main(int argc, char** argv) {
          std::thread thread([&] {
            cpu_set_t set;
            sched_getaffinity(0, sizeof set, &set);
            std::cout << argv[1] << " " << CPU_COUNT(&set) << std::endl;
          });
          thread.join();
        }
        """)
    )
    program = tmp_path / "program"
    subprocess.run(["c++", "-O1", "-pthread", source, "-o", program], check=True)
    phone.adb("push", str(program), "/data/local/tmp/program")
    cpu = min(os.sched_getaffinity(0))
    lease = phone.shell("getprop ro.pocketbench.lease").stdout.strip()
    done = phone.shell(f"{lease} {cpu} /data/local/tmp/program 'two words'")
    assert done.stdout == "two words 1\n"


def test_sdcard_is_kept_and_runs_no_program(phone):
    phone.shell("cp /system/bin/sh /sdcard/program; chmod 755 /sdcard/program")
    done = phone.shell("/sdcard/program -c true")
    assert done.returncode == 126
    assert "Permission denied" in done.stderr


@pytest.mark.needs("mksh", "toybox")
def test_its_shell_is_androids_where_that_is_installed(phone):
    assert phone.shell("getprop ro.pocketbench.shell").stdout == "mksh, toybox\n"
    failed = phone.shell("no-such-command")
    assert "inaccessible or not found" in failed.stderr


@contextlib.contextmanager
def shell_of_a_phone_started_by(adb, *argv):
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    serial = json.loads(child.stdout.readline())["serial"]
    try:
        adb("connect", serial)
        adb("wait-for-device", serial=serial)
        yield lambda command: adb("shell", command, serial=serial).stdout
    finally:
        adb("disconnect", serial)
        child.communicate(timeout=300)


def test_without_androids_shell_this_computers_commands_stand_in(adb):
    argv = [sys.executable, "-c", WITHOUT_ANDROIDS_SHELL]
    with shell_of_a_phone_started_by(adb, *argv) as answer:
        assert answer("getprop ro.pocketbench.shell").endswith(", host programs\n")
        assert "Thermal Status: 0\n" in answer("dumpsys thermalservice")
        assert answer("echo word | sha256sum | wc -c") == "68\n"
        assert answer("uname -r; taskset 1f0 echo ran").endswith("ran\n")
        assert "mWakefulness=Awake\n" in answer("dumpsys power")


WITHOUT_ANDROIDS_SHELL = """
import sys
from pocketbench.devices.simulated import phone_process
from pocketbench.devices.simulated.phone import tools
which = tools.which
absent = {"mksh", "toybox", "busybox"}
tools.which = lambda name: None if name in absent else which(name)
sys.exit(phone_process.main(["pixel-8", "--name", "plain", "--until-stdin-closes"]))
"""


@pytest.mark.needs("namespaces")
def test_in_a_container_that_hides_parts_of_proc_it_still_has_one(adb):
    # The kernel then allows no new /proc, as in a Docker container.
    mask = "mount --bind /dev/null /proc/keys"
    phone = f"{sys.executable} -m pocketbench.devices.simulated pixel-8 --name masked"
    argv = ["unshare", "-rm", "sh", "-c"]
    argv.append(f"{mask} && exec {phone} --until-stdin-closes")
    with shell_of_a_phone_started_by(adb, *argv) as answer:
        assert answer("cat /proc/cpuinfo").count("processor\t") == 9
        assert "Name:\tcat" in answer("cat /proc/self/status")
        assert answer("sleep 60 & kill -9 $! && echo killed") == "killed\n"


def test_stopping_ends_every_process(phone_factory, adb):
    phone = phone_factory()
    shell = start(phone, adb, "setsid sleep 600 & nohup sleep 601 & echo started; wait")
    assert shell.stdout.readline() == b"started\n"
    # The kernel may skip a child in its list while another one ends.
    wait_for(lambda: len(processes_of(phone.pid)) >= 5)
    pids = processes_of(phone.pid)
    phone.stop()
    wait_until_gone(pids)
    shell.communicate(timeout=300)


@pytest.mark.parametrize("victim", [0, 1], ids=["the phone", "its init"])
def test_killing_a_part_of_the_phone_ends_every_process(phone_factory, adb, victim):
    phone = phone_factory()
    shell = start(phone, adb, "setsid sleep 600 & echo started; wait")
    assert shell.stdout.readline() == b"started\n"
    pids = processes_of(phone.pid)
    os.kill(pids[victim], signal.SIGKILL)
    wait_until_gone(pids)
    shell.communicate(timeout=300)


def test_killing_the_starter_ends_the_phone():
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True
    )
    pids = processes_of(int(starter.stdout.readline()))
    assert len(pids) >= 2
    starter.kill()
    starter.communicate()
    wait_until_gone(pids)


STARTER = """
import time
from pocketbench.devices.simulated.running import running_phone
with running_phone("pixel-8", name="orphan") as phone:
    print(phone.pid, flush=True)
    time.sleep(600)
"""


def test_two_phones_have_nothing_in_common(phone_factory):
    first, second = phone_factory(), phone_factory("redmi-note-11s")
    first.shell("echo 1 > /data/local/tmp/file; setprop debug.word one")
    assert second.shell("ls /data/local/tmp").stdout == ""
    assert second.shell("getprop debug.word").stdout == "\n"
    serials = {p.shell("getprop ro.serialno").stdout for p in (first, second)}
    assert len(serials) == 2


def test_an_unknown_profile_names_the_near_ones():
    with pytest.raises(UnknownNameError, match="Did you mean pixel-8"):
        running_phone("pixel-88").__enter__()
