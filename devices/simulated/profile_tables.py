"""The tables of a profile, one type each."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import msgspec

from pocketbench.devices.simulated.adb_packets import (
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
    """Android reports it since API 31."""
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
    def soc(self) -> str:
        """The chip: `Google Tensor G3`, or before API 31 only the board's name."""
        if self.soc_model is None:
            return self.board
        if self.soc_manufacturer is None:
            return self.soc_model
        return f"{self.soc_manufacturer} {self.soc_model}"

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


class Cluster(Part, frozen=True, kw_only=True):
    """Cores of one kind that change frequency together."""

    cpus: tuple[int, ...]
    implementer: int
    part: int
    variant: int = 0
    revision: int = 0
    governor: str = "schedutil"
    min_frequency_khz: Positive | None = None
    """`None`: its frequency cannot be read at all, as on an emulator."""
    max_frequency_khz: Positive | None = None
    capped_frequency_khz: Positive | None = None
    """What it may reach now, when that is less."""
    current_frequency_khz: Positive | None = None
    """While nothing runs; the lowest unless given."""
    frequencies_khz: tuple[int, ...] = ()
    """Those of `time_in_state`; lowest and highest always count."""
    capacity: Positive | None = None
    """1024 for the biggest core; `None` where the kernel does not report it."""
    unreadable: tuple[str, ...] = ()
    """Files of its cpufreq folder that the shell user may not read."""


class Cpu(Part, frozen=True, kw_only=True):
    """What /proc/cpuinfo has besides the clusters."""

    features: str
    bogomips: str
    hardware: str | None = None
    """Kernels before 5 or so end with the chip's name."""


class Memory(Part, frozen=True, kw_only=True):
    """Of /proc/meminfo, in its units of 1024 bytes."""

    total_kb: Positive
    available_kb: Positive
    swap_total_kb: int = 0
    swap_free_kb: int = 0
    page_size_bytes: Positive = os.sysconf("SC_PAGESIZE")
    """What `getconf` reports. Programs run in this computer's pages all the same, so
    that one for smaller pages than the phone says it has would run."""


class Storage(Part, frozen=True, kw_only=True):
    """Of `df`, in units of 1024 bytes."""

    total_kb: Positive
    used_kb: Positive
    device: str = "/dev/block/dm-7"
    no_exec: bool = False
    """Whether no program in /data/local/tmp can be run, as where it is mounted so."""


class Battery(Part, frozen=True, kw_only=True):
    """Of `dumpsys battery` and /sys/class/power_supply/battery."""

    level: Annotated[int, msgspec.Meta(ge=0, le=100)]
    temperature_c: float
    voltage_mv: Positive
    charge_counter_uah: int
    current_ua: int
    """As this vendor signs it."""
    plugged: Literal["ac", "usb", "wireless"] | None = "usb"
    status: Literal["unknown", "charging", "discharging", "not_charging", "full"] = (
        "charging"
    )
    max_charging_current_ua: int = 500_000
    max_charging_voltage_uv: int = 5_000_000
    vendor_lines: tuple[str, ...] = ()
    """After Android's own, as some vendors have them."""
    sysfs_readable: bool = True


class Sensor(Part, frozen=True, kw_only=True):
    """One temperature of `dumpsys thermalservice`."""

    name: str
    type: int
    """android.os.Temperature's number, or the vendor's own."""
    value: float
    """Mostly degrees Celsius; some sensors give mV, mA or %."""
    status: int = 0
    heats: float = 1.0
    """How much of the phone's heat it feels; 0: none."""
    hot_c: tuple[float, ...] | None = None
    """Thresholds by status, seven of them, NaN where there is none."""


class Cooling(Part, frozen=True, kw_only=True):
    """One cooling device of `dumpsys thermalservice`."""

    name: str
    type: int
    value: int = 0


class Zone(Part, frozen=True, kw_only=True):
    """One folder of /sys/class/thermal."""

    type: str
    raw: int
    """As the file says it: thousandths of a degree mostly."""
    heats: float = 1000.0
    """What one degree of heat adds to it."""


class Thermal(Part, frozen=True, kw_only=True):
    """What the phone reports of its heat."""

    connection: str | None = None
    """`ThermalHAL 2.0 connected: yes`; `None`: no vendor service answers."""
    hal_ready: bool = True
    status: Annotated[int, msgspec.Meta(ge=0, le=6)] = 0
    skin_type: int = 3
    """What this service calls a skin sensor."""
    threshold_style: Literal["aidl", "hidl", "none"] = "aidl"
    cached_only: bool = False
    """The block of current temperatures is empty, as on some phones."""
    cached_offset: float = 6.0
    """How far the cached temperatures are from the current ones."""
    sensors: tuple[Sensor, ...] = ()
    cooling: tuple[Cooling, ...] = ()
    zones: tuple[Zone, ...] = ()
    zones_readable: bool = True


class Rail(Part, frozen=True, kw_only=True):
    """One power rail of a Pixel's meters."""

    name: str
    idle_uw: int
    busy_uw: int
