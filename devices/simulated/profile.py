"""What a simulated phone is modelled on: TOML data, typed."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Literal

import msgspec

from bench.errors import UnknownNameError
from devices.simulated.behaviour import Behaviour
from devices.simulated.wire import (
    MAX_PAYLOAD,
    VERSION_WITH_CHECKSUMS,
    VERSION_WITHOUT_CHECKSUMS,
)

Positive = Annotated[int, msgspec.Meta(gt=0)]
BannerValue = Annotated[str, msgspec.Meta(pattern=r"^[^:;=]+$")]
"""The adb server splits the banner at these three, without any escape."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a profile: a misspelt key is an error."""


class Identity(Part, frozen=True, kw_only=True):
    """What the phone says it is."""

    manufacturer: str
    brand: str
    model: BannerValue
    device: BannerValue
    product: BannerValue
    board: str
    hardware: str
    soc_manufacturer: str | None = None
    soc_model: str | None = None
    """Android has told it since API 31."""
    abis: tuple[str, ...]
    """Of the phone it is modelled on; what runs here is another property."""
    android: str
    api_level: Positive
    build_id: str
    incremental: str
    security_patch: str
    build_type: Literal["user", "userdebug"] = "user"
    kernel: str
    emulator: bool = False

    @property
    def fingerprint(self) -> str:
        """Android's name of the build."""
        keys = "release-keys" if self.build_type == "user" else "dev-keys"
        return (
            f"{self.brand}/{self.product}/{self.device}:{self.android}/"
            f"{self.build_id}/{self.incremental}:{self.build_type}/{keys}"
        )


class Adb(Part, frozen=True, kw_only=True):
    """How its adb daemon speaks."""

    checksums: bool = False
    """The protocol before Android 9: every packet carries a checksum."""
    max_payload_bytes: Annotated[int, msgspec.Meta(ge=4096, le=MAX_PAYLOAD)] = (
        MAX_PAYLOAD
    )
    features: tuple[str, ...] = ()
    shell: Literal["v2", "v1", "v1-terminal"] = "v2"
    """`v1-terminal`: before Android 7 every `shell:` was a terminal, lines ending in
    a carriage return and a line feed."""

    @property
    def protocol_version(self) -> int:
        """What the daemon says in the handshake."""
        return VERSION_WITH_CHECKSUMS if self.checksums else VERSION_WITHOUT_CHECKSUMS


class Profile(Part, frozen=True, kw_only=True):
    """Everything a simulated phone knows of itself."""

    name: str
    title: str
    """For people: `Pixel 8`."""
    modelled_on: str
    """`Pixel 8 (arm64-v8a, 9 cores)`."""
    identity: Identity
    adb: Adb
    behaviour: Behaviour = msgspec.field(default_factory=Behaviour)
    absent_commands: tuple[str, ...] = ()
    """Commands that its Android does not have yet."""
    properties: dict[str, str] = msgspec.field(default_factory=dict)

    def banner(self) -> str:
        """What the daemon says of itself in the handshake."""
        identity = self.identity
        parts = {
            "ro.product.name": identity.product,
            "ro.product.model": identity.model,
            "ro.product.device": identity.device,
        }
        text = "".join(f"{key}={value};" for key, value in parts.items())
        if self.adb.features:
            text += f"features={','.join(self.adb.features)}"
        return f"device::{text}"


def names() -> tuple[str, ...]:
    """Every profile there is."""
    folder = resources.files("devices.simulated") / "profiles"
    files = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name[:-5] for name in files if name.endswith(".toml")))


def load(name: str) -> Profile:
    """Read a profile.

    Raises:
        UnknownNameError: There is none of that name.
    """
    if name not in names():
        raise UnknownNameError("phone profile", name, names())
    file = resources.files("devices.simulated") / "profiles" / f"{name}.toml"
    return msgspec.toml.decode(file.read_bytes(), type=Profile)
