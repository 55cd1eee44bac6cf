"""Sustained runs made by hand: a phone that grows hot, and a computer that does not."""

from __future__ import annotations

import random

import msgspec

from pocketbench.bench.records.conditions import (
    Battery,
    Conditions,
    CpuPolicy,
    Temperature,
    Thermal,
)
from pocketbench.bench.records.launch import Launch, Measurement, Memory
from pocketbench.bench.records.sustained import Reading, Sustained, SustainedLaunch

BEGAN_UPTIME_S = 5000.0
STARTUP_S = 2.0
"""From the start of the program to the first main iteration."""
HIGHEST_KHZ = 2_914_000


def conditions(at_s, *, hot_from_s, skin_c, reports_uptime=True):
    """A phone so long after the first main iteration."""
    is_hot = hot_from_s is not None and at_s >= hot_from_s
    now_khz = HIGHEST_KHZ // 2 if is_hot else HIGHEST_KHZ
    return Conditions(
        thermal=Thermal(
            status=1 if is_hot else 0,
            source="hal",
            temperatures=(Temperature(name="SKIN", kind="skin", value_c=skin_c),),
        ),
        cpu_policies=(
            CpuPolicy(
                id=0,
                cpus=(0, 1, 2, 3),
                current_frequency_khz=600_000,
                max_frequency_khz=1_700_000,
                hardware_max_frequency_khz=1_700_000,
            ),
            CpuPolicy(
                id=8,
                cpus=(8,),
                current_frequency_khz=now_khz,
                max_frequency_khz=now_khz,
                hardware_max_frequency_khz=HIGHEST_KHZ,
            ),
        ),
        battery=Battery(level=80, status="discharging", plugged=()),
        uptime_s=BEGAN_UPTIME_S + at_s if reports_uptime else None,
    )


def sustained(
    device_id="simulated:pixel-8",
    variant_id="float32",
    *,
    model="mobilenet_v2",
    duration_s=600.0,
    cool_ns=12_000_000,
    hot_ns=22_000_000,
    hot_from_s=180.0,
    interval_s=5.0,
    reading_s=0.3,
    while_read=1.0,
    is_watched=True,
    reports_uptime=True,
    was_stopped=False,
    kept_every=1,
    seed=3,
):
    """One process: `cool_ns` an iteration, then from `hot_from_s` on `hot_ns`."""
    rng = random.Random(seed)
    latencies, gaps, now_ns = [], [], 0.0
    while now_ns < duration_s * 1e9:
        is_hot = hot_from_s is not None and now_ns >= hot_from_s * 1e9
        latency = (hot_ns if is_hot else cool_ns) * (1 + abs(rng.gauss(0, 0.02)))
        since_s = now_ns / 1e9 % interval_s
        if is_watched and now_ns >= interval_s * 1e9 and since_s < reading_s:
            latency *= while_read
        gap = 50_000
        latencies.append(round(latency))
        gaps.append(gap)
        now_ns += latencies[-1] + gap
    state = {"hot_from_s": hot_from_s, "reports_uptime": reports_uptime}
    readings = [
        Reading(
            at_ns=round((number * interval_s + STARTUP_S) * 1e9),
            took_ns=round(reading_s * 1e9),
            conditions=conditions(
                number * interval_s,
                skin_c=28 + 14 * (number * interval_s / duration_s) ** 0.5,
                **state,
            ),
        )
        for number in range(1, int(duration_s / interval_s))
        if is_watched
    ]
    return SustainedLaunch(
        launch=Launch(
            device_id=device_id,
            model=model,
            variant_id=variant_id,
            artifact_sha256=variant_id,
            runner="lite",
            block=0,
            attempt=0,
            position=0,
            started_at="2026-03-02T09:15:00Z",
            wall_ns=round(now_ns + STARTUP_S * 1e9),
            measurement=Measurement(
                latencies_ns=tuple(latencies),
                gaps_ns=tuple(gaps),
                began_uptime_ns=round(BEGAN_UPTIME_S * 1e9) if reports_uptime else None,
                was_stopped=was_stopped,
                kept_every=kept_every,
                memory=Memory(peak_rss_bytes=130 * 2**20),
            ),
            conditions_before=conditions(-STARTUP_S, skin_c=28.0, **state),
        ),
        asked=Sustained(duration_s=duration_s, interval_s=interval_s),
        readings=tuple(readings),
    )


def sustained_run(run, *records):
    """A stored run with these long launches instead of its own."""
    plan = msgspec.structs.replace(run.started.plan, sustained=records[0].asked)
    return msgspec.structs.replace(
        run,
        started=msgspec.structs.replace(run.started, plan=plan),
        launches=(),
        sustained=records,
    )
