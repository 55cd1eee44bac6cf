"""Building for Apple's devices: everything around the tools, which a stand-in plays."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from pocketbench.bench.errors import RunnerBuildError, ToolMissingError, UsageError
from pocketbench.ios_runner.build import built
from pocketbench.ios_runner.build.build import build_app
from pocketbench.ios_runner.build.built import built_apps
from pocketbench.ios_runner.build.runtime import lite_runtime
from tests.apple import TEAM


@pytest.fixture
def runtime(tmp_path):
    root = tmp_path / "lite" / "install"
    (root / "lib").mkdir(parents=True)
    header = root / "include" / "torch" / "version.h"
    header.parent.mkdir(parents=True)
    header.write_text(
        "#define TORCH_VERSION_MAJOR 1\n#define TORCH_VERSION_MINOR 13\n"
        "#define TORCH_VERSION_PATCH 0\n"
    )
    for name in ("libtorch.a", "libtorch_cpu.a", "libc10.a", "libXNNPACK.a"):
        (root / "lib" / name).touch()
    return root.parent


@pytest.fixture
def xcode(mac, tmp_path):
    """A stand-in whose products are small files."""
    program = tmp_path / "program"
    program.write_bytes(b"#!/bin/sh\n")
    program.chmod(0o755)
    mac.change(programs=dict.fromkeys(("null", "lite"), str(program)), app=str(program))
    return mac


def build(platform="ios", engine="null", **options):
    options = {"team": TEAM, "progress": lambda text: None} | options
    return build_app(platform, engine, **options)


def test_a_phones_app_is_one_archive_that_gives_the_same_bytes_again(xcode):
    first = Path(build().program).read_bytes()
    (folder,) = {path.parent for path in built.apps_folder().glob("*/build.json")}
    (folder / "build.json").unlink()

    again = Path(build().program)

    assert again.read_bytes() == first
    with zipfile.ZipFile(again) as archive:
        names = {x.filename: x.external_attr >> 16 for x in archive.infolist()}
    assert names["Payload/phone-null.app/phone-null"] & 0o111
    assert "Payload/phone-null.app/Info.plist" in names


def test_a_simulators_program_is_taken_out_of_its_bundle(xcode):
    found = build("ios-simulator")

    assert Path(found.program).name == "simulator-null"
    assert found.platform == "ios-simulator"


def test_it_is_built_once(xcode):
    build()
    build()

    assert len(xcode.calls("xcodebuild", "build")) == 1


def test_the_team_and_a_name_of_its_own_are_given_to_xcodebuild(xcode):
    build()

    (call,) = xcode.calls("xcodebuild", "build")
    assert f"DEVELOPMENT_TEAM={TEAM}" in call
    assert f"POCKETBENCH_BUNDLE_ID=org.pocketbench.runner.{TEAM.lower()}" in call
    assert "-allowProvisioningUpdates" in call


def test_the_runtime_is_linked_whole_where_its_operators_register(xcode, runtime):
    found = build(engine="lite", runtime=runtime)

    (call,) = xcode.calls("xcodebuild", "build")
    (flags,) = [x for x in call if x.startswith("POCKETBENCH_RUNTIME_LIBRARIES=")]
    assert flags.count("-force_load") == 3
    assert flags.endswith("libXNNPACK.a")
    assert found.version == "torch 1.13.0"


def test_a_build_that_fails_reports_its_error_and_its_log(xcode):
    xcode.plan("xcodebuild", "fails")

    with pytest.raises(RunnerBuildError, match="unknown module 'UIKit'") as caught:
        build()

    log = Path(str(caught.value).rpartition("log is ")[2])
    assert "BUILD FAILED" in log.read_text()
    assert built_apps() == ()


@pytest.mark.parametrize("tool", ["xcodebuild", "xcodegen"])
def test_a_missing_tool_is_named_with_how_to_install_it(xcode, tool):
    xcode.remove(tool)

    with pytest.raises(ToolMissingError, match=r"[Ii]nstall"):
        build()


def test_changed_sources_make_an_older_build_outdated(xcode, monkeypatch):
    build()
    monkeypatch.setattr(built, "sources_sha256", lambda: "another")

    (found,) = built_apps()
    assert not found.is_current


def test_a_folder_that_is_no_runtime_is_refused(tmp_path):
    with pytest.raises(UsageError, match="LibTorch-Lite"):
        lite_runtime(tmp_path)
    with pytest.raises(UsageError, match="--runtime"):
        lite_runtime(None)


def test_the_project_names_only_files_that_are_there():
    yaml = pytest.importorskip("yaml")
    project = yaml.safe_load((built.SOURCES / "project.yml").read_text())

    for name, template in project["targetTemplates"].items():
        for source in template.get("sources", ()):
            path = source["path"] if isinstance(source, dict) else source
            folder = built.SOURCES / path
            assert folder.exists(), (name, path)
            for pattern in source.get("includes", ()) if folder.is_dir() else ():
                assert list(folder.glob(pattern)), (name, pattern)
    assert set(project["schemes"]) == set(project["targets"])
    for name, target in project["targets"].items():
        engine = target["templateAttributes"]["engine"]
        kind = name.partition("-")[0]
        assert target["templates"] == [kind, f"with_{engine}"]


def test_every_object_of_the_loop_is_in_the_project():
    """A new source file of the shared loop must be built for Apple's devices too."""
    yaml = pytest.importorskip("yaml")
    project = yaml.safe_load((built.SOURCES / "project.yml").read_text())
    (shared,) = [
        source["includes"]
        for source in project["targetTemplates"]["loop"]["sources"]
        if isinstance(source, dict)
    ]
    cmake = (built.LOOP_SOURCES / "CMakeLists.txt").read_text()
    library = cmake[cmake.index("add_library(pocketbench_loop") :]
    wanted = {x for x in library[: library.index(")")].split() if x.endswith(".cpp")}
    found = {
        path.name for pattern in shared for path in built.LOOP_SOURCES.glob(pattern)
    }

    # Apple's kernel reports a process's memory in another way: apple_memory.cpp.
    assert wanted - found == {"memory.cpp"}


def test_apples_memory_has_every_function_of_the_shared_header():
    header = (built.LOOP_SOURCES / "memory.h").read_text()
    apple = (built.SOURCES / "apple_memory.cpp").read_text()

    for name in ("read_process_status", "read_pss_bytes"):
        assert f"{name}()" in header
        assert f"{name}()" in apple


def test_the_record_of_a_build_is_readable_json(xcode):
    build()

    (path,) = built.apps_folder().glob("*/build.json")
    reported = json.loads(path.read_text())
    assert reported["engine"] == "null"
    assert reported["abis"] == ["arm64-v8a"]
