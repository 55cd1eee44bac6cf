from __future__ import annotations

from pathlib import Path

import pytest

from pocketbench.android_runner.build import executorch_runtime
from pocketbench.android_runner.build.build_runner import build_runner
from pocketbench.android_runner.build.executorch_runtime import (
    executorch_in,
    installed_executorch,
)
from pocketbench.bench.errors import ToolMissingError, UsageError

ARM64 = "arm64-v8a"
WHEEL = (
    "executorch",
    "executorch_threadpool",
    "executorch_kernels_optimized",
    "executorch_kernels_quantized",
    "executorch_backend_xnnpack",
)


def make(root: Path, *names: str) -> Path:
    for name in ("include/executorch/extension/module/module.h", *names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_an_unpacked_wheel_gives_its_shared_libraries(tmp_path: Path) -> None:
    root = make(tmp_path, *(f"lib/lib{name}.so" for name in WHEEL))
    version = root / "lib/cmake/executorch/executorch-config-version.cmake"
    version.parent.mkdir(parents=True)
    version.write_text('set(PACKAGE_VERSION "1.5.1")\n')
    runtime = executorch_in(root, ARM64)
    assert runtime.version == "executorch 1.5.1"
    assert [Path(x).stem for x in runtime.libraries] == [f"lib{x}" for x in WHEEL]
    assert runtime.whole_archives == ()
    # The libraries were compiled so, and their headers depend on it.
    assert "ET_EVENT_TRACER_ENABLED" in runtime.definitions


def test_of_a_source_build_one_table_of_operators_and_every_delegate_is_linked_whole(
    tmp_path: Path,
) -> None:
    # What the build of docs/android.md installs, in part.
    names = (
        "cpublas",
        "cpuinfo",
        "eigen_blas",
        "executorch",
        "executorch_core",
        "extension_data_loader",
        "extension_flat_tensor",
        "extension_module_static",
        "extension_named_data_map",
        "extension_tensor",
        "extension_threadpool",
        "kleidiai",
        "optimized_kernels",
        "optimized_native_cpu_ops_lib",
        "optimized_ops_lib",
        "optimized_portable_kernels",
        "optimized_portable_ops_lib",
        "portable_kernels",
        "portable_ops_lib",
        "pthreadpool",
        "quantized_ops_lib",
        "xnnpack-microkernels-prod",
        "quantized_kernels",
        "xnnpack_backend",
        "XNNPACK",
    )
    runtime = executorch_in(
        make(tmp_path, *(f"lib/lib{name}.a" for name in names)), ARM64
    )
    whole = {Path(x).stem.removeprefix("lib") for x in runtime.whole_archives}
    rest = {Path(x).stem.removeprefix("lib") for x in runtime.archives}
    assert whole == {
        "executorch",
        "optimized_native_cpu_ops_lib",
        "quantized_ops_lib",
        "xnnpack_backend",
    }
    # Two tables of the same operators would end the program at its start.
    assert {x for x in whole | rest if x.endswith("portable_ops_lib")} == set()
    assert "optimized_ops_lib" not in whole | rest
    assert {"executorch_core", "extension_module_static", "XNNPACK"} <= rest
    assert "ET_USE_THREADPOOL" in runtime.definitions


def test_without_optimized_kernels_the_portable_ones_are_taken(tmp_path: Path) -> None:
    names = ("executorch", "portable_ops_lib")
    runtime = executorch_in(
        make(tmp_path, *(f"lib/lib{name}.a" for name in names)), ARM64
    )
    assert {Path(x).stem for x in runtime.whole_archives} == {
        "libexecutorch",
        "libportable_ops_lib",
    }


@pytest.mark.parametrize(
    "place", ["lib/libexecutorch.so", f"jni/{ARM64}/libexecutorch.so"]
)
def test_one_library_with_everything_is_taken_with_the_headers_beside_it(
    tmp_path: Path, place: str
) -> None:
    root = make(tmp_path, place)
    header = root / "include/executorch/runtime/core/version.h"
    header.parent.mkdir(parents=True)
    header.write_text(
        "#define ET_VERSION_MAJOR 1\n#define ET_VERSION_MINOR 5\n"
        "#define ET_VERSION_PATCH 1\n"
    )
    runtime = executorch_in(root, ARM64)
    assert runtime.version == "executorch 1.5.1"
    assert runtime.libraries == (str(root / place),)
    if place.startswith("jni"):
        with pytest.raises(UsageError, match=r"jni/x86_64/libexecutorch\.so"):
            executorch_in(root, "x86_64")


def test_a_folder_without_a_runtime_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"docs/android\.md"):
        executorch_in(tmp_path, ARM64)
    with pytest.raises(UsageError, match="no ExecuTorch runtime"):
        executorch_in(make(tmp_path, "lib/libother.so"), ARM64)


def test_a_build_for_a_phone_asks_for_the_engines_own_runtime(tmp_path: Path) -> None:
    ndk = tmp_path / "build/cmake/android.toolchain.cmake"
    ndk.parent.mkdir(parents=True)
    ndk.touch()
    with pytest.raises(UsageError, match="the ExecuTorch runtime of that ABI"):
        build_runner(
            "executorch", abi="arm64-v8a", ndk=tmp_path, progress=lambda text: None
        )


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = executorch_runtime.importlib.util.find_spec
    monkeypatch.setattr(
        executorch_runtime.importlib.util,
        "find_spec",
        lambda name: None if name == "executorch" else find_spec(name),
    )
    with pytest.raises(ToolMissingError, match=r"pocketbench\[executorch\]"):
        installed_executorch()


@pytest.mark.needs("executorch")
def test_the_installed_wheel_is_found_with_everything_that_is_linked() -> None:
    runtime = installed_executorch()
    assert runtime.version is not None
    assert runtime.version.startswith("executorch 1.5")
    assert all(Path(path).is_file() for path in runtime.libraries)
    assert all(Path(path).is_dir() for path in runtime.includes)
