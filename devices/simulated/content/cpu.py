"""/proc/cpuinfo and /sys/devices/system/cpu, as an ARM phone has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocketbench.devices.simulated.phone.state import State
    from pocketbench.devices.simulated.profile import Profile
    from pocketbench.devices.simulated.profile_tables import Cluster

ROOT = "sys/devices/system/cpu"
TICKS_PER_S = 100


def cpuinfo(profile: Profile) -> str:
    """One block a core, and on old kernels the chip's name at the end."""
    blocks = []
    for cpu, cluster in _cores(profile):
        blocks.append(
            f"processor\t: {cpu}\n"
            f"BogoMIPS\t: {profile.cpu.bogomips}\n"
            f"Features\t: {profile.cpu.features}\n"
            f"CPU implementer\t: {cluster.implementer:#04x}\n"
            "CPU architecture: 8\n"
            f"CPU variant\t: {cluster.variant:#x}\n"
            f"CPU part\t: {cluster.part:#05x}\n"
            f"CPU revision\t: {cluster.revision}\n"
        )
    text = "\n".join(blocks) + "\n"
    if profile.cpu.hardware is not None:
        text += f"Hardware\t: {profile.cpu.hardware}\n"
    return text


def fixed_files(profile: Profile) -> dict[str, str]:
    """What stays as it is; without the leading slash."""
    last = max(cpu for cluster in profile.clusters for cpu in cluster.cpus)
    files = {
        f"{ROOT}/{name}": f"0-{last}\n" for name in ("online", "possible", "present")
    }
    files[f"{ROOT}/offline"] = "\n"
    files[f"{ROOT}/kernel_max"] = "31\n"
    for cpu, cluster in _cores(profile):
        folder = f"{ROOT}/cpu{cpu}"
        files[f"{folder}/topology/physical_package_id"] = "0\n"
        files[f"{folder}/topology/core_id"] = f"{cpu}\n"
        if cpu:
            files[f"{folder}/online"] = "1\n"
        if cluster.capacity is not None:
            files[f"{folder}/cpu_capacity"] = f"{cluster.capacity}\n"
    for cluster in _with_clocks(profile):
        cores = " ".join(map(str, cluster.cpus))
        texts = {
            "cpuinfo_min_freq": cluster.min_frequency_khz,
            "cpuinfo_max_freq": cluster.max_frequency_khz,
            "scaling_min_freq": cluster.min_frequency_khz,
            "scaling_governor": cluster.governor,
            "scaling_available_frequencies": " ".join(map(str, frequencies(cluster))),
            "related_cpus": cores,
            "affected_cpus": cores,
        }
        for name, value in texts.items():
            files[f"{_folder(cluster)}/{name}"] = f"{value}\n"
    return files


def changing_files(
    profile: Profile, state: State, seconds: Mapping[int, Mapping[int, float]]
) -> dict[str, str]:
    """What moves: clocks, their caps, and how long each frequency ran.

    Args:
        profile: The phone.
        state: Its caps.
        seconds: Time at each frequency_khz since boot, by a cluster's first core.
    """
    files = {}
    for cluster in _with_clocks(profile):
        folder = _folder(cluster)
        ran = seconds.get(cluster.cpus[0], {})
        files[f"{folder}/scaling_max_freq"] = f"{cap_khz(cluster, state)}\n"
        files[f"{folder}/scaling_cur_freq"] = f"{idle_khz(cluster, state)}\n"
        files[f"{folder}/stats/time_in_state"] = "".join(
            f"{khz} {int(ran.get(khz, 0.0) * TICKS_PER_S)}\n"
            for khz in sorted({*frequencies(cluster), *ran})
        )
    return files


def links(profile: Profile) -> dict[str, str]:
    """Every core's cpufreq folder is its policy's."""
    return {
        f"{ROOT}/cpu{cpu}/cpufreq": f"../cpufreq/policy{cluster.cpus[0]}"
        for cpu, cluster in _cores(profile)
        if cluster.max_frequency_khz is not None
    }


def unreadable(profile: Profile) -> tuple[str, ...]:
    """Files that exist, and that the shell user may not read."""
    return tuple(
        f"{_folder(cluster)}/{name}"
        for cluster in _with_clocks(profile)
        for name in cluster.unreadable
    )


def frequencies(cluster: Cluster) -> tuple[int, ...]:
    """All of a cluster's frequencies in kHz, lowest first."""
    ends = (cluster.min_frequency_khz, cluster.max_frequency_khz)
    known = {khz for khz in (*cluster.frequencies_khz, *ends) if khz is not None}
    if cluster.capped_frequency_khz is not None:
        known.add(cluster.capped_frequency_khz)
    return tuple(sorted(known))


def cap_khz(cluster: Cluster, state: State) -> int:
    """What a cluster may reach now."""
    assert cluster.max_frequency_khz is not None
    cap = cluster.capped_frequency_khz or cluster.max_frequency_khz
    return min(cap, state.capped_khz.get(cluster.cpus[0], cap))


def idle_khz(cluster: Cluster, state: State) -> int:
    """Where a cluster's clock is while nothing runs."""
    assert cluster.min_frequency_khz is not None
    current = cluster.current_frequency_khz or cluster.min_frequency_khz
    return min(current, cap_khz(cluster, state))


def _cores(profile: Profile) -> list[tuple[int, Cluster]]:
    pairs = ((cpu, cluster) for cluster in profile.clusters for cpu in cluster.cpus)
    return sorted(pairs, key=lambda pair: pair[0])


def _with_clocks(profile: Profile) -> tuple[Cluster, ...]:
    return tuple(c for c in profile.clusters if c.max_frequency_khz is not None)


def _folder(cluster: Cluster) -> str:
    return f"{ROOT}/cpufreq/policy{cluster.cpus[0]}"
