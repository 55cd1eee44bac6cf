"""How fast files get onto a simulated phone, against the adb program's own push.

The cold push sends real bytes (a library's size of random ones), has the phone read
them back and hash them while they come, and moves them into place; `adb push` only
sends. The second push must send nothing. Aim: cold at least 0.9x of `adb push`; second
push 0 bytes, 1 round trip.

Over a cable the hash mostly waits for the link. Over loopback nothing waits: adb's
client and server and the simulated phone keep two cores busy with 100 MB for 0.23 s of
processor time, and reading them back through a pipe and hashing them takes more than
half as much again, which on two cores cannot hide behind the send. So both are
reported; a phone of its own has its own cores. Run: python self_benchmarks/push.py
[MEGABYTES]
"""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from paired import HEAD, in_turn

from pocketbench.bench.records.device import LocalFile, describe_local_file
from pocketbench.devices.android.adb.private_server import private_server
from pocketbench.devices.android.adb.program import find_adb
from pocketbench.devices.android.device import open_serial
from pocketbench.devices.simulated.driver import connected
from pocketbench.devices.simulated.running import running_phone

PAIRS = 5
LINKS = {"loopback": None, "USB 3 at 300 MB/s": 300e6, "USB 2 at 40 MB/s": 40e6}
"""What carries the bytes; a slower one is the simulated phone's, which waits as long.
"""


def random_object(folder: Path, megabytes: int, number: int) -> LocalFile:
    """A file that no phone holds yet."""
    path = folder / f"library-{number}.so"
    data = os.urandom(megabytes * 10**6)
    path.write_bytes(data)
    return describe_local_file(path, sha256=hashlib.sha256(data).hexdigest())


def main() -> None:
    """Print the table."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    adb = find_adb()
    with (
        tempfile.TemporaryDirectory() as name,
        private_server(adb, Path(name) / "adb") as server,
        running_phone("pixel-8", name="benchmark-push", root="host") as phone,
        connected(adb, server, phone.serial, device_id="phone"),
        open_serial(
            phone.serial,
            adb_host=server.host,
            adb_port=server.port,
            device_id="simulated:pixel-8",
            family="simulated",
            cancel=threading.Event(),
        ) as device,
    ):
        folder = Path(name)
        numbers = itertools.count()
        objects = [
            random_object(folder, megabytes, next(numbers))
            for _ in range((PAIRS + 1) * len(LINKS))
        ]
        ours = iter(objects)

        def push_cold() -> None:
            (installed,) = device.push((next(ours),))
            assert installed.origin == "sent"

        def adb_push() -> None:
            command = server.command(
                adb, "-s", phone.serial, "push", objects[0].path, "/data/local/tmp/bare"
            )
            subprocess.run(command, capture_output=True, check=True)

        print(HEAD)
        for link, bytes_per_s in LINKS.items():
            phone.ask("behave", link_bytes_per_s=bytes_per_s)
            paired = in_turn(push_cold, adb_push, PAIRS)
            speed = f"{1 / paired.ratio:.2f}x the speed of adb push"
            print(paired.row(f"{megabytes} MB, {link}: cold push / adb push"), speed)
        phone.ask("behave", link_bytes_per_s=None)
        phone.ask("reset_statistics")
        before = phone.statistics()["received_bytes"]
        device.push(tuple(objects))
        counted = phone.statistics()
        print(
            f"second push of all {len(objects)}: {counted['streams']} round trip, "
            f"{counted['received_bytes'] - before} bytes received (the question)"
        )
        device.run(["rm", "-rf", "/data/local/tmp/bare"], timeout_s=30)
        for item in objects:
            remote = f"/data/local/tmp/pocketbench/objects/{item.sha256}"
            device.run(["rm", "-rf", remote], timeout_s=30)


if __name__ == "__main__":
    main()
