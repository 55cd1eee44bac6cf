from __future__ import annotations

import struct
from pathlib import Path

import pytest

from pocketbench.android_runner.prebuilt.given_programs import (
    GivenProgram,
    GivenPrograms,
    library_env,
)
from pocketbench.bench.errors import RunnerMissingError, UnknownNameError, UsageError
from pocketbench.bench.records.device import DeviceFile, DeviceInfo
from pocketbench.bench.records.plan import RunnerChoice
from tests.factories import launch_request

MACHINES = {"arm64-v8a": (183, 2), "x86_64": (62, 2)}
LINKERS = {
    "bionic": b"/system/bin/linker64\0",
    "glibc": b"/lib/ld-linux.so.2\0",
    "static": b"",
}

PIXEL = DeviceInfo(
    id="android:P8",
    family="android",
    name="Pixel",
    abis=("arm64-v8a",),
    libc="bionic",
)
EMULATOR = DeviceInfo(
    id="android:E",
    family="android",
    name="Emulator",
    abis=("x86_64", "arm64-v8a"),
    libc="bionic",
)
HOST = DeviceInfo(id="host", family="host", name="host", abis=("x86_64",), libc="glibc")


def elf_program(path: Path, abi: str, libc: str, content: bytes = b"") -> Path:
    """A file with the headers of a 64-bit program, and any content after them."""
    machine, bits = MACHINES[abi]
    interpreter = LINKERS[libc]
    ident = b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9)
    at = 64 + 56
    header = ident + struct.pack(
        "<HHIQQQIHHHHHH", 3, machine, 1, at, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    kind = 3 if interpreter else 1
    segment = struct.pack(
        "<IIQQQQQQ", kind, 4, at, 0, 0, len(interpreter), len(interpreter), 1
    )
    path.write_bytes(header + segment + interpreter + content)
    return path


def choose(info: DeviceInfo, *paths: Path | str, abi: str | None = None) -> str:
    choices = [RunnerChoice(name="bench", path=str(path), abi=abi) for path in paths]
    return GivenPrograms("bench", choices).program(info).executable.name


def test_the_program_of_the_device_s_abi_and_c_library_is_chosen(tmp_path):
    files = [
        elf_program(tmp_path / f"{abi}-{libc}", abi, libc)
        for abi in MACHINES
        for libc in ("bionic", "glibc")
    ]
    assert choose(PIXEL, *files) == "arm64-v8a-bionic"
    assert choose(HOST, *files) == "x86_64-glibc"


def test_the_device_s_best_abi_comes_before_the_order_given(tmp_path):
    arm = elf_program(tmp_path / "arm", "arm64-v8a", "bionic")
    intel = elf_program(tmp_path / "intel", "x86_64", "bionic")
    assert choose(EMULATOR, arm, intel) == "intel"
    assert choose(EMULATOR, arm) == "arm"


def test_a_static_program_runs_with_any_c_library(tmp_path):
    static = elf_program(tmp_path / "static", "arm64-v8a", "static")
    assert choose(PIXEL, static) == "static"


def test_an_abi_that_the_user_names_wins_over_the_header(tmp_path):
    wrapper = tmp_path / "wrapper.sh"
    wrapper.write_text("#!/bin/sh\n")
    assert choose(PIXEL, wrapper, abi="arm64-v8a") == "wrapper.sh"
    intel = elf_program(tmp_path / "intel", "x86_64", "bionic")
    assert choose(PIXEL, intel, abi="arm64-v8a") == "intel"


def test_a_file_that_is_no_program_is_refused_unless_its_abi_is_named(tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    with pytest.raises(UsageError, match=r"not an ELF program.*@ABI"):
        choose(PIXEL, script)


def test_a_program_for_another_device_is_refused_with_both_remedies(tmp_path):
    intel = elf_program(tmp_path / "intel", "x86_64", "glibc")
    arm_glibc = elf_program(tmp_path / "arm", "arm64-v8a", "glibc")
    with pytest.raises(RunnerMissingError) as caught:
        choose(PIXEL, intel, arm_glibc)
    message = str(caught.value)
    assert message.startswith("android:P8: no bench for this device (arm64-v8a; bionic")
    assert f"{intel} (x86_64, glibc)" in message
    assert "--runner bench=PATH@arm64-v8a" in message
    assert "pocketbench runner build --engine lite --abi arm64-v8a" in message
    assert caught.value.exit_code == 2


def test_a_path_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match=r"/nowhere/bench: no such file"):
        choose(PIXEL, "/nowhere/bench")


def test_an_unknown_option_names_the_near_ones(tmp_path):
    program = elf_program(tmp_path / "p", "arm64-v8a", "static")
    choice = RunnerChoice(
        name="bench", path=str(program), options=(("vulcan", "true"),)
    )
    with pytest.raises(UnknownNameError, match="Did you mean vulkan"):
        GivenProgram(choice, ["vulkan"])


def test_the_choices_of_other_runners_are_left_alone(tmp_path):
    other = RunnerChoice(name="other", path="/nowhere")
    mine = elf_program(tmp_path / "mine", "arm64-v8a", "static")
    programs = GivenPrograms(
        "bench", [other, RunnerChoice(name="bench", path=str(mine))]
    )
    assert programs.program(PIXEL).executable.path == str(mine)


def test_given_libraries_become_objects_and_are_found_by_the_loader(tmp_path):
    program = elf_program(tmp_path / "p", "arm64-v8a", "bionic")
    library = tmp_path / "libc++_shared.so"
    library.write_bytes(b"library")
    choice = RunnerChoice(
        name="bench", path=str(program), options=(("library", str(library)),)
    )
    chosen = GivenPrograms("bench", [choice]).program(PIXEL)
    assert [item.name for item in chosen.objects] == ["p", "libc++_shared.so"]
    installed = DeviceFile(
        name="libc++_shared.so",
        sha256="2",
        size_bytes=7,
        remote_path="/objects/2/libc++_shared.so",
        origin="sent",
    )
    request = launch_request(program=installed, libraries=(installed, installed))
    assert library_env(request) == {"LD_LIBRARY_PATH": "/objects/2"}


def test_the_words_in_a_program_report_the_flags_it_knows(tmp_path):
    program = elf_program(tmp_path / "p", "arm64-v8a", "static", b"\0pool_size\0")
    given = GivenProgram(RunnerChoice(name="bench", path=str(program)), [])
    assert given.holds("pool_size")
    assert not given.holds("print_output")


@pytest.mark.parametrize(
    ("value", "is_on"), [("true", True), ("on", True), ("0", False), ("No", False)]
)
def test_a_switch_is_read_in_every_usual_spelling(tmp_path, value, is_on):
    program = elf_program(tmp_path / "p", "arm64-v8a", "static")
    choice = RunnerChoice(name="bench", path=str(program), options=(("gpu", value),))
    given = GivenProgram(choice, switches=["gpu"])
    assert given.switch("gpu", not is_on) is is_on


def test_a_switch_that_is_neither_is_refused_before_anything_is_measured(tmp_path):
    program = elf_program(tmp_path / "p", "arm64-v8a", "static")
    choice = RunnerChoice(name="bench", path=str(program), options=(("gpu", "maybe"),))
    with pytest.raises(UsageError, match=r"bench\.gpu=maybe: neither true nor false"):
        GivenPrograms("bench", [choice], switches=["gpu"]).program(PIXEL)


def test_a_library_of_one_abi_stays_with_the_program_of_that_abi(tmp_path):
    files = {abi: elf_program(tmp_path / abi, abi, "bionic") for abi in MACHINES}
    library = tmp_path / "libc++_shared.so"
    library.write_bytes(b"library")
    options = (("library", f"{library}@arm64-v8a"),)
    programs = GivenPrograms(
        "bench",
        [
            RunnerChoice(name="bench", path=str(file), options=options)
            for file in files.values()
        ],
    )
    assert [x.name for x in programs.program(PIXEL).libraries] == ["libc++_shared.so"]
    assert programs.program(EMULATOR).libraries == ()
