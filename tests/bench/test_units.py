from __future__ import annotations

import doctest

import pytest

from pocketbench.bench import units
from pocketbench.bench.units import (
    Scale,
    common_scale,
    format_span,
    format_times_or_percent,
    format_value,
)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(units).failed == 0


def test_a_column_has_the_unit_of_its_middle_value():
    assert common_scale("ns", [900.0, 1.2e6, 3e6]) == Scale(1e6, "ms")
    assert common_scale("bytes", [2**20, 3 * 2**20, 2**31]) == Scale(2**20, "MiB")
    assert common_scale("per_s", [1.0]) == Scale(1.0, "/s")
    assert common_scale("ns", []) == Scale(1.0, "ns")


@pytest.mark.parametrize(
    ("unit", "value", "words"),
    [
        ("ns", 12_345_678, "12.3 ms"),
        ("ns", 0, "0 ns"),
        ("bytes", 31 * 2**20, "31.0 MiB"),
        ("per_s", 80.64, "80.6 /s"),
    ],
)
def test_a_value_has_three_digits_and_its_unit(unit, value, words):
    assert format_value(unit, value) == words


def test_small_effects_are_percent_and_large_ones_times():
    assert format_times_or_percent(1.9) == "90 %"
    assert format_times_or_percent(1 / 1.9) == "90 %"
    assert format_times_or_percent(0.5) == "2.0x"
    assert format_times_or_percent(1.5, as_times=True) == "1.5x"
    assert format_times_or_percent(12.34) == "12.3x"
    assert format_times_or_percent(0.0) == "0x"


def test_spans_are_reported_as_people_report_them():
    reported = [format_span(s) for s in (45, 720, 5400, 9000)]
    assert reported == ["45 s", "12 min", "90 min", "2.50 h"]
