"""Builds the programs for Apple devices with XcodeGen and xcodebuild, on a Mac.

Not yet run on a Mac: the commands follow the tools' documents, and a stand-in for
both proves everything around them.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import msgspec

from pocketbench.bench.errors import (
    RunnerBuildError,
    ToolMissingError,
    UnknownNameError,
    UsageError,
)
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.ios_runner.build.built import (
    LOOP_SOURCES,
    SOURCES,
    BuiltApp,
    apps_folder,
    read_built,
    sources_sha256,
    write_built,
)
from pocketbench.ios_runner.build.runtime import LiteRuntime, lite_runtime

if TYPE_CHECKING:
    from collections.abc import Callable

PLATFORMS = ("ios", "ios-simulator")
ENGINES = ("lite", "executorch", "null")
_TARGETS = {"ios": "phone", "ios-simulator": "simulator"}
_DESTINATIONS = {
    "ios": "generic/platform=iOS",
    "ios-simulator": "generic/platform=iOS Simulator",
}
_PRODUCTS = {"ios": "Release-iphoneos", "ios-simulator": "Release-iphonesimulator"}
_ABIS = {"arm64": "arm64-v8a", "arm64e": "arm64-v8a", "x86_64": "x86_64"}
_INSTALL = {
    "xcodebuild": "On a Mac, install Xcode and open it once",
    "xcodegen": "Install it: `brew install xcodegen`",
}
_LOG_LINES = 8
_EXECUTABLE = 0o100755 << 16
_PLAIN = 0o100644 << 16


def build_app(
    platform: str,
    engine: str,
    *,
    team: str | None = None,
    bundle_id: str | None = None,
    runtime: Path | None = None,
    output: Path | None = None,
    progress: Callable[[str], None],
) -> BuiltApp:
    """What `pocketbench runner build --platform` does; finds what was built before.

    Args:
        platform: `ios` or `ios-simulator`.
        engine: `lite`, `executorch` or `null`.
        team: Apple's ten-character id of the developer team that signs the app.
        bundle_id: Instead of ours, when the team cannot register that.
        runtime: For `lite`: a folder with LibTorch-Lite's include/ and lib/.
        output: A folder that takes a copy of the program.
        progress: Called with what takes long.

    Raises:
        UnknownNameError: No such platform or engine.
        UsageError: What this build needs was not given.
        ToolMissingError: No Xcode or XcodeGen.
        RunnerBuildError: It did not build; names the log.
    """
    if platform not in PLATFORMS:
        raise UnknownNameError("platform", platform, PLATFORMS)
    if engine not in ENGINES:
        raise UnknownNameError("engine", engine, ENGINES)
    if platform == "ios" and not team:
        raise UsageError(
            "--platform ios",
            "an app runs on an iPhone only when a team has signed it",
            "Give its id with --team; Xcode > Settings > Accounts shows it, and a "
            "free Apple ID has one",
        )
    found = lite_runtime(runtime) if engine == "lite" else None
    xcodebuild, xcodegen = _tool("xcodebuild"), _tool("xcodegen")
    settings = _settings(platform, team, bundle_id, found)
    key = _key(platform, engine, settings, _version(xcodebuild))
    folder = apps_folder() / f"{platform}-{engine}-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_name(f"{folder.name}.lock")):
        built = read_built(folder)
        if built is None:
            progress(f"building the {engine} runner for {platform}, minutes ...")
            _build(platform, engine, settings, folder, xcodebuild, xcodegen, found)
            built = read_built(folder)
    assert built is not None, folder
    return _copied(built, output) if output else built


def _settings(
    platform: str, team: str | None, bundle_id: str | None, runtime: LiteRuntime | None
) -> tuple[str, ...]:
    """Build settings for xcodebuild's command line."""
    values: dict[str, str] = {}
    if platform == "ios":
        assert team is not None
        values["DEVELOPMENT_TEAM"] = team
        # A bundle id belongs to one team for ever, so each needs one of its own.
        values["POCKETBENCH_BUNDLE_ID"] = (
            bundle_id or f"org.pocketbench.runner.{team.lower()}"
        )
    if runtime is not None:
        values["POCKETBENCH_RUNTIME"] = runtime.folder
        values["POCKETBENCH_RUNTIME_VERSION"] = runtime.version or "torch"
        values["POCKETBENCH_RUNTIME_LIBRARIES"] = runtime.linker_flags
    return tuple(f"{name}={value}" for name, value in values.items())


