"""Where ExecuTorch's headers and libraries are, for the build of its runner."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from pathlib import Path

from pocketbench.android_runner.build.runtime import Runtime, RuntimeOfEngine
from pocketbench.bench.errors import ToolMissingError, UsageError

HOW_TO_INSTALL = "Install it: pip install 'pocketbench[executorch]'"
_C10 = "executorch/runtime/core/portable_type/c10"
_DEFINITIONS = ("C10_USING_CUSTOM_GENERATED_MACROS",)
_OF_THE_WHEEL = (*_DEFINITIONS, "ET_EVENT_TRACER_ENABLED", "ET_USE_THREADPOOL")
"""What the wheel's libraries were compiled with; their headers depend on it."""

_LIBRARIES = (
    "executorch",
    "executorch_threadpool",
    "executorch_kernels_optimized",
    "executorch_kernels_quantized",
    "executorch_backend_xnnpack",
)
_KERNELS = (
    "optimized_native_cpu_ops_lib",
    "optimized_portable_ops_lib",
    "portable_ops_lib",
    "optimized_ops_lib",
)
"""Static operator tables, best first; two of them would register an operator twice,
which ends the program at its start. The last one has few operators."""
_REGISTERING = re.compile(r"lib(executorch|custom_ops|\w+_ops_lib|\w+_backend)")


def installed_executorch() -> Runtime:
    """The executorch wheel of this Python, found without importing it.

    Raises:
        ToolMissingError: It is not installed, or is too old to bring C++ libraries.
    """
    spec = importlib.util.find_spec("executorch")
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise ToolMissingError("executorch", "not installed", HOW_TO_INSTALL)
    version = importlib.metadata.version("executorch")
    for root in map(Path, places):
        found = _wheel(root, f"executorch {version}")
        if found is not None:
            return found
    raise ToolMissingError(
        f"executorch {version}",
        "has no C++ headers or libraries",
        "Install 1.5 or newer: pip install 'pocketbench[executorch]'",
    )


def executorch_in(folder: Path, abi: str) -> Runtime:
    """The runtime of a folder.

    Takes a source build's install folder, an unpacked wheel's `executorch/`, and one
    library with everything in it beside the headers (`include/` and `lib/` or
    `jni/ABI/`, as an unpacked .aar has it).

    Raises:
        UsageError: It is none of them.
    """
    folder = folder.resolve()
    found = _wheel(folder, None) or _static(folder) or _one_library(folder, abi)
    if found is None:
        raise UsageError(
            str(folder),
            "no ExecuTorch runtime: no include/executorch with lib/libexecutorch.a, "
            f"lib/libexecutorch.so or jni/{abi}/libexecutorch.so",
            "Give the install folder of a source build, or a library with its headers; "
            "docs/android.md says how",
        )
    return found


def _wheel(root: Path, version: str | None) -> Runtime | None:
    includes = _includes(root)
    paths = [root / "lib" / f"lib{name}.so" for name in _LIBRARIES]
    if includes is None or not all(path.is_file() for path in paths):
        return None
    return Runtime(
        version=version or _version(root),
        includes=includes,
        libraries=tuple(str(path) for path in paths),
        definitions=_OF_THE_WHEEL,
    )


def _static(root: Path) -> Runtime | None:
    includes = _includes(root)
    archives = {path.stem: path for path in sorted((root / "lib").glob("*.a"))}
    tables = [f"lib{name}" for name in _KERNELS if f"lib{name}" in archives]
    if includes is None or "libexecutorch" not in archives or not tables:
        return None
    unwanted = set(tables[1:])
    whole = [
        path
        for name, path in archives.items()
        if _REGISTERING.fullmatch(name) and name not in unwanted
    ]
    rest = [
        path
        for name, path in archives.items()
        if path not in whole and name not in unwanted
    ]
    has_pool = any("threadpool" in name for name in archives)
    return Runtime(
        version=_version(root),
        includes=includes,
        whole_archives=tuple(str(path) for path in whole),
        archives=tuple(str(path) for path in rest),
        definitions=(*_DEFINITIONS, *(("ET_USE_THREADPOOL",) if has_pool else ())),
    )


def _one_library(root: Path, abi: str) -> Runtime | None:
    """Kernels, delegates and thread pool in one file, as packages for apps have it."""
    includes = _includes(root)
    places = [root / "lib", root / "jni" / abi]
    names = ("libexecutorch.so", "libexecutorch_jni.so")
    found = [x / name for x in places for name in names if (x / name).is_file()]
    if includes is None or not found:
        return None
    return Runtime(
        version=_version(root),
        includes=includes,
        libraries=(str(found[0]),),
        definitions=(*_DEFINITIONS, "ET_USE_THREADPOOL"),
    )


def _includes(root: Path) -> tuple[str, ...] | None:
    folder = root / "include"
    if not (folder / "executorch/extension/module/module.h").is_file():
        return None
    return (str(folder), str(folder / _C10))


def _version(root: Path) -> str | None:
    for file in sorted(root.glob("lib/cmake/*/executorch-config-version.cmake")):
        found = re.search(
            r'set\(PACKAGE_VERSION "([^"]+)"\)', file.read_text(errors="replace"), re.I
        )
        if found:
            return f"executorch {found[1]}"
    header = root / "include/executorch/runtime/core/version.h"
    text = header.read_text(errors="replace") if header.is_file() else ""
    parts = dict(re.findall(r"#define\s+ET_VERSION_(MAJOR|MINOR|PATCH)\s+(\d+)", text))
    if len(parts) < 3:
        return None
    return f"executorch {parts['MAJOR']}.{parts['MINOR']}.{parts['PATCH']}"


EXECUTORCH = RuntimeOfEngine(
    title="ExecuTorch",
    package="executorch",
    file_suffix=".pte",
    installed=installed_executorch,
    in_folder=executorch_in,
    oldest_api_level=26,
    prebuilt="executor_runner",
    linux_build_words="kernels are the same",
)
