"""The texts a phone answers with, made from its profile."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from devices.simulated.rootfs import LEASE, PRIVATE

if TYPE_CHECKING:
    from devices.simulated.profile import Profile
    from devices.simulated.tools import Tools

ABIS = {"x86_64": "x86_64", "aarch64": "arm64-v8a", "riscv64": "riscv64"}
"""Android's words for what really runs here."""


def files(profile: Profile, *, serial: str, tools: Tools) -> dict[str, str]:
    """Every generated file of a phone, by its path below the root."""
    found = properties(profile, serial=serial, tools=tools)
    listing = "".join(f"[{key}]: [{value}]\n" for key, value in sorted(found.items()))
    texts = {f"{PRIVATE}/properties": listing}
    texts |= {f"{PRIVATE}/property/{k}": f"{v}\n" for k, v in found.items()}
    texts["etc/passwd"] = "shell:x:2000:2000:shell:/:/system/bin/sh\n"
    texts["etc/group"] = "shell:x:2000:\n"
    return texts


def properties(profile: Profile, *, serial: str, tools: Tools) -> dict[str, str]:
    """What getprop tells."""
    identity = profile.identity
    machine = platform.machine()
    found = {
        "ro.product.manufacturer": identity.manufacturer,
        "ro.product.brand": identity.brand,
        "ro.product.model": identity.model,
        "ro.product.device": identity.device,
        "ro.product.name": identity.product,
        "ro.product.board": identity.board,
        "ro.board.platform": identity.board,
        "ro.hardware": identity.hardware,
        "ro.product.cpu.abi": ABIS.get(machine, machine),
        "ro.product.cpu.abilist": ABIS.get(machine, machine),
        "ro.build.version.release": identity.android,
        "ro.build.version.sdk": str(identity.api_level),
        "ro.build.version.security_patch": identity.security_patch,
        "ro.build.version.incremental": identity.incremental,
        "ro.build.id": identity.build_id,
        "ro.build.type": identity.build_type,
        "ro.build.fingerprint": identity.fingerprint,
        "ro.debuggable": "0" if identity.build_type == "user" else "1",
        "ro.serialno": serial,
        "ro.boot.serialno": serial,
        "sys.boot_completed": "1",
        "ro.pocketbench.simulated": "1",
        "ro.pocketbench.libc": "glibc",
        "ro.pocketbench.lease": LEASE,
        "ro.pocketbench.profile": profile.name,
        "ro.pocketbench.modelled_on": profile.modelled_on,
        "ro.pocketbench.modelled_on.abi": ",".join(identity.abis),
        "ro.pocketbench.shell": tools.description,
    }
    if identity.soc_model:
        found["ro.soc.model"] = identity.soc_model
    if identity.soc_manufacturer:
        found["ro.soc.manufacturer"] = identity.soc_manufacturer
    return found | profile.properties
