from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from msgspec.structs import replace

from pocketbench.bench.commands.write_reports import Reports
from pocketbench.bench.judge.summary import Verdict
from pocketbench.reports.formats.html.details import device_charts
from pocketbench.reports.plots.axis import linear_axis, ratio_axis, value_axis
from pocketbench.reports.plots.ecdf import ecdf
from pocketbench.reports.plots.forest import forest, worst_first
from pocketbench.reports.plots.panel import spread_out
from pocketbench.reports.plots.sheet import Sheet
from pocketbench.reports.plots.strips import strips
from pocketbench.reports.plots.style import INK, LIGHT, PANEL_PX, variant_colours
from pocketbench.reports.view import View


def colours(view):
    return variant_colours(view.variant_ids, {"float32"})


def every_chart(view) -> dict[str, str]:
    model = view.models[0]
    device = view.device_ids[1]
    cells = [c for c in view.summary.cells if c.model == model]
    found = device_charts(view, model, device, colours(view), name="d")
    return {
        "forest": forest(view, view.judged),
        "strips": strips(view, cells, colours(view), name="s"),
        "timeline": found.timeline,
        "ecdf": found.ecdf,
        "traces": found.traces[0].svg,
    }


def test_every_chart_is_well_formed_has_a_title_and_its_own_ids(full):
    seen: set[str] = set()
    for name, svg in every_chart(View(full)).items():
        root = ET.fromstring(svg)
        assert root.tag == "svg", name
        title = root.find("title")
        assert title is not None, name
        assert title.text, name
        ids = set(re.findall(r' id="([^"]+)"', svg))
        assert not ids & seen, name
        seen |= ids
        for used in re.findall(r'(?:href="#|url\(#)([^")]+)', svg):
            assert used in ids, name


def test_charts_are_drawn_in_the_pages_colours_alone(full):
    for name, svg in every_chart(View(full)).items():
        assert not re.search(r"#[0-9a-f]{6}\b", svg), name
        assert "font-family" not in svg, name
        assert "<path" in svg or "<use" in svg, name


def test_a_chart_in_a_file_of_its_own_carries_its_colours(full):
    sheet = Sheet(100, 50)
    sheet.text(5, 5, "x", colour=INK)
    svg = sheet.svg("x", title="t", description="d", inline=False)
    assert "var(" not in svg
    assert LIGHT[INK][1] in svg
    assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"


def test_equal_summaries_give_equal_bytes(full):
    assert every_chart(View(full)) == every_chart(View(full))


def test_simulated_devices_are_tagged_in_the_charts(full):
    charts = every_chart(View(full))
    for name in ("forest", "strips"):
        assert charts[name].count(">SIMULATED</text>") == charts[name].count(
            ">Pixel 8</text>"
        ), name
        assert ">SIMULATED</text>" in charts[name], name


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "$\\frac{1", "電話 📱", "a\nb", "x" * 300, ""]
)
def test_any_device_name_can_be_drawn(tiny, name):
    device = replace(tiny.devices[0].device, name=name)
    devices = (replace(tiny.devices[0], device=device), tiny.devices[1])
    svg = forest(View(replace(tiny, devices=devices)), tiny.comparisons[:1])
    assert "<script" not in svg
    assert ET.fromstring(svg) is not None


def test_the_forest_shows_every_judged_cell_with_its_shape(tiny):
    view = View(tiny, fails_slower=True)
    svg = forest(view, view.judged)
    assert "10 % slower" in svg
    assert "1.10 [1.08, 1.12]" in svg
    assert "inconclusive" in svg
    assert "var(--regression)" in svg
    assert "the minimum effect of 2 %" in svg
    assert "var(--regression)" not in forest(View(tiny), view.judged)


def test_rows_stand_worst_first(tiny):
    metric = tiny.metrics[0]
    better, worse = tiny.comparisons[2], tiny.comparisons[0]
    assert worst_first([better, worse], metric) == [worse, better]
    throughput = replace(metric, better="higher")
    assert worst_first([worse, better], throughput) == [better, worse]


