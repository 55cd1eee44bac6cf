"""The phone's cores a program runs on."""

import pytest

from pocketbench.bench.errors import UsageError
from pocketbench.bench.planning.cores import (
    biggest_core,
    check_cores,
    cores_of,
)
from pocketbench.bench.records.device import CoreCluster, DeviceInfo
from pocketbench.devices.android.pinning import pin_to


def phone(*clusters, api_level=34):
    return DeviceInfo(
        id="android:x",
        family="android",
        name="phone",
        api_level=api_level,
        clusters=tuple(
            CoreCluster(cpus=cpus, max_frequency_khz=khz) for cpus, khz in clusters
        ),
    )


PIXEL = phone(((0, 1, 2, 3), 1_704_000), ((4, 5, 6, 7), 2_367_000), ((8,), 2_914_000))
FOUR_KINDS = phone(((0, 1), 1_000), ((2, 3), 2_000), ((4, 5), 3_000), ((6,), 4_000))


@pytest.mark.parametrize(
    ("info", "asked", "cpus"),
    [
        (PIXEL, "little", (0, 1, 2, 3)),
        (PIXEL, "mid", (4, 5, 6, 7)),
        (PIXEL, "big", (8,)),
        (PIXEL, "all", tuple(range(9))),
        (PIXEL, "4-6,8", (4, 5, 6, 8)),
        (PIXEL, "7-12", (7, 8)),
        (FOUR_KINDS, "mid", (2, 3, 4, 5)),
        (phone(((0, 1), 1_000), ((2,), 2_000)), "mid", ()),
        (phone(((0, 1), 1_000)), "big", ()),
        (phone(((0, 1), None)), "big", ()),
        (PIXEL, None, ()),
    ],
)
def test_clusters_are_reported_apart_by_their_highest_clock(info, asked, cpus):
    assert cores_of(info, asked) == cpus


def sized(*clusters):
    return DeviceInfo(
        id="android:x",
        family="android",
        name="phone",
        clusters=tuple(
            CoreCluster(cpus=cpus, max_frequency_khz=khz, capacity=capacity)
            for cpus, khz, capacity in clusters
        ),
    )


SAME_CLOCKS = sized(((0, 1), 1_989, 430), ((2, 3), 1_989, 1024))
SLOW_BUT_BIG = sized(((0,), 2_000, 1024), ((1,), 2_200, 300), ((2,), 1_900, 600))
HALF_TOLD = sized(((0,), 2_000, 1024), ((1,), 2_200, None))


@pytest.mark.parametrize(
    ("info", "asked", "cpus"),
    [
        (SAME_CLOCKS, "little", (0, 1)),
        (SAME_CLOCKS, "big", (2, 3)),
        (SLOW_BUT_BIG, "big", (0,)),
        (SLOW_BUT_BIG, "mid", (2,)),
        (HALF_TOLD, "big", (1,)),
    ],
)
def test_capacity_counts_before_clocks_where_all_report_it(info, asked, cpus):
    assert cores_of(info, asked) == cpus


def test_this_computers_cores_are_the_leases_business():
    host = DeviceInfo(id="host", family="host", name="host", clusters=PIXEL.clusters)
    assert cores_of(host, "big") == ()


@pytest.mark.parametrize("text", ["big", "all", "4-7", "0,2,5", "3"])
def test_names_and_lists_are_taken(text):
    assert check_cores(text) == text


@pytest.mark.parametrize("text", ["", "huge", "4-", "7-4", "1,,2", "-1", "0x3"])
def test_anything_else_is_a_mistake(text):
    with pytest.raises(UsageError, match="--cores"):
        check_cores(text)


def test_the_mask_is_hexadecimal_and_new_phones_lift_the_shells_limits():
    assert pin_to(phone(api_level=32), (4, 5, 6, 7)) == ("taskset", "f0")
    *lift, taskset, mask = pin_to(PIXEL, (8,))
    assert (taskset, mask) == ("taskset", "100")
    assert "settaskprofile $$ MaxPerformance" in lift[2]
    assert pin_to(PIXEL, ()) == ()


def test_a_spin_runs_on_one_core_of_the_fastest():
    assert biggest_core(PIXEL) == (8,)
    assert biggest_core(phone(((0, 1), None))) == ()
