"""Runtimes out of wheels, fetched by the real pip from a folder."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path

import msgspec
import pytest

from pocketbench.android_runner.build.wheels import PINNED, PinnedWheel, unpacked
from pocketbench.bench.errors import RunnerBuildError
from pocketbench.bench.records.elf import read_elf

NAME = "tinyruntime-1.2-cp311-cp311-manylinux_2_28_aarch64.whl"
FILES = {
    "tinyruntime/lib/libtiny.so": b"a library",
    "tinyruntime/lib/libunneeded.so": b"another",
    "tinyruntime/include/tiny.h": b"a header",
    "tinyruntime-1.2.dist-info/METADATA": (
        b"Metadata-Version: 2.1\nName: tinyruntime\nVersion: 1.2\n"
    ),
    "tinyruntime-1.2.dist-info/WHEEL": (
        b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n"
        b"Tag: cp311-cp311-manylinux_2_28_aarch64\n"
    ),
    "tinyruntime-1.2.dist-info/RECORD": b"",
}


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PinnedWheel:
    index = tmp_path / "index"
    index.mkdir()
    with zipfile.ZipFile(index / NAME, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    for name, value in {
        "POCKETBENCH_CACHE_DIR": str(tmp_path / "cache"),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
    }.items():
        monkeypatch.setenv(name, value)
    content = (index / NAME).read_bytes()
    return PinnedWheel(
        project="tinyruntime",
        version="1.2",
        abi="arm64-v8a",
        platform="manylinux_2_28_aarch64",
        python="3.11",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        root="tinyruntime",
        libraries=("tinyruntime/lib/libtiny.so",),
    )


def files_of(folder: Path) -> set[str]:
    return {str(x.relative_to(folder)) for x in folder.rglob("*") if x.is_file()}


def test_only_the_needed_files_are_kept_and_nothing_is_fetched_twice(
    wheel: PinnedWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    folder = unpacked(wheel, said.append)
    assert files_of(folder) == {"tinyruntime/lib/libtiny.so"}
    with_headers = unpacked(wheel, said.append, headers=True)
    assert files_of(with_headers) == {
        "tinyruntime/lib/libtiny.so",
        "tinyruntime/include/tiny.h",
    }
    assert len(said) == 2
    assert "fetching tinyruntime 1.2 for arm64-v8a" in said[0]
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert unpacked(wheel, said.append) == folder
    assert len(said) == 2


def test_another_file_than_the_pinned_one_is_refused(wheel: PinnedWheel) -> None:
    other = msgspec.structs.replace(wheel, sha256="0" * 64)
    with pytest.raises(RunnerBuildError, match=r"tinyruntime 1\.2 for arm64-v8a"):
        unpacked(other, lambda text: None)


def test_a_wheel_that_lacks_a_library_is_refused(wheel: PinnedWheel) -> None:
    other = msgspec.structs.replace(wheel, libraries=("tinyruntime/lib/libgone.so",))
    with pytest.raises(RunnerBuildError, match=r"it has no .*libgone\.so"):
        unpacked(other, lambda text: None)


def test_without_the_index_the_remedy_is_named(
    wheel: PinnedWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    with pytest.raises(RunnerBuildError, match="Check the network"):
        unpacked(wheel, lambda text: None)


def test_a_damaged_library_is_fetched_again(
    wheel: PinnedWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    library = unpacked(wheel, said.append) / wheel.libraries[0]
    library.write_bytes(b"a lib")

    assert (unpacked(wheel, said.append) / wheel.libraries[0]).read_bytes() == (
        FILES[wheel.libraries[0]]
    )

    assert [line for line in said if "is damaged" in line]
    library.write_bytes(b"a lib")
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    with pytest.raises(RunnerBuildError, match="Check the network"):
        unpacked(wheel, said.append)


def test_every_pinned_wheel_is_named_by_its_content() -> None:
    for wheel in PINNED.values():
        assert len(wheel.sha256) == 64
        assert all(path.startswith(wheel.root) for path in wheel.libraries)


@pytest.mark.needs("arm64 compiler")
def test_symbols_are_taken_away_only_where_that_was_checked(
    wheel: PinnedWheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, library = tmp_path / "tiny.c", tmp_path / "libtiny.so"
    source.write_text("int shown(void) { return 7; }\n")
    compiler = ["aarch64-linux-gnu-gcc", "-g", "-shared", "-o", library, source]
    subprocess.run(compiler, check=True)
    folder = tmp_path / "index"
    with zipfile.ZipFile(folder / NAME, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
        archive.write(library, "tinyruntime/lib/libreal.so")
    sha256 = hashlib.sha256((folder / NAME).read_bytes()).hexdigest()
    name = "tinyruntime/lib/libreal.so"
    asked = msgspec.structs.replace(wheel, sha256=sha256, libraries=(name,))
    sizes = []
    for may_be_stripped in (False, True):
        monkeypatch.setenv(
            "POCKETBENCH_CACHE_DIR", str(tmp_path / str(may_be_stripped))
        )
        changed = msgspec.structs.replace(asked, may_be_stripped=may_be_stripped)
        made = unpacked(changed, lambda text: None) / name
        assert read_elf(made, or_library=True).abi == "arm64-v8a"
        sizes.append(made.stat().st_size)
    assert sizes[0] == library.stat().st_size
    assert sizes[1] < sizes[0]
