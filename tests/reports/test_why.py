"""Why a build is slower, from the profile; and where the profile cannot say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pocketbench.bench.judge.layers import LayerCost
from pocketbench.bench.judge.operators import OperatorCost, OperatorTable
from pocketbench.reports.formats import console, console_details, markdown
from pocketbench.reports.formats.html import page
from pocketbench.reports.text.why import why_lines
from pocketbench.reports.view import View


def table(variant: str, **times_ms: float) -> OperatorTable:
    total = sum(times_ms.values())
    return OperatorTable(
        device_id="host",
        model="mobilenet_v2",
        variant_id=variant,
        operators=tuple(
            OperatorCost(
                name=name,
                kind=name,
                backend=None,
                dtype=None,
                calls=1,
                time_ns=ms * 1e6,
                share=ms / total,
            )
            for name, ms in times_ms.items()
        ),
        time_ns=total * 1e6,
        layers=tuple(
            LayerCost(name=f"block.{name}", operators=(name,), times_ns=(ms * 1e6,) * 2)
            for name, ms in times_ms.items()
        ),
        observed_over_plain=None,
    )


@pytest.fixture
def profiled(tiny):
    """On the host float32 takes 10 ms and int8-static, which is slower, 11 ms."""

    def make(**int8_ms):
        float32 = table("float32", conv=9.0, relu=1.0)
        operators = (float32, table("int8-static", **int8_ms))
        cells = tuple(
            replace(cell, artifact=replace(cell.artifact, precision=cell.variant_id))
            for cell in tiny.cells
        )
        return View(replace(tiny, operators=operators, cells=cells))

    return make


def test_what_costs_most_is_named_with_its_part_of_the_difference(profiled):
    view = profiled(conv=10.1, relu=0.9)
    (words,) = why_lines(view)
    assert words.startswith(
        "int8-static on this computer (Ryzen 7): conv: +1.10 ms (9.00 → 10.1 ms) = "
        "110 % of the difference"
    )
    for report in (console, console_details):
        assert "conv: +1.10 ms" in " ".join(report.render(view).split())


def test_repeated_profiles_give_the_difference_an_interval(profiled):
    view = profiled(conv=10.1, relu=0.9)
    float32, int8 = view.summary.operators
    operators = (
        replace(float32, kinds_ns=tuple({"conv": ms * 1e6} for ms in (8.9, 9.0, 9.1))),
        replace(int8, kinds_ns=tuple({"conv": ms * 1e6} for ms in (10.0, 10.1, 10.3))),
    )
    (words,) = why_lines(View(replace(view.summary, operators=operators)))
    assert "conv: +1.10 ms [0.990, 1.28] (9.00 → 10.1 ms)" in words


def test_two_builds_stand_beside_each_other_by_operator_and_by_layer(profiled):
    view = profiled(conv=10.1, relu=0.9)

    text = console_details.render(view)
    assert max(map(len, text.splitlines())) <= 80

    words = " ".join(text.split())
    assert "kind of operator before, ms after, ms change [95 % CI] share" in words
    assert "conv 9.0 10.1 +1.1 110 % relu 1.0 0.9 -0.1 -10 %" in words
    assert (
        "block.conv 9.0 10.1 +1.1 [1.1, 1.1] 110 % "
        "block.relu 1.0 0.9 -0.1 [-0.1, -0.1] -10 %"
    ) in words
    comment = markdown.render(view).replace("\\", "")
    row = "| block.conv | conv | 9.0 | 10.1 | +1.1 [1.1, 1.1] | 110 % |"
    assert row in comment
    assert comment.index("<summary>Operator profile</summary>") < comment.index(row)


def test_the_page_has_both_views_and_a_build_alone_its_layers(full):
    tables = tuple(
        replace(
            found,
            layers=(
                LayerCost(name="body", operators=("aten::a",), times_ns=(8e6,)),
                LayerCost(name="head", operators=("aten::b",), times_ns=(1e6,)),
            ),
        )
        for found in full.operators
    )
    both = page.render(View(replace(full, operators=tables)))
    assert both.count('data-breakdown="kind of operator"') == 2
    assert both.count('data-breakdown="layer"') == 2
    assert both.index('scope="row">body') < both.index('scope="row">head')
    lone = tuple(x for x in tables if x.variant_id == "int8-static")
    alone = page.render(View(replace(full, operators=lone)))
    assert 'data-breakdown="kind of operator"' not in alone
    assert alone.count('data-builds="int8-static"') == 2


def test_slower_without_fallbacks_is_a_missing_fast_path(profiled):
    (words,) = why_lines(profiled(conv=10.0, relu=1.0))
    assert words.endswith(
        "; little or nothing fell back, so this CPU or kernel set has no fast path for "
        "conv in int8-static."
    )


def test_a_profile_that_contradicts_the_timed_median_explains_nothing(profiled, full):
    (words,) = why_lines(profiled(conv=3.0, relu=0.9))
    assert words == (
        "The profile does not explain the timed difference: int8-static's operators "
        "add up to 3.90 ms, but its timed median is 11.0 ms: more than 20 % apart."
    )
    # Nor is it drawn.
    slow = tuple(replace(found, time_ns=found.time_ns * 3) for found in full.operators)
    text = page.render(View(replace(full, operators=slow)))
    assert "The profile does not explain the timed difference" in text
    assert text.count("<figcaption>") < page.render(View(full)).count("<figcaption>")
