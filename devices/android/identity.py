"""Who a phone is: one shell round trip, read tolerantly into a `DeviceInfo`.

Every probe is optional, since vendors forbid some and old phones lack others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.bench.records.device import CoreCluster, DeviceInfo
from pocketbench.devices.android.arm_cores import core_name
from pocketbench.devices.conditions.reading import cpu_list, integer
from pocketbench.devices.conditions.settings_record import BOOT_ID
from pocketbench.devices.device_lock import serial_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MARK = "==pocketbench=="

_READ = """\
if [ -n "$KSH_VERSION" ]; then
text() { print -r -- "$(<"$1")"; }
else
text() { cat "$1"; }
fi
all() { for x in "$@"; do if [ -e "$x" ]; then echo "$x:$(text "$x")"; fi; done; }
"""
"""Where the shell is mksh, which all phones have, it reads files itself: each process
costs a phone milliseconds."""

IDENTITY_SCRIPT = _READ + "".join(
    f"echo {_MARK} {section}; {command}\n"
    for section, command in (
        ("getprop", "getprop"),
        ("cpuinfo", "text /proc/cpuinfo"),
        ("present", "text /sys/devices/system/cpu/present"),
        (
            "frequencies",
            "all /sys/devices/system/cpu/cpu*/cpufreq/cpuinfo_max_freq",
        ),
        ("capacities", "all /sys/devices/system/cpu/cpu*/cpu_capacity"),
        ("meminfo", "text /proc/meminfo"),
        ("pagesize", "getconf PAGESIZE || grep -m 1 KernelPageSize /proc/self/smaps"),
        ("kernel", "uname -r"),
        ("boot_id", f"text {BOOT_ID}"),
    )
)
"""For `sh -c`; what it prints goes to `parse_sections`."""

BOOT_ID_SCRIPT = f"{_READ}text {BOOT_ID}"
"""For `sh -c`."""

_MOST_CORES = 1024
_EMULATED_HARDWARE = ("goldfish", "ranchu", "vsoc", "cutf", "vbox86")


def parse_sections(output: bytes) -> dict[str, str]:
    """The output of each command of `IDENTITY_SCRIPT`, by name."""
    text = output.decode("utf-8", "replace").replace("\r", "")
    sections = {}
    for part in text.split(f"{_MARK} ")[1:]:
        name, _, body = part.partition("\n")
        sections[name.strip()] = body
    return sections


def parse_properties(text: str) -> dict[str, str]:
    """Read `getprop`; a value may hold brackets and span lines."""
    pattern = r"^\[([^\]\n]+)\]: \[(.*?)\]$(?=\n\[|\n*\Z)"
    return dict(re.findall(pattern, text, re.M | re.S))


def device_info(
    sections: Mapping[str, str], *, device_id: str, family: str, serial: str
) -> DeviceInfo:
    """Put together what a phone reported; what it did not report is `None`.

    Args:
        sections: Of `parse_sections`.
        device_id: What selects it.
        family: `android` or `simulated`.
        serial: adb's name of it; hashed in place of the physical serial where the
            phone hides that.
    """
    properties = parse_properties(sections.get("getprop", ""))
    get = properties.get
    model = get("ro.product.model") or None
    name = get("ro.product.marketname") or get("ro.config.marketing_name") or model
    simulated = get("ro.pocketbench.simulated") == "1"
    emulated = not simulated and _is_emulated(properties)
    clusters = parse_clusters(
        sections.get("cpuinfo", ""),
        sections.get("frequencies", ""),
        sections.get("capacities", ""),
    )
    listed = sum(len(cluster.cpus) for cluster in clusters)
    return DeviceInfo(
        id=device_id,
        family=family,
        name=name or device_id,
        # All emulators of one version have the same serial.
        serial_hash=serial_hash(
            serial if emulated else _physical_serial(properties, serial)
        ),
        manufacturer=get("ro.product.manufacturer") or None,
        model=model,
        soc=_soc(properties, sections.get("cpuinfo", "")),
        abis=_abis(properties),
        libc=get("ro.pocketbench.libc") or "bionic",
        clusters=clusters,
        # A core that is switched off is missing in cpuinfo, but it is there.
        core_count=_present(sections.get("present", "")) or listed or None,
        ram_bytes=_ram_bytes(sections.get("meminfo", "")),
        page_size_bytes=_page_size_bytes(sections.get("pagesize", "")),
        os_name="Android",
        os_version=get("ro.build.version.release") or None,
        api_level=integer(get("ro.build.version.sdk", ""), 1, 9999),
        build_fingerprint=get("ro.build.fingerprint") or None,
        is_emulated=emulated or "ro.pocketbench.translator" in properties,
        is_simulated=simulated,
        simulated_of=(get("ro.pocketbench.modelled_on") or model)
        if simulated
        else None,
        is_heatless=simulated and get("ro.pocketbench.heats") != "1",
        # Also one at HOST:PORT; of one on another computer the lease does no harm.
        shares_host_cpu=simulated or emulated,
        transport=_transport(serial),
    )


def serial_number(properties: Mapping[str, str]) -> str | None:
    """The physical serial, which stays when the phone is reached another way."""
    return properties.get("ro.serialno") or properties.get("ro.boot.serialno") or None


def _physical_serial(properties: Mapping[str, str], serial: str) -> str:
    """The phone's own serial, with the USB port where it shares that with another."""
    own = serial_number(properties)
    if own and _is_usb_port(serial):
        return f"{own} at {serial}"
    return own or serial