def _build(
    platform: str,
    engine: str,
    settings: tuple[str, ...],
    folder: Path,
    xcodebuild: str,
    xcodegen: str,
    runtime: LiteRuntime | None,
) -> None:
    log = folder.with_name(f"{folder.name}.log")
    log.write_bytes(b"")
    target = f"{_TARGETS[platform]}-{engine}"
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-") as name:
        tree, ready = Path(name) / "tree", Path(name) / "ready"
        ready.mkdir()
        # Copied side by side as they lie here: a project is never written into an
        # installed package.
        project = tree / "ios_runner" / "native"
        shutil.copytree(SOURCES, project)
        shutil.copytree(LOOP_SOURCES, tree / "android_runner" / "native")
        _run([xcodegen, "generate", "--spec", "project.yml"], project, target, log)
        _run(
            [
                *(xcodebuild, "-project", "Pocketbench.xcodeproj"),
                *("-scheme", target, "-configuration", "Release"),
                *("-destination", _DESTINATIONS[platform]),
                *("-derivedDataPath", str(tree / "derived")),
                *(("-allowProvisioningUpdates",) if platform == "ios" else ()),
                *settings,
                "build",
            ],
            project,
            target,
            log,
        )
        products = tree / "derived" / "Build" / "Products" / _PRODUCTS[platform]
        app = products / f"{target}.app"
        if not (app / target).is_file():
            raise RunnerBuildError(
                f"the {engine} runner for {platform}",
                f"xcodebuild ended well and left no {target}.app/{target}",
                f"The whole log is {log}",
            )
        abis = _abis(app / target)
        program = _keep(app, target, ready, platform)
        write_built(
            ready,
            BuiltApp(
                platform=platform,
                engine=engine,
                abis=abis,
                version=runtime.version if runtime else None,
                origin=f"built here with {_version(xcodebuild)}"
                + (f" against {runtime.version}" if runtime else ""),
                program=program,
                sources_sha256=sources_sha256(),
                built_at=datetime.now(UTC).isoformat(timespec="microseconds"),
            ),
        )
        shutil.rmtree(folder, ignore_errors=True)
        ready.rename(folder)
    log.unlink()


def _keep(app: Path, target: str, ready: Path, platform: str) -> str:
    """Put the product into a folder as one file and return its name."""
    if platform == "ios-simulator":
        shutil.copy2(app / target, ready / target)
        return target
    name = f"{target}.ipa"
    with zipfile.ZipFile(ready / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in app.rglob("*") if path.is_file()):
            # The same app gives the same bytes: no times, fixed modes.
            item = zipfile.ZipInfo(f"Payload/{path.relative_to(app.parent).as_posix()}")
            item.compress_type = zipfile.ZIP_DEFLATED
            item.external_attr = _EXECUTABLE if path.stat().st_mode & 0o100 else _PLAIN
            archive.writestr(item, path.read_bytes())
    return name


def _abis(program: Path) -> tuple[str, ...]:
    done = run_to_end("xcrun", "lipo", "-archs", program)
    found = [_ABIS[word] for word in done.stdout.split() if word in _ABIS]
    if not found:
        raise RunnerBuildError(
            str(program),
            f"its architectures cannot be determined ({done.stderr.strip()})",
            "Check it with `xcrun lipo -archs`",
        )
    return tuple(dict.fromkeys(found))


def _run(command: list[str], folder: Path, target: str, log: Path) -> None:
    done = run_to_end(*command, cwd=folder)
    with log.open("a") as output:
        output.write(done.stdout + done.stderr)
    if done.succeeded:
        return
    raise RunnerBuildError(
        f"the runner {target}",
        f"{Path(command[0]).name} ended with exit code {done.exit_code}:\n"
        f"{_informative_lines(log)}\n",
        f"The whole log is {log}",
    )


def _informative_lines(log: Path) -> str:
    lines = [x.rstrip() for x in log.read_text(errors="replace").splitlines()]
    errors = [line for line in lines if re.search(r"\berror:", line)]
    return "\n".join(errors[:_LOG_LINES] or lines[-_LOG_LINES:])


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ToolMissingError(
            name, "not found, and programs for Apple devices need it", _INSTALL[name]
        )
    return found


def _version(xcodebuild: str) -> str:
    done = run_to_end(xcodebuild, "-version")
    lines = done.stdout.split("\n")
    return lines[0].strip() or "an unknown Xcode"


def _key(platform: str, engine: str, settings: tuple[str, ...], version: str) -> str:
    made_of = (platform, engine, settings, version, sources_sha256())
    return hashlib.sha256(msgspec.json.encode(made_of)).hexdigest()[:16]


def _copied(built: BuiltApp, output: Path) -> BuiltApp:
    output.mkdir(parents=True, exist_ok=True)
    target = output / Path(built.program).name
    shutil.copy2(built.program, target)
    return msgspec.structs.replace(built, program=str(target))
