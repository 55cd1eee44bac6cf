"""Libraries as linkers see them: the .aar of PyTorch Mobile 2.1.0 has a fault that lld
refuses. The ones here are made with it on purpose, and linked by Debian's own lld.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from pocketbench.android_runner.build.dependencies import (
    check_libraries,
    needed_libraries,
)
from pocketbench.android_runner.build.runtime import Runtime
from pocketbench.android_runner.build.shared_library import linkable, read_library
from pocketbench.android_runner.build.toolchain import Toolchain
from pocketbench.bench.errors import RunnerBuildError, UsageError

needs_compiler = pytest.mark.needs("compiler")
ANDROID = Toolchain(
    abi="x86_64",
    libc="bionic",
    compiler="any",
    short_name="any",
    options=(),
    is_cross=True,
)


def compile_library(
    folder: Path, name: str, *needed: Path, soname: str | None = None, code: str = ""
) -> Path:
    """A library that needs others whether it calls them or not."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    subprocess.run(
        [
            *("cc", "-shared", "-fPIC", "-nostdlib", "-x", "c", "-", "-o", str(path)),
            *("-Wl,--no-as-needed", f"-Wl,-soname,{soname or name}", "-x", "none"),
            *map(str, needed),
        ],
        input=code.encode(),
        check=True,
    )
    return path


def with_the_fault(library: Path, symbol: str) -> Path:
    """Make a symbol local where it is, as an old linker of the NDK did."""
    content = bytearray(library.read_bytes())
    listed = subprocess.run(
        ["readelf", "-W", "--dyn-syms", str(library)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    row = next(x for x in listed.splitlines() if x.endswith(f" {symbol}"))
    sections = subprocess.run(
        ["readelf", "-W", "-S", str(library)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    words = next(x for x in sections.splitlines() if ".dynsym" in x).split("]")[1]
    offset = int(words.split()[3], 16)
    info_at = offset + int(row.split(":")[0]) * 24 + 4
    assert content[info_at] >> 4 == 1
    content[info_at] &= 0xF
    library.write_bytes(content)
    return library


@needs_compiler
def test_a_library_says_its_name_and_what_it_needs_and_where_that_lies(
    tmp_path: Path,
) -> None:
    other = compile_library(tmp_path, "libother.so")
    library = compile_library(tmp_path, "file.so", other, soname="libfat.so")
    facts = read_library(library)
    assert facts.name == "libfat.so"
    assert facts.needed == ("libother.so",)
    assert facts.misplaced_symbols == ()
    assert linkable(library, tmp_path / "copies") == library


@pytest.mark.parametrize("content", [b"", b"text", b"\x7fELF\2\1"])
def test_a_file_that_is_no_library_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "libtext.so"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"libtext\.so: not a shared library"):
        read_library(path)


@pytest.mark.needs("compiler", "lld")
def test_lld_links_with_the_mended_copy_of_what_it_refuses_and_runs_with_the_original(
    tmp_path: Path,
) -> None:
    code = "int answer(void) { return 42; } int edge = 1;"
    library = with_the_fault(
        compile_library(tmp_path / "jni", "libfat.so", code=code), "edge"
    )
    original = library.read_bytes()
    copy = linkable(library, tmp_path / "linked")

    def link(given: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *("cc", "-fuse-ld=lld", "-Wl,--fatal-warnings", "-x", "c", "-"),
                *("-o", str(tmp_path / "program"), "-x", "none", str(given)),
            ],
            input="int answer(void); int main(void) { return answer(); }",
            capture_output=True,
            text=True,
            check=False,
        )

    refused = link(library)
    assert refused.returncode != 0
    assert "found local symbol 'edge' in global part" in refused.stderr
    assert link(copy).returncode == 0
    assert library.read_bytes() == original
    assert read_library(copy).misplaced_symbols == ()
    done = subprocess.run(
        [tmp_path / "program"],
        env={"LD_LIBRARY_PATH": str(library.parent)},
        check=False,
    )
    assert done.returncode == 42


@needs_compiler
def test_libraries_are_found_by_their_own_name_and_the_toolchains_come_first(
    tmp_path: Path,
) -> None:
    beside, ndk, place = tmp_path / "jni", tmp_path / "ndk", tmp_path / "ready"
    place.mkdir()
    shared = compile_library(beside, "libc++_shared.so")
    newer = compile_library(ndk, "libc++_shared.so")
    system = compile_library(tmp_path / "other", "liblog.so")
    fat = compile_library(
        beside, "libexecutorch.so", shared, system, soname="libexecutorch_jni.so"
    )
    program = compile_library(tmp_path, "program", fat)
    runtime = Runtime(version=None, includes=(), libraries=(str(fat),))
    toolchain = replace(ANDROID, folders=(str(ndk),))
    found = needed_libraries(program, toolchain, runtime, place)
    # What the phone's linker asks for is the name of what is pushed.
    assert set(found) == {"libexecutorch_jni.so", str(newer)}
    assert (place / "libexecutorch_jni.so").read_bytes() == fat.read_bytes()


@needs_compiler
def test_a_library_that_is_missing_is_named_before_anything_is_compiled(
    tmp_path: Path,
) -> None:
    helper = compile_library(tmp_path / "elsewhere", "libfbjni.so")
    fat = compile_library(tmp_path / "jni", "libexecutorch.so", helper)
    runtime = Runtime(version=None, includes=(), libraries=(str(fat),))
    with pytest.raises(RunnerBuildError) as caught:
        check_libraries(ANDROID, runtime)
    assert str(caught.value) == (
        f"libexecutorch.so: needs libfbjni.so, which is nowhere. Put it into "
        f"{tmp_path / 'jni'}, out of the .aar of com.facebook.fbjni:fbjni"
    )