def parse_clusters(
    cpuinfo: str, frequencies: str, capacities: str = ""
) -> tuple[CoreCluster, ...]:
    """Group cores by kind, highest frequency and capacity, in the order of numbers."""
    names = _core_names(cpuinfo)
    maxima_khz = _by_core("cpufreq/cpuinfo_max_freq", frequencies)
    capacity_of = _by_core("cpu_capacity", capacities)
    groups: dict[tuple[str | None, int | None, int | None], list[int]] = {}
    for cpu in sorted(names.keys() | maxima_khz.keys() | capacity_of.keys()):
        kind = (names.get(cpu), maxima_khz.get(cpu), capacity_of.get(cpu))
        groups.setdefault(kind, []).append(cpu)
    return tuple(
        CoreCluster(
            cpus=tuple(cpus), name=name, max_frequency_khz=khz, capacity=capacity
        )
        for (name, khz, capacity), cpus in groups.items()
    )


def _by_core(file: str, parsed: str) -> dict[int, int]:
    """One file of every core, as `grep . FILE...` reports it."""
    found = re.findall(rf"/cpu([0-9]{{1,4}})/{file}:([0-9]+)$", parsed, re.M)
    return {
        int(cpu): number
        for cpu, text in found
        if int(cpu) < _MOST_CORES
        and (number := integer(text, 1, 10_000_000)) is not None
    }


def _core_names(cpuinfo: str) -> dict[int, str | None]:
    """The kind of each core that is on; an old kernel reports one kind for all."""
    fields: dict[int, dict[str, str]] = {}
    shared: dict[str, str] = {}
    current = shared
    for line in cpuinfo.splitlines():
        key, colon, value = line.partition(":")
        if not colon:
            # Kernels before 3.8 put the kind after the last core, in its own block.
            current = shared
        elif (
            key.strip() == "processor"
            and (cpu := integer(value, 0, _MOST_CORES - 1)) is not None
        ):
            current = fields.setdefault(cpu, {})
        else:
            current[key.strip()] = value.strip()
    return {cpu: _name_of({**shared, **own}) for cpu, own in fields.items()}


def _name_of(fields: Mapping[str, str]) -> str | None:
    try:
        return core_name(int(fields["CPU implementer"], 0), int(fields["CPU part"], 0))
    except (KeyError, ValueError):
        return fields.get("model name")


_SOC_MODELS = ("ro.soc.model", "ro.hardware.chipname", "ro.mediatek.platform")
_PLATFORMS = (
    "ro.board.platform",
    "ro.hardware",
    "ro.boot.hardware",
    "ro.product.board",
)
_NO_NAME = frozenset({"", "unknown", "n/a", "none"})


def _soc(properties: Mapping[str, str], cpuinfo: str) -> str | None:
    """`Google Tensor G3`; a platform's code name where no model is given.

    Before Android 12 nothing else is, and development boards lack all of `ro.soc.*`.
    """

    def first(names: Iterable[str]) -> str | None:
        values = (properties.get(name, "").strip() for name in names)
        return next((v for v in values if v.casefold() not in _NO_NAME), None)

    model = first(_SOC_MODELS)
    if model is None:
        hardware = re.search(r"^Hardware\s*:\s*(\S.*?)\s*$", cpuinfo, re.M)
        return first(_PLATFORMS) or (hardware[1] if hardware else None)
    maker = first(("ro.soc.manufacturer",)) or ""
    return model if model.startswith(maker) else f"{maker} {model}"


def _abis(properties: Mapping[str, str]) -> tuple[str, ...]:
    listed = properties.get("ro.product.cpu.abilist") or ",".join(
        (
            properties.get("ro.product.cpu.abi", ""),
            properties.get("ro.product.cpu.abi2", ""),
        )
    )
    return tuple(abi.strip() for abi in listed.split(",") if abi.strip())


def _is_usb_port(serial: str) -> bool:
    """Whether adb's name for a phone is the port that it is plugged into."""
    return re.fullmatch(r"usb:\S+|\d+-\d+(\.\d+)*", serial) is not None


def _is_emulated(properties: Mapping[str, str]) -> bool:
    hardware = properties.get("ro.hardware", "")
    return (
        properties.get("ro.kernel.qemu") == "1"
        or properties.get("ro.boot.qemu") == "1"
        or hardware.startswith(_EMULATED_HARDWARE)
        or "emulator" in properties.get("ro.build.characteristics", "").split(",")
    )


def _transport(serial: str) -> str:
    if serial.startswith("emulator-"):
        return f"emulator {serial.removeprefix('emulator-')}"
    # Found over the network by name: adb-SERIAL-abcdef._adb-tls-connect._tcp
    if _is_usb_port(serial):
        return f"usb {serial.removeprefix('usb:')}"
    if ":" in serial or "._adb" in serial:
        return f"tcp {serial}"
    return "usb"


def _present(text: str) -> int | None:
    """The number of cores in `0-7` or `0-3,5`."""
    return len(cpu_list(text) or ()) or None


def _ram_bytes(meminfo: str) -> int | None:
    found = re.search(r"^MemTotal:\s*([0-9]+) kB", meminfo, re.M)
    kib = integer(found[1], 1, 2**34) if found else None
    return None if kib is None else kib * 1024


def _page_size_bytes(text: str) -> int | None:
    kilobytes = re.search(r"KernelPageSize:\s*([0-9]+) kB", text)
    if kilobytes:
        kib = integer(kilobytes[1], 1, 1024)
        return None if kib is None else kib * 1024
    plain = re.search(r"^([0-9]+)$", text, re.M)
    return integer(plain[1], 1024, 2**20) if plain else None
