"""Our programs compiled for Android, as far as it goes without Google's NDK."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from pocketbench.android_runner.build.built import BuiltRunner, read_built
from pocketbench.android_runner.build.executorch_runtime import installed_executorch
from pocketbench.android_runner.build.shared_library import read_library
from pocketbench.bench.cli import cli
from pocketbench.bench.records.elf import read_elf
from tests.android_runner.stand_in_ndk import (
    archive_calling,
    defined_in,
    make_ndk,
    stand_in,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("clang", "lld", "arm64 compiler"),
]
ABI = "arm64-v8a"


@pytest.fixture(scope="module")
def ndk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ndk(tmp_path_factory.mktemp("ndk"))


@pytest.fixture
def runners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache/runners"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Headers beside one library with everything, as packages for apps have it."""
    folder = tmp_path / "package"
    (folder / f"jni/{ABI}").mkdir(parents=True)
    (folder / "include").symlink_to(installed_executorch().includes[0])
    return folder


def symbols() -> list[str]:
    """What arm64's libraries offer: this computer's, with arm64's kind of va_list."""
    found = defined_in(*map(Path, installed_executorch().libraries))
    return [name.replace("P13__va_list_tag", "St9__va_list") for name in found]


def build(*options: str | Path) -> tuple[BuiltRunner | None, str]:
    """What `runner build` made, or what it said."""
    words = ["runner", "build", "--abi", ABI, *map(str, options)]
    done = CliRunner().invoke(cli, words)
    if done.exit_code != 0:
        return None, done.output + str(done.exception)
    built = read_built(Path(done.stdout.strip()).parent)
    assert built is not None
    return built, done.stderr


def section_names(program: str) -> str:
    return subprocess.run(
        ["readelf", "-W", "-S", program], capture_output=True, text=True, check=True
    ).stdout


def test_null_is_static_stripped_and_for_the_oldest_android(
    ndk: Path, runners: Path
) -> None:
    built, said = build("--engine", "null", "--ndk", ndk)
    assert built is not None, said
    assert "NDK 27.0.0-stand-in (API level 21 and newer)" in said
    facts = read_elf(Path(built.program))
    assert (facts.abi, facts.libc) == (ABI, "static")
    assert facts.android_api_level == 21
    assert facts.load_alignment_bytes == 16384
    assert ".symtab" not in section_names(built.program)
    newer, _ = build("--engine", "null", "--ndk", ndk, "--api-level", "26")
    assert newer is not None
    assert read_elf(Path(newer.program)).android_api_level == 26


@pytest.mark.needs("executorch")
def test_a_library_with_everything_is_linked_and_pushed_under_its_own_name(
    ndk: Path, runners: Path, package: Path
) -> None:
    fat = package / f"jni/{ABI}/libexecutorch.so"
    own_name = ("-Wl,-soname,libexecutorch_jni.so",)
    asked = ("--engine", "executorch", "--ndk", ndk, "--runtime", package)
    # What it needs is looked for before anything is compiled.
    helper = stand_in(package / "libfbjni.so", [])
    stand_in(fat, symbols(), *own_name, str(helper))
    built, said = build(*asked)
    assert built is None
    assert "libexecutorch_jni.so: needs libfbjni.so" in said
    assert not list(runners.glob(".tree-*"))
    helper.rename(fat.with_name(helper.name))
    # Then a release of it that lacks something; only what failed is done again.
    lacking = [name for name in symbols() if "6module6Module" not in name]
    for is_compiled in (True, False):
        stand_in(fat, lacking, *own_name)
        built, said = build(*asked)
        assert built is None
        assert "undefined symbol: executorch::" in said
        (log,) = runners.glob("*.log")
        assert ("Building CXX object" in log.read_text()) is is_compiled
        log.unlink()
    stand_in(fat, symbols(), *own_name, str(fat.with_name(helper.name)))
    built, said = build(*asked)
    assert built is not None, said
    assert not [path for path in runners.glob(".tree-*") if path.is_dir()]

    facts = read_elf(Path(built.program))
    assert (facts.libc, facts.android_api_level) == ("bionic", 26)
    assert facts.interpreter == "/system/bin/linker64"
    needed = read_library(Path(built.program)).needed
    assert {"libexecutorch_jni.so", "liblog.so"} <= set(needed)
    names = {Path(path).name for path in built.libraries}
    assert names == {"libexecutorch_jni.so", "libfbjni.so", "libc++_shared.so"}


@pytest.mark.needs("executorch")
def test_a_runtime_for_a_newer_android_than_asked_for_says_which_option(
    ndk: Path, runners: Path, package: Path
) -> None:
    archive_calling(package / "lib/libexecutorch.a", "stderr", symbols())
    archive_calling(package / "lib/libportable_ops_lib.a", "stdout", [])
    asked = ("--engine", "executorch", "--ndk", ndk, "--runtime", package)
    built, said = build(*asked, "--api-level", "21")
    assert built is None
    assert "undefined symbol: stderr" in said
    assert "built for a newer Android: give its level with --api-level" in said

    built, said = build(*asked)
    assert built is not None, said
    assert built.libraries == ()
    assert "liblog.so" in read_library(Path(built.program)).needed