def test_an_interval_without_ends_is_a_point_and_a_huge_one_is_held(tiny):
    first, second = tiny.comparisons[0], tiny.comparisons[2]
    ratio = first.candidate_over_baseline
    none = replace(
        first,
        verdict=Verdict.INCONCLUSIVE,
        candidate_over_baseline=replace(ratio, low=None, high=None, launches=1),
    )
    huge = replace(second, candidate_over_baseline=replace(ratio, low=1e-6, high=1e6))
    svg = forest(View(tiny), [none, huge])
    assert "[no interval]" in svg
    root = ET.fromstring(svg)
    width = float(root.get("width") or 0)
    for use in root.iter("use"):
        assert 0 <= float(use.get("x") or 0) <= width


def test_the_ratio_axis_shows_the_band_and_one():
    axis = ratio_axis([0.999, 1.001], 0.02, 0, 500)
    assert axis.low < 1 / 1.02
    assert axis.high > 1.02
    assert "1" in [tick.label for tick in axis.ticks]
    wide = ratio_axis([0.1, 0.5], 0.02, 0, 500)
    assert {"0.1", "0.5", "1"} <= {tick.label for tick in wide.ticks}


def test_axes_have_round_ticks_and_turn_logarithmic_when_they_must():
    linear = linear_axis(9.6e6, 12.1e6, 1e6, 0, 400)
    labels = [tick.label for tick in linear.ticks]
    assert labels == ["10.0", "10.5", "11.0", "11.5", "12.0"]
    wide = value_axis([1e6, 90e6], 1e6, 0, 400)
    assert {"1", "10", "50"} <= {tick.label for tick in wide.ticks}
    assert wide.pixel(10e6) - wide.pixel(1e6) > wide.pixel(11e6) - wide.pixel(10e6)


def test_labels_are_moved_apart_and_keep_their_order():
    found = spread_out([10.0, 11.0, 12.0, 50.0], 13)
    gaps = [b - a for a, b in pairwise(found)]
    assert all(gap >= 13 for gap in gaps)
    assert found[3] == 50


def test_the_tail_of_a_distribution_is_drawn_to_its_slowest_iteration():
    lookup_colours = variant_colours(["float32"], {"float32"})
    svg = ecdf(
        {"float32": [1_000_000] * 900 + [5_000_000] * 100},
        lookup_colours,
        where="here",
        name="e",
    )
    assert "99 %" in svg
    assert "1000 iterations of 1 variant" in svg

    (curve,) = re.findall(r'<path d="([^"]+)" style="[^"]*var\(--baseline\)', svg)
    across = [float(x) for x in re.findall(r"[ML] ([\d.]+) ", curve)]
    axis = value_axis([1e6, 5e6], 1e6, 42, PANEL_PX - 12)
    assert max(across) == pytest.approx(axis.pixel(5e6), abs=0.1)
    assert max(across) <= PANEL_PX - 12
    assert min(across) == pytest.approx(axis.pixel(1e6), abs=0.1)


def test_a_variant_has_one_colour_and_the_baseline_is_neutral():
    found = variant_colours(["float32", "a", "b"], {"float32"})
    assert LIGHT[found["float32"].mark][0] == "baseline"
    assert len({colour.mark for colour in found.values()}) == 3


def test_a_device_that_is_doubtful_twice_says_both(tiny):
    device = replace(tiny.devices[1].device, is_replayed=True)
    devices = (tiny.devices[0], replace(tiny.devices[1], device=device))
    view = View(replace(tiny, devices=devices))
    assert "SIMULATED, REPLAYED</text>" in forest(view, view.judged)


@pytest.mark.parametrize("format", ["svg", "png"])
def test_the_forest_is_a_file_of_its_own_with_equal_bytes(full, format):
    first, again = (Reports(full).content(format) for _ in range(2))

    assert first == again
    if format == "png":
        assert first.startswith(b"\x89PNG")
    else:
        root = ET.fromstring(first)
        assert "var(" not in first.decode()
        assert "candidate ÷" in "".join(root.itertext())


@pytest.mark.parametrize("format", ["svg", "png"])
def test_a_forest_without_verdicts_says_so_instead(full, format):
    bare = replace(
        full, comparisons=tuple(c for c in full.comparisons if c.verdict is None)
    )

    assert Reports(bare).content(format)
