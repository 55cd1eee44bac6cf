from __future__ import annotations

import json
import xml.etree.ElementTree as ET

from msgspec.structs import replace

from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Failure
from pocketbench.reports.formats import annotations, benchmark_action, junit
from pocketbench.reports.view import View
from tests.reports.two_runs import of_two_runs

JUNIT = """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="pocketbench" tests="2" failures="1" errors="0" skipped="1">
  <!--mobilenet_v2: 10.0 ms on this computer (Ryzen 7) and 20.0 ms on Pixel 8 \
[SIMULATED] with float32 (no build clearly faster). int8-static is 10 % slower than \
float32 (10.0 → 11.0 ms) on 1 of 2 devices, and inconclusive on 1 (simulated); output \
SQNR 31 dB. It uses 33 to 38 % less memory. -->
  <testsuite name="mobilenet_v2" tests="2" failures="1" errors="0" skipped="1" \
timestamp="2026-03-02T09:15:00Z">
    <testcase classname="mobilenet_v2.this computer (Ryzen 7)" \
name="int8-static against float32: median latency">
      <properties>
        <property name="candidate_over_baseline" value="1.1" />
        <property name="low_95" value="1.08" />
        <property name="high_95" value="1.12" />
        <property name="launches" value="10" />
        <property name="q_value" value="0.002" />
        <property name="min_effect" value="0.02" />
        <property name="verdict" value="regression" />
        <property name="quality" value="A" />
      </properties>
      <failure type="regression" message="▲ 10 % slower; 10.0 → 11.0 ms; ratio \
1.10 [1.08, 1.12]" />
      <system-out>▲ 10 % slower; 10.0 → 11.0 ms; ratio 1.10 [1.08, 1.12]</system-out>
    </testcase>
    <testcase classname="mobilenet_v2.Pixel 8 [SIMULATED]" \
name="int8-static against float32: median latency">
      <properties>
        <property name="candidate_over_baseline" value="1.01" />
        <property name="low_95" value="0.98" />
        <property name="high_95" value="1.04" />
        <property name="launches" value="10" />
        <property name="q_value" value="0.002" />
        <property name="min_effect" value="0.02" />
        <property name="verdict" value="inconclusive" />
        <property name="quality" value="B: simulated" />
      </properties>
      <skipped message="○ inconclusive, about 14 more launches needed; \
20.0 → 20.2 ms; ratio 1.01 [0.980, 1.04]" />
      <system-out>○ inconclusive, about 14 more launches needed; \
20.0 → 20.2 ms; ratio 1.01 [0.980, 1.04]</system-out>
    </testcase>
  </testsuite>
</testsuites>
"""


def lost(number: int) -> Failure:
    return Failure(
        device_id=f"android:{number}",
        reason=FailureReason.DEVICE_LOST,
        fact="gone: 100%\x00\nsecond line, with a comma",
        remedy="Look",
        started_at="2026-03-02T09:16:00Z",
    )


def test_the_whole_junit_file_of_a_run_that_fails_if_slower(tiny):
    assert junit.render(View(tiny, fails_slower=True)) == JUNIT


def test_slower_within_a_run_is_no_failure_unless_asked(tiny):
    root = ET.fromstring(junit.render(View(tiny)))
    assert root.get("failures") == "0"
    assert "▲ 10 % slower; 10.0 → 11.0 ms" in (root.findtext(".//system-out") or "")
    assert annotations.render(View(tiny)) == ""


def test_a_regression_between_runs_always_fails(tiny):
    root = ET.fromstring(junit.render(View(of_two_runs(tiny))))
    assert root.get("failures") == "1"
    failure = root.find(".//failure")
    assert failure is not None
    assert "regression, 10 % slower; 10.0 → 11.0 ms" in (failure.get("message") or "")
    assert "than 0a1b2c3d4e (10.0 → 11.0 ms)" in annotations.render(
        View(of_two_runs(tiny))
    )


def test_what_could_not_be_measured_is_an_error_not_a_failure(full):
    root = ET.fromstring(junit.render(View(full)))
    assert root.get("errors") == "1"
    error = root.find(".//error")
    assert error is not None
    assert error.get("type") == "crashed"
    assert "Segmentation fault" in (error.text or "")
    assert "F DEBUG   : name: bench" in (error.text or "")


def test_a_lost_device_has_a_suite_of_its_own_and_valid_xml(tiny):
    root = ET.fromstring(junit.render(View(replace(tiny, failures=(lost(1),)))))
    assert [suite.get("name") for suite in root.iter("testsuite")] == [
        "mobilenet_v2",
        "devices",
    ]


def test_annotations_name_what_regressed(tiny):
    assert annotations.render(View(tiny, fails_slower=True)) == (
        "::warning title=mobilenet_v2 int8-static regressed::median latency on "
        "this computer (Ryzen 7) is 10 %25 slower than float32 (10.0 → 11.0 ms): ratio "
        "1.10 [1.08, 1.12]; quality A\n"
    )


def test_annotations_escape_and_stop_at_ten_lines(tiny):
    summary = replace(tiny, failures=tuple(lost(n) for n in range(15)))
    lines = annotations.render(View(summary, fails_slower=True)).splitlines()
    assert len(lines) == 10
    assert lines[1].startswith("::warning title=a device could not be measured::")
    assert "100%25" in lines[1]
    assert "%0Asecond line, with a comma" in lines[1]
    assert lines[-1].endswith("7 more warnings are in the report")


def test_github_action_benchmark_gets_what_is_better_smaller(tiny):
    entries = json.loads(benchmark_action.render(View(tiny)))
    assert len(entries) == 8
    assert entries[6] == {
        "name": "mobilenet_v2 / int8-static / Pixel 8 [SIMULATED] / median latency",
        "unit": "ns",
        "value": 20_200_000.0,
        "range": "± 202000",
        "extra": "10 launches, 95 % interval; quality B: simulated",
    }


def test_throughput_is_left_out_because_more_is_better(full):
    names = [entry["name"] for entry in json.loads(benchmark_action.render(View(full)))]
    assert names
    assert not any("throughput" in name for name in names)
