from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from pocketbench.android_runner.build.built import (
    BuiltRunner,
    sources_sha256,
    write_built,
)
from pocketbench.android_runner.build.toolchain import this_computer
from pocketbench.android_runner.native_programs import NativePrograms, native_command
from pocketbench.bench.errors import RunnerMissingError
from pocketbench.bench.records.artifact import TensorSpec
from pocketbench.bench.records.device import DeviceFile, DeviceInfo
from pocketbench.bench.records.plan import RunnerChoice
from pocketbench.bench.records.runner import LaunchRequest
from tests.bench.test_elf import elf

PHONE = DeviceInfo(
    id="android:1",
    family="android",
    name="a phone",
    abis=("arm64-v8a", "armeabi-v7a"),
    libc="bionic",
)
BIONIC_ARM = elf(183, interpreter="/system/bin/linker64")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def no_build() -> BuiltRunner:
    raise AssertionError("nothing is to be built")


def put(
    folder: Path, *, abi: str = "arm64-v8a", libc: str = "bionic", **changed: object
) -> BuiltRunner:
    folder.mkdir(parents=True)
    (folder / "pocketbench-lite").write_bytes(BIONIC_ARM)
    (folder / "libx.so").write_bytes(b"library")
    facts: dict[str, object] = {
        "engine": "lite",
        "abi": abi,
        "libc": libc,
        "version": "torch 2.1.0",
        "origin": "built here",
        "program": "pocketbench-lite",
        "libraries": ("libx.so",),
        "sources_sha256": sources_sha256(),
        "built_at": "2026-01-01T00:00:00+00:00",
    }
    built = BuiltRunner(**(facts | changed))  # type: ignore[arg-type]
    write_built(folder, built)
    return built


def test_a_phone_gets_the_newest_program_built_for_its_abi(cache: Path) -> None:
    put(cache / "runners" / "old", version="torch 1.0")
    put(cache / "runners" / "new", built_at="2026-02-01T00:00:00+00:00")
    put(cache / "runners" / "other", abi="x86", built_at="2026-03-01T00:00:00+00:00")
    program = NativePrograms("lite", (), no_build).program(PHONE)
    assert program.version == "torch 2.1.0"
    assert program.abi == "arm64-v8a"
    assert program.executable.path == str(cache / "runners/new/pocketbench-lite")
    assert program.executable.executable
    assert [library.name for library in program.libraries] == ["libx.so"]


@pytest.mark.parametrize(
    "unfit",
    [
        {"libc": "glibc"},
        {"abi": "x86"},
        {"engine": "null"},
        {"sources_sha256": "older"},
        {"libraries": ("gone.so",)},
    ],
)
def test_a_phone_without_a_fitting_program_is_reported_both_remedies(
    cache: Path, unfit: dict[str, str]
) -> None:
    put(cache / "runners" / "unfit", **unfit)  # type: ignore[arg-type]
    with pytest.raises(RunnerMissingError) as caught:
        NativePrograms("lite", (), no_build).program(PHONE)
    text = str(caught.value)
    assert "android:1" in text
    assert "pocketbench runner build --engine lite --abi arm64-v8a" in text
    assert "--runner speed_benchmark_torch=PATH@arm64-v8a" in text
    assert ("older pocketbench" in text) == ("sources_sha256" in unfit)


def test_this_computer_and_what_is_like_it_get_what_is_built_here(
    cache: Path, tmp_path: Path
) -> None:
    abi, libc = this_computer()
    built = put(tmp_path / "here", abi=abi, libc=libc)
    located = msgspec.structs.replace(
        built, program=str(tmp_path / "here" / built.program), libraries=()
    )
    programs = NativePrograms("lite", (), lambda: located)
    like = msgspec.structs.replace(PHONE, abis=(abi,), libc=libc)
    assert programs.program(like).executable.path == located.program
    emulator = msgspec.structs.replace(like, libc="bionic")
    with pytest.raises(RunnerMissingError):
        programs.program(emulator)


def test_a_given_program_brings_the_libraries_that_lie_beside_it(
    cache: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "handed over"
    put(folder)
    choice = RunnerChoice(name="lite", path=str(folder / "pocketbench-lite"))
    program = NativePrograms("lite", (choice,), no_build).program(PHONE)
    assert program.abi == "arm64-v8a"
    assert [library.path for library in program.libraries] == [str(folder / "libx.so")]


def test_a_program_given_for_another_device_does_not_hinder_this_one(
    cache: Path, tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.write_bytes(elf(62, interpreter="/system/bin/linker64"))
    choice = RunnerChoice(name="lite", path=str(given))
    put(cache / "runners" / "ours")
    program = NativePrograms("lite", (choice,), no_build).program(PHONE)
    assert program.executable.path == str(cache / "runners/ours/pocketbench-lite")


def library(origin: str, name: str = "libx.so") -> DeviceFile:
    return DeviceFile(
        name=name,
        sha256="1",
        size_bytes=1,
        remote_path=f"/data/objects/{len(name)}/{name}",
        origin=origin,  # type: ignore[arg-type]
    )


def test_libraries_on_a_device_are_put_on_its_loaders_path(
    asked: Callable[..., LaunchRequest],
) -> None:
    there = native_command(asked(libraries=(library("sent"), library("preinstalled"))))
    assert there.env == {"LD_LIBRARY_PATH": "/data/objects/7"}
    assert native_command(asked(libraries=(library("local"),))).env == {}


def test_inputs_are_named_only_to_a_model_without_its_own(
    asked: Callable[..., LaunchRequest],
) -> None:
    inputs = (TensorSpec(shape=(1, 3)), TensorSpec(shape=(), dtype="int64"))
    given = native_command(asked(inputs=inputs)).argv
    assert given[-4:] == ("--input", "float32:1x3", "--input", "int64:")
    bundled = native_command(asked(inputs=inputs, bundled_input_count=1)).argv
    assert "--input" not in bundled


def test_what_is_asked_is_what_is_passed_unquoted(
    asked: Callable[..., LaunchRequest],
) -> None:
    assert native_command(asked(model_path="/data/a $(b) 'c'")).argv == (
        "/data/p",
        *("--model", "/data/a $(b) 'c'"),
        *("--warmup", "2"),
        *("--iterations", "3"),
        *("--threads", "2"),
        *("--heap", "steady"),
        *("--seed", "0"),
    )
