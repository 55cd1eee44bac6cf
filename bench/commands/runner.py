"""`pocketbench runner`: build the native programs that measure, and list them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pocketbench.bench import registry
from pocketbench.bench.records.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OTHERS = (
    "benchmark_model",
    "executor_runner",
    "onnxruntime_perf_test",
    "speed_benchmark_torch",
)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def runner() -> None:
    """Build the native programs that measure.

    The one for this computer, and for simulated phones on it, is built by itself on
    first use, and so is a phone's that brings Linux's C library along. One with
    Android's own C library is built with the NDK, once for each ABI.
    """


@runner.command()
@click.option(
    "--engine",
    default="lite",
    show_default=True,
    help="Build the runner of this engine: lite, executorch or null.",
)
@click.option(
    "--abi", help="Build for phones of this ABI: arm64-v8a, armeabi-v7a, x86_64, x86."
)
@click.option("--ndk", type=_FOLDER, help="Compile with the Android NDK unpacked here.")
@click.option(
    "--api-level",
    type=click.IntRange(21, 99),
    help="Support phones from this API level on.  [default: the runtime's own, 21 for "
    "PyTorch Mobile (Android 5.0), 26 for ExecuTorch (Android 8.0)]",
)
@click.option(
    "--toolchain",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compile with this CMake toolchain file instead of the NDK's.",
)
@click.option(
    "--runtime",
    type=_FOLDER,
    help="Link this PyTorch or ExecuTorch: a source build's install folder, or an "
    "unpacked PyTorch Mobile .aar (headers/ and jni/); see docs/android.md.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also copy the program and its libraries into this folder.",
)
@click.option(
    "--platform",
    type=click.Choice([x for x, traits in FAMILIES.items() if traits.needs_macos]),
    help="Build for Apple's devices instead, on a Mac; see docs/ios.md.",
)
@click.option("--team", help="Sign an iPhone's app as the team with this Apple id.")
@click.option(
    "--bundle-id", help="Give the app this id, where the team cannot have ours."
)
def build(
    engine: str,
    abi: str | None,
    ndk: Path | None,
    api_level: int | None,
    toolchain: Path | None,
    runtime: Path | None,
    output: Path | None,
    platform: str | None,
    team: str | None,
    bundle_id: str | None,
) -> None:
    """Build a runner and print its path.

    Without --abi it is for this computer, against the torch of this Python. With
    --abi alone it is the Linux build for phones, with a C library of its own, which
    `pocketbench run` also makes by itself. With the NDK it is Android's:

    \b
    pocketbench runner build --engine executorch --abi arm64-v8a
    pocketbench runner build --engine lite --abi arm64-v8a \\
        --ndk ~/android-ndk-r27 --runtime ~/pytorch_android_lite-2.1.0

    `pocketbench run` then finds it by the phone's ABI, Android's first. NEITHER HAS YET
    BEEN PROVED ON A REAL PHONE; where it fails, measure with the runtime's own
    program: --runner speed_benchmark_torch=PATH.
    """
    if platform is not None:
        _refuse(
            {
                "--abi": abi,
                "--ndk": ndk,
                "--api-level": api_level,
                "--toolchain": toolchain,
            },
            f"is not for --platform {platform}",
        )
        built = registry.load(registry.RUNNER_BUILDS, "runner action", "build-apple")(
            platform,
            engine,
            team=team,
            bundle_id=bundle_id,
            runtime=runtime,
            output=output,
            progress=_say,
        )
        click.echo(built.program)
        return
    _refuse({"--team": team, "--bundle-id": bundle_id}, "is for --platform ios")
    built = registry.load(registry.RUNNER_BUILDS, "runner action", "build")(
        engine,
        abi=abi,
        ndk=ndk,
        toolchain=toolchain,
        runtime=runtime,
        output=output,
        api_level=api_level,
        progress=_say,
    )
    click.echo(built.program)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _refuse(given: Mapping[str, object], fact: str) -> None:
    from pocketbench.bench.errors import UsageError

    for name, value in given.items():
        if value is not None:
            raise UsageError(f"{name} {value}", fact, "Leave it out")


@runner.command()
@click.argument("source", metavar="URL_OR_FILE")
@click.option(
    "--name",
    required=True,
    type=click.Choice(_OTHERS),
    help="Drive the program and read its output as this one's.",
)
@click.option(
    "--sha256", help="Check the program against this sum; required for an address."
)
@click.option(
    "--abi", help="Use it on phones of this ABI.  [default: its ELF header's]"
)
def add(source: str, name: str, sha256: str | None, abi: str | None) -> None:
    """Fetch a program that somebody publishes, check it, and remember it.

    Runs use it on phones of its ABI for the formats that our own programs do not load;
    --runner NAME=PATH still comes first.

    \b
    pocketbench runner add https://.../android_aarch64_benchmark_model \\
        --name benchmark_model --abi arm64-v8a --sha256 HEX
    pocketbench run model.tflite --device 'android:*'
    """
    added = registry.load(registry.RUNNER_BUILDS, "runner action", "add")(
        source,
        name=name,
        abi=abi,
        sha256=sha256,
        progress=_say,
    )
    click.echo(added.path)


@runner.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List the runners that have been built here, newest first."""
    found = registry.load(registry.RUNNER_BUILDS, "runner action", "list")()
    if as_json:
        import msgspec

        rows = [{**msgspec.to_builtins(x), "is_current": x.is_current} for x in found]
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
    elif found:
        _print_table(found)
    else:
        click.echo(
            "No runner has been built yet; `pocketbench run` builds this computer's.",
            err=True,
        )
    if not as_json:
        for each in registry.load(registry.RUNNER_BUILDS, "runner action", "added")():
            click.echo(f"added: {each.name} for {each.abi}, from {each.source}")


def _print_table(found: Sequence[Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pocketbench.bench.units import format_size

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("engine", "ABI", "C library", "runtime", "built", "size", "from"):
        table.add_column(title, overflow="fold")
    for built in found:
        files = (built.program, *built.libraries)
        size_bytes = sum(Path(path).stat().st_size for path in files)
        when = built.built_at[:16].replace("T", " ")
        cells = (
            built.engine,
            built.abi,
            f"{built.libc}, pushed along" if built.brings_loader else built.libc,
            built.version or "none",
            when if built.is_current else f"{when} (outdated, build it again)",
            format_size(size_bytes),
            built.origin,
        )
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)
    folder = Path(found[0].program).parent.parent
    click.echo(f"They lie in {folder}; --json has the path of each.", err=True)
