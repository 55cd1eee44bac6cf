from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from pocketbench.android_runner.build.build import (
    build,
    build_for_this_computer,
)
from pocketbench.android_runner.build.build_runner import build_runner
from pocketbench.android_runner.build.built import (
    built_runners,
    read_built,
    runners_folder,
)
from pocketbench.android_runner.build.compile import compile_runner
from pocketbench.android_runner.build.dependencies import needed_libraries
from pocketbench.android_runner.build.file_hash import file_sha256
from pocketbench.android_runner.build.runtime import installed_torch, runtime_in
from pocketbench.android_runner.build.toolchain import (
    build_program,
    file_toolchain,
    host_toolchain,
    ndk_toolchain,
    this_computer,
)
from pocketbench.bench.cli import cli
from pocketbench.bench.errors import (
    RunnerBuildError,
    ToolMissingError,
    UnknownNameError,
    UsageError,
)
from pocketbench.bench.records.elf import read_elf

needs_compiler = pytest.mark.needs("compiler")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def compiled_null(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a null runner that was really compiled, once for this module."""
    folder = tmp_path_factory.mktemp("runners") / "null"
    compile_runner("null", host_toolchain(), None, folder, folder.with_name("tree"))
    return folder


@pytest.fixture
def compiles_quickly(compiled_null: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a compilation give a copy: for what surrounds it, not for itself."""

    def copy(
        engine: str, toolchain: object, runtime: object, folder: Path, tree: Path
    ) -> None:
        shutil.copytree(compiled_null, folder, dirs_exist_ok=True)

    monkeypatch.setattr("pocketbench.android_runner.build.build.compile_runner", copy)


@pytest.fixture
def this_abi() -> str:
    return this_computer()[0]


def silent(text: str) -> None:
    pass


@needs_compiler
@pytest.mark.usefixtures("compiles_quickly")
def test_a_runner_is_compiled_once_and_found_until_it_is_deleted(cache: Path) -> None:
    reported: list[str] = []
    first = build_for_this_computer("null", reported.append)
    assert len(reported) == 1
    assert reported[0].startswith("building the null runner for ")
    assert reported[0].endswith("about 5 s ...")
    inode = Path(first.program).stat().st_ino
    assert build_for_this_computer("null", reported.append) == first
    assert len(reported) == 1
    assert Path(first.program).stat().st_ino == inode
    left = sorted(path.name for path in runners_folder().iterdir())
    assert left == [Path(first.program).parent.name, left[1]]
    assert left[1].endswith(".lock")
    assert built_runners() == (first,)
    assert first.is_current
    Path(first.program).unlink()
    assert built_runners() == ()
    assert build_for_this_computer("null", reported.append).program == first.program
    assert len(reported) == 2


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _turn_a_bit(path: Path) -> None:
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@needs_compiler
@pytest.mark.parametrize("damage", [_truncate, _turn_a_bit])
def test_a_damaged_program_counts_as_missing(
    cache: Path, compiled_null: Path, damage: Callable[[Path], None]
) -> None:
    folder = runners_folder() / "null-damaged"
    shutil.copytree(compiled_null, folder)
    found = read_built(folder)
    assert found is not None
    damage(Path(found.program))
    assert read_built(folder) is None
    assert built_runners() == ()


def _build_null(cache: str, results: multiprocessing.Queue[list[str]]) -> None:
    os.environ["POCKETBENCH_CACHE_DIR"] = cache
    reported: list[str] = []
    build_for_this_computer("null", reported.append)
    results.put(reported)


@pytest.mark.slow
@needs_compiler
def test_processes_at_the_same_time_build_once_and_wait(cache: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [
        context.Process(target=_build_null, args=(str(cache), results))
        for _ in range(3)
    ]
    for process in processes:
        process.start()
    reported = [line for _ in processes for line in results.get(timeout=120)]
    for process in processes:
        process.join(timeout=120)
        assert process.exitcode == 0
    assert sum(line.startswith("building") for line in reported) == 1


def test_without_a_compiler_the_package_is_named(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ToolMissingError, match=r"apt install g\+\+|xcode-select"):
        build_for_this_computer("null", silent)


def test_a_compiler_named_in_cxx_that_is_not_there_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CXX", "/opt/no-such-c++")
    with pytest.raises(ToolMissingError, match="/opt/no-such-c\\+\\+: not found"):
        host_toolchain()


@needs_compiler
def test_a_build_that_fails_shows_its_last_lines_and_keeps_the_log(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXXFLAGS", "--no-such-flag-of-a-compiler")
    with pytest.raises(RunnerBuildError) as caught:
        build_for_this_computer("null", silent)
    text = str(caught.value)
    assert "no-such-flag-of-a-compiler" in text
    (log,) = runners_folder().glob("*.log")
    assert str(log) in text
    assert "no-such-flag-of-a-compiler" in log.read_text()
    assert built_runners() == ()
    assert not list(runners_folder().glob(".building-*"))


@needs_compiler
@pytest.mark.usefixtures("compiles_quickly")
def test_other_compiler_flags_are_another_program(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = build_for_this_computer("null", silent)
    monkeypatch.setenv("CXXFLAGS", "-O1")
    assert build_for_this_computer("null", silent).program != plain.program


@pytest.mark.slow
@needs_compiler
def test_a_cross_build_goes_through_a_toolchain_file(
    cache: Path, tmp_path: Path, this_abi: str
) -> None:
    file = tmp_path / "toolchain.cmake"
    file.write_text(f'set(CMAKE_CXX_COMPILER "{shutil.which("c++")}")\n')
    built = build_runner("null", abi=this_abi, toolchain=file, progress=silent)
    assert built.abi == this_abi
    assert read_elf(Path(built.program)).abi == this_abi
    assert " 1" in built.origin
    with pytest.raises(RunnerBuildError, match=f"it came out as {this_abi}"):
        build_runner("null", abi="armeabi-v7a", toolchain=file, progress=silent)


@needs_compiler
@pytest.mark.usefixtures("compiles_quickly")
def test_an_output_folder_holds_all_that_another_computer_needs(
    cache: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    built = build_runner("null", output=output, progress=silent)
    assert built.program == str(output / "pocketbench-null")
    moved = output.rename(tmp_path / "moved")
    found = read_built(moved)
    assert found is not None
    assert found.program == str(moved / "pocketbench-null")


@needs_compiler
def test_a_cross_build_names_the_same_libraries_by_name_as_this_computer_by_folder(
    tmp_path: Path, this_abi: str
) -> None:
    runtime = installed_torch()
    built = build("lite", host_toolchain(), runtime, silent)
    file = tmp_path / "toolchain.cmake"
    file.write_text("")
    cross = file_toolchain(file, this_abi)
    found = needed_libraries(Path(built.program), cross, runtime, tmp_path)
    assert set(found) == set(built.libraries)


@needs_compiler
def test_a_library_that_is_nowhere_is_named(tmp_path: Path) -> None:
    runtime = installed_torch()
    built = build("lite", host_toolchain(), runtime, silent)
    alone = tmp_path / "program"
    content = Path(built.program).read_bytes()
    folder = str(Path(runtime.libraries[0]).parent).encode()
    alone.write_bytes(content.replace(folder, folder.replace(b"/", b"_")))
    nowhere = msgspec.structs.replace(runtime, libraries=())
    with pytest.raises(RunnerBuildError, match=r"libtorch_cpu\.so"):
        needed_libraries(alone, host_toolchain(), nowhere, tmp_path)


def test_the_installed_torch_is_found_without_importing_it() -> None:
    runtime = installed_torch()
    assert runtime.version is not None
    assert runtime.version.startswith("torch 2.")
    assert all(Path(path).exists() for path in (*runtime.includes, *runtime.libraries))
    program = (
        "import sys\n"
        "from pocketbench.android_runner.build.runtime import installed_torch\n"
        "installed_torch(); sys.exit('torch' in sys.modules)"
    )
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", program]) == 0


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(
            "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 1\n"
            "#define TORCH_VERSION_PATCH 0\n"
        )
    return root


def test_an_unpacked_mobile_library_is_a_runtime_of_the_abis_it_has(
    tmp_path: Path,
) -> None:
    root = make(
        tmp_path,
        "headers/torch/csrc/api/include/torch/version.h",
        "jni/arm64-v8a/libpytorch_jni_lite.so",
        "jni/arm64-v8a/libc++_shared.so",
    )
    runtime = runtime_in(root, "arm64-v8a")
    assert runtime.version == "torch 2.1.0"
    assert runtime.libraries == (str(root / "jni/arm64-v8a/libpytorch_jni_lite.so"),)
    assert runtime.includes[0] == str(root / "headers")
    with pytest.raises(UsageError, match=r"has no library for x86\. It has arm64-v8a"):
        runtime_in(root, "x86")


def test_an_install_folder_with_archives_links_torch_whole(tmp_path: Path) -> None:
    names = ("libtorch.a", "libtorch_cpu.a", "libc10.a", "libcpuinfo.a")
    root = make(tmp_path, "include/torch/version.h", *(f"lib/{x}" for x in names))
    runtime = runtime_in(root, "arm64-v8a")
    assert runtime.version == "torch 2.1.0"
    assert str(root / "lib/libtorch_cpu.a") in runtime.whole_archives
    assert runtime.archives == (str(root / "lib/libcpuinfo.a"),)
    assert runtime.libraries == ()


def test_a_folder_that_is_no_runtime_is_reported_what_was_looked_for(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match=r"jni/arm64-v8a/libpytorch_jni_lite\.so"):
        runtime_in(tmp_path, "arm64-v8a")


def test_an_ndk_compiles_for_androids_abis(tmp_path: Path) -> None:
    make(
        tmp_path,
        "build/cmake/android.toolchain.cmake",
        "toolchains/llvm/prebuilt/linux-x86_64/sysroot/usr/lib/"
        "aarch64-linux-android/libc++_shared.so",
    )
    (tmp_path / "source.properties").write_text("Pkg.Revision = 27.2.12479018\n")
    tools = ndk_toolchain(tmp_path, "arm64-v8a", api_level=26, shared_stl=True)
    assert tools.short_name == "NDK 27.2.12479018 (API level 26 and newer)"
    assert "-DANDROID_PLATFORM=android-26" in tools.options
    assert tools.libc == "bionic"
    assert tools.is_cross
    assert "-DANDROID_ABI=arm64-v8a" in tools.options
    assert "-DANDROID_STL=c++_shared" in tools.options
    assert Path(tools.folders[0], "libc++_shared.so").is_file()
    with pytest.raises(UsageError, match="arm64: not an ABI of Android"):
        ndk_toolchain(tmp_path, "arm64", api_level=21, shared_stl=False)


def test_what_a_build_for_a_phone_needs_is_asked_for(tmp_path: Path) -> None:
    make(tmp_path, "build/cmake/android.toolchain.cmake")
    with pytest.raises(UsageError, match="--ndk"):
        build_runner("lite", abi="armeabi-v7a", progress=silent)
    with pytest.raises(UsageError, match="--runtime"):
        build_runner("lite", abi="arm64-v8a", ndk=tmp_path, progress=silent)
    with pytest.raises(UsageError, match="--abi"):
        build_runner("lite", ndk=tmp_path, progress=silent)
    with pytest.raises(UnknownNameError, match="Did you mean lite"):
        build_runner("light", progress=silent)


def test_cmake_and_ninja_are_those_of_their_python_packages() -> None:
    for name in ("cmake", "ninja"):
        assert os.access(build_program(name), os.X_OK)
    assert sys.prefix in str(build_program("cmake"))


def test_a_files_hash_is_remembered_until_the_file_changes(
    cache: Path, tmp_path: Path
) -> None:
    file = tmp_path / "big"
    file.write_bytes(b"one")
    first = file_sha256(file)
    (entry,) = (cache / "hashes").iterdir()
    remembered = entry.read_bytes()
    assert file_sha256(file) == first
    file.write_bytes(b"two and more")
    assert file_sha256(file) != first
    assert entry.read_bytes() != remembered
    entry.write_bytes(b"{ broken")
    assert file_sha256(file) != first


@needs_compiler
@pytest.mark.usefixtures("compiles_quickly")
def test_the_command_line_builds_and_lists(cache: Path) -> None:
    run = CliRunner().invoke
    empty = run(cli, ["runner", "list"])
    assert empty.exit_code == 0
    assert "No runner has been built yet" in empty.stderr
    done = run(cli, ["runner", "build", "--engine", "null"])
    assert done.exit_code == 0, done.output
    assert Path(done.stdout.strip()).name == "pocketbench-null"
    assert "building the null runner" in done.stderr
    listed = run(cli, ["runner", "list"])
    assert "null" in listed.stdout
    assert str(cache) in listed.stderr
    (row,) = msgspec.json.decode(run(cli, ["runner", "list", "--json"]).stdout)
    assert row["program"] == done.stdout.strip()
    assert row["is_current"] is True


def test_help_says_that_phones_have_not_been_proved() -> None:
    done = CliRunner().invoke(cli, ["runner", "build", "--help"])
    assert "NEITHER HAS YET BEEN PROVED ON A REAL PHONE" in " ".join(
        done.output.split()
    )
