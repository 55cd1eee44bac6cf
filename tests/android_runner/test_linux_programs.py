"""Which of our programs a phone gets: Android's build, or Linux's with its library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from pocketbench.android_runner.build.built import read_built
from pocketbench.android_runner.linux_programs import LinuxPrograms
from pocketbench.android_runner.native_programs import NativePrograms, native_command
from pocketbench.bench.errors import RunnerMissingError
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.runner import LaunchRequest
from tests.android_runner.test_native_programs import (
    PHONE,
    library,
    no_build,
    put,
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def programs(cache: Path, tmp_path: Path, said: list[str]) -> NativePrograms:
    folder = tmp_path / "linux"
    folder.mkdir()
    names = ("ld-linux-aarch64.so.1", "libc.so.6", "libx.so")
    for name in names:
        (folder / name).write_bytes(name.encode())
    put(folder / "built", libc="glibc", libraries=tuple(f"../{x}" for x in names))

    def build(abi: str):  # type: ignore[no-untyped-def]
        assert abi == "arm64-v8a"
        return read_built(folder / "built")

    linux = LinuxPrograms("lite", lambda: ("arm64-v8a",), build, said.append)
    return NativePrograms("lite", (), no_build, linux=linux)


def test_without_androids_build_a_phone_gets_linuxs_and_one_line_says_so(
    programs: NativePrograms, said: list[str]
) -> None:
    program = programs.program(PHONE)
    assert programs.program(msgspec.structs.replace(PHONE, id="android:2")) == program
    assert program.libc == "glibc"
    assert program.loader is not None
    assert program.loader.executable
    assert not program.libraries[-1].executable
    (line,) = said
    assert "no Android build of the lite runner" in line
    assert "--engine executorch" in line


def test_androids_build_comes_first(
    programs: NativePrograms, cache: Path, said: list[str]
) -> None:
    put(cache / "runners/bionic")
    assert programs.program(PHONE).libc == "bionic"
    assert said == []


def test_the_user_chooses_the_c_library(programs: NativePrograms, cache: Path) -> None:
    put(cache / "runners/bionic")
    programs.libc = "glibc"
    assert programs.program(PHONE).libc == "glibc"
    programs.libc = "bionic"
    assert programs.program(PHONE).libc == "bionic"


def test_nothing_else_is_taken_where_androids_was_asked_for(
    programs: NativePrograms,
) -> None:
    programs.libc = "bionic"
    with pytest.raises(RunnerMissingError, match="with bionic"):
        programs.program(PHONE)


@pytest.mark.parametrize(
    "other", [{"abis": ("armeabi-v7a",)}, {"libc": "darwin"}, {"libc": "musl"}]
)
def test_devices_that_run_no_such_program_are_reported_what_to_do(
    programs: NativePrograms, said: list[str], other: dict[str, object]
) -> None:
    info: DeviceInfo = msgspec.structs.replace(PHONE, **other)
    with pytest.raises(RunnerMissingError):
        programs.program(info)
    assert said == []


def test_a_program_with_a_loader_is_started_by_it(
    asked: Callable[..., LaunchRequest],
) -> None:
    request = asked(
        libraries=(library("sent", "ld-linux-aarch64.so.1"), library("sent"))
    )
    command = native_command(request)
    loader, option, path, program, *_ = command.argv
    assert loader.endswith("/ld-linux-aarch64.so.1")
    assert option == "--library-path"
    assert path.split(":") == [
        x.remote_path.rpartition("/")[0] for x in request.libraries
    ]
    assert program == request.program.remote_path
    assert command.env == {}


def test_the_way_back_from_a_choice_is_named(programs: NativePrograms) -> None:
    programs.libc = "bionic"
    with pytest.raises(RunnerMissingError, match="Leave out --libc bionic"):
        programs.program(PHONE)
