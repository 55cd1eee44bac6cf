"""What XCTest prints, read back to the last digit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbench.bench.errors import UsageError
from pocketbench.ios_runner.xctest import CLOCK, read_measured, split_name

TEST = "-[GenericTests test_forward_mv3_xnnpack_pte_iOS_18_0_iPhone15_4]"


def line(values, *, test=TEST, metric="Clock Monotonic Time, s", average="0.004"):
    reported = ", ".join(f"{value:.6f}" for value in values)
    return (
        f"/Users/me/Tests.mm:134: Test Case '{test}' measured [{metric}] average: "
        f"{average}, relative standard deviation: 7.201%, values: [{reported}], "
        "performanceMetricID:com.apple.dt.XCTMetric_Clock.time.monotonic, "
        'baselineName: "", baselineAverage: , polarity: prefers smaller, '
        "maxPercentRegression: 10.000%, maxStandardDeviation: 0.000\n"
    )


def test_the_raw_values_are_taken_and_not_the_rounded_average():
    (found,) = read_measured(line([0.004643, 0.004422]), "log")

    assert found.values == (4_643_000, 4_422_000)
    assert found.metric == CLOCK


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_every_value_of_a_microsecond_clock_comes_back(values_us):
    (found,) = read_measured(line([value / 1e6 for value in values_us]), "log")

    assert found.values == tuple(value * 1000 for value in values_us)


def test_memory_is_in_kilobytes_of_a_thousand():
    text = line([125158.624, 125175.008], metric="Memory Peak Physical, kB")

    (found,) = read_measured(text, "log")

    assert found.values == (125_158_624, 125_175_008)


def test_a_restarted_test_run_is_another_process():
    begins = "Test Suite 'All tests' started at 2026-01-01 10:00:00.000.\n"
    text = begins + line([0.001]) + line([0.002]) + begins + line([0.003])

    assert [found.process for found in read_measured(text, "log")] == [0, 0, 1]


def test_other_lines_and_cut_off_ones_are_passed_over():
    whole = line([0.001])
    text = f"noise\n{whole}{whole[: whole.index('values')]}\n{TEST} passed (1.0 s).\n"

    assert len(read_measured(text, "log")) == 1


def test_metrics_of_unknown_units_are_passed_over():
    text = line([1.0], metric="Tokens Per Second, t/s") + line([0.001])

    assert [found.metric for found in read_measured(text, "log")] == [CLOCK]


def test_the_metrics_of_a_result_bundle_are_read_too():
    text = json.dumps(
        [
            {
                "testIdentifier": "GenericTests/test_forward_mv3_xnnpack_pte()",
                "testRuns": [
                    {
                        "device": {"modelName": "iPhone 15", "osVersion": "18.0"},
                        "metrics": [
                            {
                                "displayName": "Clock Monotonic Time",
                                "identifier": "com.apple.dt.XCTMetric_Clock",
                                "unitOfMeasurement": "s",
                                "measurements": [0.0046431, 0.0044],
                            }
                        ],
                    }
                ],
            }
        ]
    )

    (found,) = read_measured(text, "metrics.json")

    assert found.values == (4_643_100, 4_400_000)
    assert (found.device_model, found.os_version) == ("iPhone 15", "18.0")
    assert split_name(found.test).model == "mv3_xnnpack"


@pytest.mark.parametrize("text", ["", "hello\n", "[]", '[{"testRuns": 3}]', "{"])
def test_a_file_without_measurements_says_what_to_give(text):
    with pytest.raises(UsageError, match="xcresulttool"):
        read_measured(text, "log")


@pytest.mark.parametrize(
    ("test", "kind", "model", "device", "system"),
    [
        (TEST, "forward", "mv3_xnnpack", "iPhone15,4", "18.0"),
        (
            "-[Tests test_load_resnet_pte_iOS_17_2_1_iPad14_3]",
            "load",
            "resnet",
            "iPad14,3",
            "17.2.1",
        ),
        (
            "-[Tests test_forward_models_llama2_iPhone_iPhone14,2_iOS_17.6.1]",
            "forward",
            "models_llama2_iPhone",
            "iPhone14,2",
            "17.6.1",
        ),
        ("MyTests/testSpeed()", "Speed", "Speed", None, None),
    ],
)
def test_a_tests_name_reports_model_and_device(test, kind, model, device, system):
    assert split_name(test) == (kind, model, device, system)
