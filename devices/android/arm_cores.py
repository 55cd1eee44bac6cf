"""Names of ARM cores by the two numbers that /proc/cpuinfo reports.

The numbers are those of ARM's MIDR_EL1 register, as util-linux's `lscpu` and the Linux
kernel's `asm/cputype.h` list them.
"""

from __future__ import annotations

_ARM, _BROADCOM, _HISILICON, _NVIDIA = 0x41, 0x42, 0x48, 0x4E
_QUALCOMM, _SAMSUNG = 0x51, 0x53

_CORES = {
    (_ARM, 0xC05): "Cortex-A5",
    (_ARM, 0xC07): "Cortex-A7",
    (_ARM, 0xC08): "Cortex-A8",
    (_ARM, 0xC09): "Cortex-A9",
    (_ARM, 0xC0E): "Cortex-A17",
    (_ARM, 0xC0F): "Cortex-A15",
    (_ARM, 0xD01): "Cortex-A32",
    (_ARM, 0xD03): "Cortex-A53",
    (_ARM, 0xD04): "Cortex-A35",
    (_ARM, 0xD05): "Cortex-A55",
    (_ARM, 0xD07): "Cortex-A57",
    (_ARM, 0xD08): "Cortex-A72",
    (_ARM, 0xD09): "Cortex-A73",
    (_ARM, 0xD0A): "Cortex-A75",
    (_ARM, 0xD0B): "Cortex-A76",
    (_ARM, 0xD0D): "Cortex-A77",
    (_ARM, 0xD41): "Cortex-A78",
    (_ARM, 0xD44): "Cortex-X1",
    (_ARM, 0xD46): "Cortex-A510",
    (_ARM, 0xD47): "Cortex-A710",
    (_ARM, 0xD48): "Cortex-X2",
    (_ARM, 0xD4B): "Cortex-A78C",
    (_ARM, 0xD4C): "Cortex-X1C",
    (_ARM, 0xD4D): "Cortex-A715",
    (_ARM, 0xD4E): "Cortex-X3",
    (_ARM, 0xD80): "Cortex-A520",
    (_ARM, 0xD81): "Cortex-A720",
    (_ARM, 0xD82): "Cortex-X4",
    (_ARM, 0xD85): "Cortex-X925",
    (_ARM, 0xD87): "Cortex-A725",
    (_HISILICON, 0xD40): "Cortex-A76 (Kirin)",
    (_HISILICON, 0xD41): "Cortex-A77 (Kirin)",
    (_NVIDIA, 0x000): "Denver",
    (_NVIDIA, 0x003): "Denver 2",
    (_NVIDIA, 0x004): "Carmel",
    (_QUALCOMM, 0x001): "Oryon",
    (_QUALCOMM, 0x06F): "Krait",
    (_QUALCOMM, 0x201): "Kryo",
    (_QUALCOMM, 0x205): "Kryo",
    (_QUALCOMM, 0x211): "Kryo",
    (_QUALCOMM, 0x800): "Kryo 2xx Gold",
    (_QUALCOMM, 0x801): "Kryo 2xx Silver",
    (_QUALCOMM, 0x802): "Kryo 3xx Gold",
    (_QUALCOMM, 0x803): "Kryo 3xx Silver",
    (_QUALCOMM, 0x804): "Kryo 4xx Gold",
    (_QUALCOMM, 0x805): "Kryo 4xx Silver",
    (_SAMSUNG, 0x001): "Exynos M1",
    (_SAMSUNG, 0x002): "Exynos M3",
    (_SAMSUNG, 0x003): "Exynos M4",
    (_SAMSUNG, 0x004): "Exynos M5",
}

_IMPLEMENTERS = {
    _ARM: "Arm",
    _BROADCOM: "Broadcom",
    _HISILICON: "HiSilicon",
    _NVIDIA: "NVIDIA",
    _QUALCOMM: "Qualcomm",
    _SAMSUNG: "Samsung",
}


def core_name(implementer: int, part: int) -> str:
    """The core's name; for one not listed, who made it and its number."""
    known = _CORES.get((implementer, part))
    if known is not None:
        return known
    maker = _IMPLEMENTERS.get(implementer, f"implementer 0x{implementer:02x}")
    return f"{maker} part 0x{part:03x}"
