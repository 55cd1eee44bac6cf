"""One phone as a process: from its command line until it is switched off."""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures.thread
import encodings.idna
import hashlib
import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pocketbench.bench.errors import (
    PocketbenchError,
    UsageError,
)
from pocketbench.bench.records.device import LocalFile
from pocketbench.devices.android.adb.own_key import own_public_key
from pocketbench.devices.simulated import content, profile
from pocketbench.devices.simulated.behaviour import Behaviour
from pocketbench.devices.simulated.content.vitals import Vitals
from pocketbench.devices.simulated.daemon.authorization import (
    PublicKey,
    parse_public_key,
)
from pocketbench.devices.simulated.daemon.control import Control
from pocketbench.devices.simulated.daemon.daemon import Daemon
from pocketbench.devices.simulated.phone import namespace, rootfs, tools, translator
from pocketbench.devices.simulated.phone.names import folder_of, lock_name
from pocketbench.devices.simulated.phone.state import State
from pocketbench.devices.simulated.phone.system_root import ROOTS, chosen_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.devices.simulated.profile import Profile

_LOADED_EARLY = (concurrent.futures.thread, encodings.idna)
"""asyncio imports these when it needs them; by then this computer's files are gone."""

EMULATOR_PORTS = range(5555, 5586)
"""The adb server looks for emulators there and would list the phone twice."""

ENVIRONMENT = {
    "PATH": "/product/bin:/system/bin:/vendor/bin",
    "HOME": "/",
    "SHELL": "/system/bin/sh",
    "USER": "shell",
    "LOGNAME": "shell",
    "HOSTNAME": "localhost",
    # The C library of Android knows no other.
    "LC_CTYPE": "C.UTF-8",
    "TMPDIR": "/data/local/tmp",
    "ANDROID_ROOT": "/system",
    "ANDROID_DATA": "/data",
    "EXTERNAL_STORAGE": "/sdcard",
}


def main(arguments: Sequence[str]) -> int:
    """Run a phone until it is asked to end; return the process's exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level, stream=sys.stderr)
    try:
        return _run(options)
    except PocketbenchError as error:
        _say_error(error)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pocketbench.devices.simulated")
    parser.add_argument("profile")
    parser.add_argument("--name", help="whose file system to use (the profile's name)")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--preinstalled", type=Path, metavar="JSON")
    parser.add_argument("--behaviour", default="{}", metavar="JSON")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--root", choices=ROOTS, help="what it shows of this computer")
    parser.add_argument("--adb-key", type=Path, action="append", default=[])
    parser.add_argument("--system-image", type=Path, metavar="FOLDER")
    parser.add_argument("--until-stdin-closes", action="store_true")
    parser.add_argument("--starter", type=int, default=os.getppid(), metavar="PID")
    parser.add_argument("--log-level", default="WARNING")
    return parser


def _run(options: argparse.Namespace) -> int:
    chosen = profile.load(options.profile, options.set)
    name = options.name or chosen.name
    if not name or "/" in name or name.startswith("."):
        raise UsageError(name or "(empty)", "not a name for a phone", "Use letters")
    folder = folder_of(name)
    keys = _read_keys([own_public_key(), *options.adb_key])
    kept = folder / "data"
    rootfs.prepare_kept(kept)
    lock = lock_name(name, options.starter)
    objects = _read_objects(options.preinstalled)
    behaviour = _behaviour(chosen, options.behaviour)
    chosen = msgspec.structs.replace(chosen, behaviour=behaviour)
    found = tools.find(options.root or chosen_root())._replace(
        translator=translator.find(chosen), system_image=options.system_image
    )
    serial = "SIM" + hashlib.sha256(bytes(folder)).hexdigest()[:8].upper()
    vitals = Vitals(chosen, State())
    files = content.fixed_files(chosen, serial=serial, tools=found) | vitals.files()
    listener = _listen(options.port)
    port = listener.getsockname()[1]
    root = folder / "root"
    root.mkdir(exist_ok=True)

    def build(place: Path) -> None:
        rootfs.build(
            place,
            kept=kept,
            files=files,
            links=content.links(chosen),
            unreadable=content.unreadable(chosen),
            absent_commands=chosen.absent_commands,
            tools=found,
            preinstalled=objects,
            no_exec=chosen.storage.no_exec,
        )

    def init() -> int:
        try:
            namespace.change_root(root, build)
        except PocketbenchError as error:
            _say_error(error)
            return error.exit_code
        # As adbd has it: what the shell makes, others may write to.
        os.umask(0)
        shows_libraries = found.translator is not None and found.root == "host"
        more = translator.ENVIRONMENT if shows_libraries else {}
        daemon = Daemon(chosen, behaviour, vitals, ENVIRONMENT | more, keys)
        ready = {"port": port, "serial": f"127.0.0.1:{port}", "serialno": serial}
        asyncio.run(_serve(daemon, listener, ready, options.until_stdin_closes))
        return 0

    if found.translator is not None:
        formats = folder / "binfmt_misc"
        formats.mkdir(exist_ok=True)
        translator.enter(found.translator, formats)
    namespace.enter()
    code = namespace.fork_init(init, listener)
    os.close(lock)
    return code


async def _serve(
    daemon: Daemon,
    listener: socket.socket,
    ready: dict[str, object],
    until_stdin_closes: bool,
) -> None:
    await daemon.listen(listener)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, daemon.reboot)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    _say(ready)
    if until_stdin_closes:
        control = Control(daemon, ended).serve(sys.stdin.fileno(), _say)
        controlling = asyncio.create_task(control)
    await ended.wait()
    await daemon.switch_off()
    if until_stdin_closes:
        controlling.cancel()


def _listen(port: int) -> socket.socket:
    while True:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"port {port}", str(error.strerror), "Give another --port, or none"
            ) from error
        if port or listener.getsockname()[1] not in EMULATOR_PORTS:
            listener.setblocking(False)
            return listener
        listener.close()


def _read_objects(file: Path | None) -> tuple[LocalFile, ...]:
    if file is None:
        return ()
    return msgspec.json.decode(file.read_bytes(), type=tuple[LocalFile, ...])


def _read_keys(files: Sequence[Path]) -> tuple[PublicKey, ...]:
    texts = [file.read_text(errors="replace") for file in files if file.is_file()]
    return tuple(key for key in map(parse_public_key, texts) if key is not None)


def _behaviour(chosen: Profile, text: str) -> Behaviour:
    try:
        script = msgspec.to_builtins(chosen.behaviour) | json.loads(text)
        return msgspec.convert(script, Behaviour)
    except (ValueError, TypeError) as error:
        raise UsageError("--behaviour", str(error), "Give an object in JSON") from error


def _say_error(error: PocketbenchError) -> None:
    kind = type(error).__name__
    _say({"error": [kind, error.subject, error.fact, error.next_step]})


def _say(message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
