"""A phone whose ABI is not this computer's: its programs really run, translated."""

from __future__ import annotations

import subprocess
import threading

import pytest

from pocketbench.bench.errors import ToolMissingError
from pocketbench.devices.simulated import profile
from pocketbench.devices.simulated.driver import SimulatedDriver
from pocketbench.devices.simulated.phone import translator

PROFILE = "pixel-8-arm64"

pytestmark = [
    pytest.mark.needs("qemu"),
    pytest.mark.skipif(
        translator.native_abi() == "arm64-v8a", reason="nothing to translate here"
    ),
]


@pytest.fixture(scope="session")
def hello(tmp_path_factory):
    """A dynamically linked arm64 program that says what it was compiled for."""
    folder = tmp_path_factory.mktemp("hello")
    source = folder / "hello.c"
    source.write_text(
        "#include <stdio.h>\n"
        "int main(int argc, char **argv) {\n"
        "#ifdef __aarch64__\n"
        '  printf("arm64 %d %s\\n", argc, argv[argc - 1]);\n'
        "#endif\n"
        "  return 7;\n"
        "}\n"
    )
    program = folder / "hello"
    compiler = "aarch64-linux-gnu-gcc"
    subprocess.run([compiler, str(source), "-o", str(program)], check=True)
    return program


@pytest.mark.needs("arm64 compiler")
def test_a_program_of_its_abi_runs_with_its_arguments_and_exit_code(
    phone_factory, hello
):
    phone = phone_factory(PROFILE)
    phone.adb("push", str(hello), "/data/local/tmp/hello")
    done = phone.shell("chmod 755 /data/local/tmp/hello; /data/local/tmp/hello 'a b'")
    assert (done.stdout, done.returncode) == ("arm64 2 a b\n", 7)
    # Whoever starts it: the phone's other commands do, too.
    done = phone.shell("sh -c 'exec timeout 9 /data/local/tmp/hello c'; echo $?")
    assert done.stdout == "arm64 2 c\n7\n"


@pytest.mark.needs("arm64 compiler")
def test_on_a_phone_without_a_translator_the_shell_refuses_it(phone_factory, hello):
    phone = phone_factory("pixel-8")
    phone.adb("push", str(hello), "/data/local/tmp/hello")
    done = phone.shell("chmod 755 /data/local/tmp/hello; /data/local/tmp/hello")
    assert done.returncode != 0
    assert "not executable: 64-bit ELF file" in done.stderr


def test_it_says_what_runs_and_that_it_is_translated():
    driver = SimulatedDriver()
    (found,) = [x for x in driver.discover() if x.id == f"simulated:{PROFILE}"]
    with driver.open(found, cancel=threading.Event()) as device:
        info = device.info
        done = device.run(["uname", "-m"], timeout_s=30)
    for described in (found, info):
        assert described.abis == ("arm64-v8a",)
        assert described.is_simulated
        assert described.is_emulated
    assert done.stdout == b"aarch64\n"


def test_it_is_as_the_phone_it_is_like_but_for_its_abi():
    base, found = profile.load("pixel-8"), profile.load(PROFILE)
    assert found.clusters == base.clusters
    assert found.identity == base.identity
    assert "qemu" in found.modelled_on


def test_without_qemu_it_is_refused_with_the_package_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolMissingError, match=r"apt install qemu-user-static"):
        translator.find(profile.load(PROFILE))
