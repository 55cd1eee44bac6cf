"""What getprop reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.devices.simulated.phone.rootfs import LEASE
from pocketbench.devices.simulated.phone.translator import abi_of

if TYPE_CHECKING:
    from pocketbench.devices.simulated.phone.tools import Tools
    from pocketbench.devices.simulated.profile import Profile


def properties(profile: Profile, *, serial: str, tools: Tools) -> dict[str, str]:
    """Every property; the profile's own win."""
    identity = profile.identity
    abi = abi_of(profile)
    tags = "release-keys" if identity.build_type == "user" else "dev-keys"
    found = {
        "dev.bootcomplete": "1",
        "init.svc.adbd": "running",
        "persist.sys.timezone": "Europe/Berlin",
        "persist.sys.usb.config": "adb",
        "ro.board.platform": identity.board,
        "ro.boot.hardware": identity.hardware,
        "ro.boot.serialno": serial,
        "ro.boot.verifiedbootstate": "green",
        "ro.build.characteristics": "default",
        "ro.build.description": (
            f"{identity.product}-{identity.build_type} {identity.android} "
            f"{identity.build_id} {identity.incremental} {tags}"
        ),
        "ro.build.fingerprint": identity.fingerprint,
        "ro.build.id": identity.build_id,
        "ro.build.tags": tags,
        "ro.build.type": identity.build_type,
        "ro.build.version.all_codenames": "REL",
        "ro.build.version.base_os": "",
        "ro.build.version.codename": "REL",
        "ro.build.version.incremental": identity.incremental,
        "ro.build.version.release": identity.android,
        "ro.build.version.sdk": str(identity.api_level),
        "ro.build.version.security_patch": identity.security_patch,
        "ro.crypto.state": "encrypted",
        "ro.debuggable": "0" if identity.build_type == "user" else "1",
        "ro.hardware": identity.hardware,
        "ro.product.board": identity.board,
        "ro.product.brand": identity.brand,
        "ro.product.cpu.abi": abi,
        "ro.product.cpu.abilist": abi,
        "ro.product.cpu.abilist64": abi,
        "ro.product.device": identity.device,
        "ro.product.manufacturer": identity.manufacturer,
        "ro.product.model": identity.model,
        "ro.product.name": identity.product,
        "ro.secure": "1",
        "ro.serialno": serial,
        "ro.sf.lcd_density": str(profile.screen_density),
        "sys.boot_completed": "1",
        "sys.usb.state": "adb",
        "ro.pocketbench.simulated": "1",
        "ro.pocketbench.libc": tools.libc,
        "ro.pocketbench.lease": LEASE,
        "ro.pocketbench.profile": profile.name,
        "ro.pocketbench.modelled_on": profile.modelled_on,
        "ro.pocketbench.modelled_on.abi": ",".join(identity.abis),
        "ro.pocketbench.shell": tools.description,
    }
    if profile.behaviour.heat is not None:
        found["ro.pocketbench.heats"] = "1"
    if identity.soc_model:
        found["ro.soc.model"] = identity.soc_model
    if identity.soc_manufacturer:
        found["ro.soc.manufacturer"] = identity.soc_manufacturer
    if tools.translator is not None:
        found["ro.pocketbench.translator"] = tools.translator.description
    if identity.emulator:
        found |= {"ro.kernel.qemu": "1", "ro.boot.qemu": "1"}
    return found | profile.properties
