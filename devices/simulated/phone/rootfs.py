"""Building a phone's file system: what is the profile's, what is this computer's."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.devices.simulated.phone import carried, linux, translator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocketbench.bench.records.device import LocalFile
    from pocketbench.devices.simulated.phone.tools import Tools

OBJECTS = "data/local/tmp/pocketbench/objects"
PREINSTALLED_MARK = ".preinstalled"
PRIVATE = "apex/pocketbench"
"""Where the phone's commands find what they answer with."""

RUN = f"{PRIVATE}/run"
"""Where the phone's commands keep what they were set to, until it restarts."""

LEASE = "/system/bin/pocketbench-lease"

_LIBRARIES = ("lib", "lib32", "lib64", "libx32")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

_KEPT_FOLDERS = (
    "local/tmp",
    "media/0",
    "system/settings/global",
    "system/settings/secure",
    "system/settings/system",
)
"""Below /data, what a phone keeps when it is switched off."""

_FOLDERS = {
    "data": 0o555,
    "data/local": 0o555,
    "data/local/traces": 0o777,
    "data/misc/perfetto-traces": 0o777,
    "data/tombstones": 0o755,
    "dev/pts": 0o755,
    "dev/shm": 0o1777,
    "etc": 0o755,
    "mnt": 0o755,
    "proc": 0o555,
    "storage/emulated": 0o755,
    "storage/self": 0o755,
    "sys": 0o555,
    "system": 0o555,
    "system/bin": 0o555,
    "vendor/bin": 0o555,
    PRIVATE: 0o755,
    RUN: 0o777,
}

_LINKS = {
    "bin": "system/bin",
    "sdcard": "storage/self/primary",
    "storage/self/primary": "/storage/emulated/0",
    "storage/emulated/0": "/data/media/0",
    "dev/fd": "/proc/self/fd",
    "dev/stdin": "/proc/self/fd/0",
    "dev/stdout": "/proc/self/fd/1",
    "dev/stderr": "/proc/self/fd/2",
    "dev/ptmx": "pts/ptmx",
    "system/etc": "/etc",
}


_OF_THE_IMAGE = ("bin/linker", "bin/linker64", "lib", "lib64")


def prepare_kept(kept: Path) -> None:
    """Make the folders that outlive a phone, on this computer's disk."""
    for name in _KEPT_FOLDERS:
        (kept / name).mkdir(parents=True, exist_ok=True)


def build(
    root: Path,
    *,
    kept: Path,
    files: Mapping[str, str],
    links: Mapping[str, str],
    unreadable: Sequence[str],
    absent_commands: Sequence[str],
    tools: Tools,
    preinstalled: Sequence[LocalFile] = (),
    no_exec: bool = False,
) -> None:
    """Fill an empty root.

    Args:
        root: Where it is mounted now.
        kept: This phone's own folder of this computer, from `prepare_kept`.
        files: Text by path below the root; those below `proc` cover the kernel's.
        links: Symbolic links by path below the root.
        unreadable: Of those files and folders, what the shell user may not read.
        absent_commands: Commands that this phone does not have.
        tools: The programs that become its shell and commands.
        preinstalled: Files of this computer to show in the object store, read-only.
        no_exec: Nothing in /data/local/tmp can be run.
    """
    for name, mode in _FOLDERS.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name).chmod(mode | 0o700)
    if tools.root == "host":
        _add_libraries(root)
    _add_devices(root)
    _add_commands(root, tools, frozenset(absent_commands))
    covers = {n: text for n, text in files.items() if n.startswith("proc/")}
    for name, text in files.items():
        write(root / (cover(name) if name in covers else name), text)
    for name, target in {**_LINKS, **links}.items():
        (root / name).symlink_to(target)
    for name in unreadable:
        if (root / name).exists():
            (root / name).chmod(0)
    _add_proc(root, covers)
    _add_kept(root, kept, no_exec=no_exec)
    _add_preinstalled(root, preinstalled)
    if tools.translator is not None and tools.root == "host":
        translator.show_libraries(root)
    if tools.system_image is not None:
        _add_system_image(root, tools.system_image)
    for name, mode in _FOLDERS.items():
        if not os.path.ismount(root / name):
            (root / name).chmod(mode)


def cover(name: str) -> str:
    """Where the text is that covers a file of the kernel's."""
    return f"{PRIVATE}/{name}"


