"""Which adb is used, and whether a server of the same version runs; starts none."""

from __future__ import annotations

from msgspec.structs import replace

from pocketbench.bench.errors import PocketbenchError
from pocketbench.bench.records.doctor_report import AdbFound
from pocketbench.devices.android.adb.program import find_adb
from pocketbench.devices.android.adb.server import server_from_environment


def look_at_adb() -> AdbFound:
    """Examine the program and its server, and report problems."""
    try:
        adb = find_adb()
        server = server_from_environment(None, None)
    except PocketbenchError as error:
        return AdbFound(problem=error.fact, remedy=error.next_step)
    found = AdbFound(
        program_path=adb.path,
        program_version=adb.version,
        program_protocol=adb.protocol,
        server=str(server),
    )
    try:
        protocol = server.protocol()
    except PocketbenchError as error:
        return replace(found, problem=error.fact, remedy=error.next_step)
    if protocol is not None and protocol != adb.protocol:
        return replace(
            found,
            server_protocol=protocol,
            problem=f"the server speaks version {protocol}, this adb {adb.protocol}",
            remedy="Set ADBUTILS_ADB_PATH to the adb that started the server, or end "
            "the server with that adb's `adb kill-server`",
        )
    return replace(found, server_protocol=protocol)
