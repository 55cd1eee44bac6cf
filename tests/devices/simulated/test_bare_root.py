"""A phone whose root has only Android's folders."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from pocketbench.bench.errors import ToolMissingError, UnknownNameError, UsageError
from pocketbench.bench.records.elf import read_elf
from pocketbench.devices.simulated.phone import system_root
from tests.bench.test_elf import elf

pytestmark = pytest.mark.needs("namespaces", "mksh")


@pytest.fixture
def bare(phone_factory):
    return phone_factory(root="android")


@pytest.fixture
def dynamic(tmp_path):
    """A program of this computer that needs its C library."""
    source = tmp_path / "hello.c"
    source.write_text('#include <stdio.h>\nint main() { puts("hello"); }\n')
    program = tmp_path / "hello"
    subprocess.run(["cc", source, "-o", program], check=True)
    return program


def test_it_holds_no_library_of_this_computer(bare):
    assert "No such file" in bare.shell("ls /lib /lib64 /usr").stderr
    assert bare.shell("getprop ro.pocketbench.libc").stdout.strip() == "none"


@pytest.mark.needs("compiler")
def test_a_program_must_bring_its_loader_and_libraries(bare, dynamic):
    there = "/data/local/tmp/hello"
    loader = Path(read_elf(dynamic).interpreter).resolve()
    listed = subprocess.run(["ldd", dynamic], capture_output=True, text=True).stdout
    libc = next(x.split()[2] for x in listed.splitlines() if "libc.so" in x)
    bare.adb("push", dynamic, there)
    alone = bare.shell(there)
    assert alone.returncode in (126, 127)
    assert "hello" not in alone.stdout

    bare.adb("push", loader, "/data/local/tmp/loader")
    without = bare.shell(f"/data/local/tmp/loader {there}")
    assert "libc.so.6: cannot open shared object file" in without.stderr
    bare.adb("push", Path(libc).resolve(), "/data/local/tmp/libc.so.6")
    done = bare.shell(f"/data/local/tmp/loader --library-path /data/local/tmp {there}")
    assert done.stdout == "hello\n"


def test_the_phones_own_commands_work_all_the_same(bare, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    bare.adb("push", file, "/data/local/tmp/file")
    digest = hashlib.sha256(b"abc").hexdigest()
    assert digest in bare.shell("sha256sum /data/local/tmp/file").stdout
    assert bare.shell("echo a b | wc -w").stdout.strip() == "2"
    assert bare.shell("ls /system/bin/no-such").returncode == 1
    pinned = bare.shell("pocketbench-lease 0 grep Cpus_allowed_list /proc/self/status")
    assert pinned.stdout.split() == ["Cpus_allowed_list:", "0"]


def test_a_system_image_makes_its_c_library_androids(phone_factory, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/linker64").write_bytes(b"the linker")
    (tmp_path / "lib64").mkdir()
    (tmp_path / "lib64/libc.so").write_bytes(b"bionic")
    phone = phone_factory(root="android", system_image=tmp_path)
    assert phone.shell("getprop ro.pocketbench.libc").stdout.strip() == "bionic"
    assert phone.shell("cat /system/bin/linker64").stdout == "the linker"
    assert phone.shell("cat /system/lib64/libc.so").stdout == "bionic"
    assert phone.shell("echo still | wc -l").stdout.strip() == "1"


def test_a_system_image_of_another_abi_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no bin/linker64"):
        system_root.check_system_image(tmp_path, ["x86_64"])
    for name, content in (("bin/linker64", elf(183)), ("lib64/libc.so", b"")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(content)
    system_root.check_system_image(tmp_path, ["arm64-v8a"])
    with pytest.raises(UsageError, match="is for arm64-v8a, and the phone runs x86_64"):
        system_root.check_system_image(tmp_path, ["x86_64"])


def test_the_kind_of_root_is_chosen_by_the_environment(monkeypatch):
    monkeypatch.setenv(system_root.VARIABLE, "host")
    assert system_root.chosen_root() == "host"
    monkeypatch.delenv(system_root.VARIABLE)
    assert system_root.chosen_root() == "android"
    monkeypatch.setenv(system_root.VARIABLE, "androit")
    with pytest.raises(UnknownNameError, match="android"):
        system_root.chosen_root()


def test_without_a_static_shell_the_root_shows_this_computers_libraries(monkeypatch):
    monkeypatch.setattr(system_root, "static_shell", lambda: None)
    monkeypatch.delenv(system_root.VARIABLE)
    assert system_root.chosen_root() == "host"
    monkeypatch.setenv(system_root.VARIABLE, "android")
    with pytest.raises(ToolMissingError, match="mksh"):
        system_root.chosen_root()