def write(path: Path, text: str) -> None:
    """Put a file that can only be read, replacing an earlier one in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.chmod(0o444)
    new.replace(path)


def _add_libraries(root: Path) -> None:
    """Show the C library and what else native programs of this computer link to."""
    (root / "usr").mkdir()
    for name in _LIBRARIES:
        for place in (f"usr/{name}", name):
            source = Path("/", place)
            if source.is_symlink():
                (root / place).symlink_to(os.readlink(source))
            elif source.is_dir():
                (root / place).mkdir()
                linux.bind(source, root / place, read_only=True)
    with suppress(OSError):
        shutil.copyfile("/etc/ld.so.cache", root / "etc/ld.so.cache")


def _add_devices(root: Path) -> None:
    for name in _DEVICES:
        place = root / "dev" / name
        place.touch()
        linux.bind(f"/dev/{name}", place)
    flags = linux.MS_NOSUID | linux.MS_NOEXEC
    options = "newinstance,ptmxmode=0666,mode=620"
    linux.mount("devpts", root / "dev/pts", "devpts", flags, options)
    flags = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("tmpfs", root / "dev/shm", "tmpfs", flags, "mode=1777")


def _add_commands(root: Path, tools: Tools, absent: frozenset[str]) -> None:
    folder = root / "system/bin"
    scripts = resources.files("pocketbench.devices.simulated") / "system_bin"
    for script in scripts.iterdir():
        if script.name not in absent:
            _add_program(folder / script.name, script.read_bytes())
    _add_program(folder / "sh", tools.shell.read_bytes())
    if tools.shell_name == "mksh":
        (folder / "mksh").symlink_to("sh")
    words = {
        name: carried.show(root, f"{PRIVATE}/bin", item) for name, item in tools.carried
    }
    if tools.box is not None:
        box = tools.box.name
        content = _box_script(box, words[box]) if box in words else None
        _add_program(folder / box, content or tools.box.read_bytes())
    has_openssl = _add_private(root, "openssl", tools.openssl, words)
    if has_openssl and "sha256sum" not in absent:
        _add_program(folder / "sha256sum", _FAST_SHA256SUM)
    for name in tools.commands:
        place = folder / name
        if name in absent or place.exists():
            continue
        if tools.box is not None:
            place.symlink_to(tools.box.name)
        elif name in words:
            _add_program(place, _script(words[name]))
        else:
            found = shutil.which(name)
            if found is not None:
                place.touch()
                linux.bind(Path(found).resolve(), place, read_only=True)
    _add_private(root, "taskset", tools.taskset, words)


def _add_private(
    root: Path, name: str, program: Path | None, words: Mapping[str, str]
) -> bool:
    """Put a program where only the phone's own commands look; whether there is one."""
    if program is None:
        return False
    content = _script(words[name]) if name in words else program.read_bytes()
    _add_program(root / PRIVATE / name, content)
    return True


def _script(started: str) -> bytes:
    return f'#!/system/bin/sh\nexec {started} "$@"\n'.encode()


def _box_script(box: str, started: str) -> bytes:
    """One program that is many commands, by the name that it is called."""
    return (
        "#!/system/bin/sh\nname=${0##*/}\n"
        f'if [ "$name" = {box} ]; then exec {started} "$@"; fi\n'
        f'exec {started} "$name" "$@"\n'
    ).encode()


_FAST_SHA256SUM = b"""#!/system/bin/sh
status=0
if [ $# = 0 ]; then set -- -; fi
for file; do
\tif [ "$file" = - ]; then
\t\tsum=$(/apex/pocketbench/openssl dgst -sha256 -r)
\telif [ ! -e "$file" ]; then
\t\techo "sha256sum: $file: No such file or directory" >&2
\t\tstatus=1
\t\tcontinue
\telse
\t\tsum=$(/apex/pocketbench/openssl dgst -sha256 -r "$file") || status=1
\tfi
\tif [ -n "$sum" ]; then echo "${sum%% *}  $file"; fi
done
exit $status
"""
"""A phone's toybox hashes with BoringSSL, which uses the CPU's own instructions.
Debian's build of it does not and takes ten times longer, so OpenSSL stands in."""


def _add_system_image(root: Path, image: Path) -> None:
    """Show Android's own loader and C library, from a copy of a phone's /system."""
    for name in _OF_THE_IMAGE:
        source, place = image / name, root / "system" / name
        if source.is_dir():
            place.mkdir(exist_ok=True)
            linux.bind(source, place, read_only=True)
        elif source.is_file():
            place.touch()
            linux.bind(source.resolve(), place, read_only=True)


def _add_program(place: Path, content: bytes) -> None:
    place.write_bytes(content)
    place.chmod(0o555)


def _add_proc(root: Path, covers: Mapping[str, str]) -> None:
    try:
        linux.mount("proc", root / "proc", "proc")
    except PermissionError:
        # A container that hides parts of its /proc allows no new one. Process ids
        # differ from what this one shows then, all but /proc/self.
        linux.bind("/proc", root / "proc")
    for name in covers:
        linux.bind(root / cover(name), root / name)


def _add_kept(root: Path, kept: Path, *, no_exec: bool) -> None:
    for name in ("local/tmp", "media/0", "system/settings"):
        place = root / "data" / name
        place.mkdir(parents=True, exist_ok=True)
        forbidden = name == "media/0" or (no_exec and name == "local/tmp")
        linux.bind(kept / name, place, no_exec=forbidden, no_setuid=True)


def _add_preinstalled(root: Path, objects: Sequence[LocalFile]) -> None:
    for item in objects:
        folder = root / OBJECTS / item.sha256
        folder.mkdir(parents=True, exist_ok=True)
        # Over the kept folder, so that nothing of it outlives this phone's run.
        if not os.path.ismount(folder):
            linux.mount("tmpfs", folder, "tmpfs", linux.MS_NOSUID, "size=64k")
        place = folder / item.name
        if not place.exists():
            place.touch()
            linux.bind(item.path, place, read_only=True)
            (folder / PREINSTALLED_MARK).touch()
