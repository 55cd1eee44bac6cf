"""What the pages of a history say, read from the files without a browser."""

from __future__ import annotations

import datetime
import re

import pytest

from pocketbench.bench.commands.history_options import SiteOptions
from pocketbench.bench.commands.history_site import make_site
from pocketbench.bench.history.accepted import accept
from pocketbench.bench.history.changes import with_changes
from pocketbench.bench.history.queries import read_series
from pocketbench.bench.history.series import CellHistory, HistoryCell, Point, Series
from pocketbench.bench.records.metrics import METRICS
from pocketbench.reports.formats.site.pages import Group
from pocketbench.reports.formats.site.rows import (
    geometric_mean,
    series_row,
    variant_colour,
)
from tests.histories import PHONE, Runs

LATENCY = next(metric for metric in METRICS if metric.name == "latency_ns")
BEGAN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
TODAY = datetime.date(2026, 3, 1)


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


def site_of(runs, tmp_path):
    """The first page, and the folder of the site."""
    site = tmp_path / "site"
    index, _ = make_site(
        SiteOptions(
            output=site,
            folder=str(runs.history),
            metrics=("latency_ns",),
            accepted_path=tmp_path / "accepted-changes.toml",
            min_effect=0.02,
            repository=tmp_path,
            url=None,
            runs_folder=tmp_path / "runs",
        )
    )
    return index.read_text("utf-8"), site


def row_of(*points, variant="float32"):
    """A series of (day, value, system) and what tables show of it."""
    series = Series(
        cell=HistoryCell(device="phone", model="net", variant=variant, threads=1),
        device_name="Phone",
        imitation=None,
        metric=LATENCY,
        points=tuple(
            Point(
                run_id=f"run-{day}",
                started_at=(BEGAN + datetime.timedelta(days=day)).isoformat(),
                commit=None,
                os_build=system,
                runtime="torch",
                torch="2.13.0",
                value=value,
                low=None,
                high=None,
                launches=1,
            )
            for day, value, system in points
        ),
    )
    return series_row(CellHistory(series=series, changes=()))


def moved_by(ratio):
    """Three runs at 1 ms, and a month later three at another level."""
    before = [(day, 1e6, "14") for day in range(3)]
    return row_of(*before, *((day, 1e6 * ratio, "14") for day in range(40, 43)))


def test_an_accepted_change_stands_apart_from_what_regressed(runs, tmp_path):
    runs.steady(20, devices=(PHONE,))
    runs.steady(12, first=20, level_ns=1.08e6, devices=(PHONE,))
    before, _ = site_of(runs, tmp_path)
    (series,) = read_series(str(runs.history), metric="latency_ns")
    (change,) = with_changes(series, today=TODAY, min_effect=0.02).changes
    accept(
        tmp_path / "accepted-changes.toml",
        series,
        change,
        reason="the new head is worth it",
        expires=datetime.date(9999, 1, 1),
    )

    after, _ = site_of(runs, tmp_path)

    assert "8 % slower" in section(before, "Regressed since")
    assert ">Accepted changes<" not in before
    assert "8 % slower" not in section(after, "Regressed since")
    assert "0 confirmed regressions" in after
    accepted = section(after, "Accepted changes")
    assert "8 % slower" in accepted
    assert "the new head is worth it" in accepted


def section(page, heading):
    """From a heading to the end of its section."""
    return page[page.index(f"{heading}</h2>") :].partition("</section>")[0]


def test_the_geometric_mean_is_over_what_both_ends_have():
    rows = [moved_by(1.1), moved_by(1 / 1.1), row_of((41, 1e6, "14"), (42, 1e6, "14"))]

    ratios = [row.recent_ratio for row in rows]
    mean = geometric_mean(rows)

    assert ratios == [pytest.approx(1.1), pytest.approx(1 / 1.1), None]
    assert mean == (pytest.approx(1.0), 2)
    assert geometric_mean(rows[2:]) is None
    assert Group("net", "net", None, rows).recent.endswith(" over 2 of 3")
    assert Group("net", "net", None, rows[2:]).recent == "not measured 30 days apart"


def test_a_run_30_days_back_counts_only_in_the_same_environment():
    updated = [(0, 1e6, "14"), (1, 1e6, "14"), (42, 1.1e6, "15")]
    assert row_of(*updated).recent_ratio is None
    assert row_of(*updated, (43, 1e6, "14")).recent_ratio == pytest.approx(1.0)
    assert row_of((13, 1e6, "14"), (42, 1e6, "14")).recent_ratio is None
    assert row_of((12, 1e6, "14"), (42, 1e6, "14")).recent_ratio == pytest.approx(1.0)


def test_named_variants_have_fixed_colours():
    assert {
        name: variant_colour(name)
        for name in (
            "float32",
            "float16",
            "int8-dynamic",
            "int8-static",
            "int8-weight-only",
            "bfloat16",
        )
    } == {
        "float32": "baseline",
        "float16": "series-1",
        "int8-dynamic": "series-2",
        "int8-static": "series-3",
        "int8-weight-only": "series-4",
        "bfloat16": "series-5",
    }


def test_a_colour_stays_when_variants_are_added(runs, tmp_path):
    def colours():
        _, site = site_of(runs, tmp_path)
        return {
            page.stem: re.findall(r'data-colour="([^"]+)"', page.read_text("utf-8"))
            for page in (site / "configurations").iterdir()
        }

    runs.add(0, variants=("float32", "pruned"))
    before = colours()
    runs.add(1, variants=("another", "distilled", "float32", "pruned"))
    after = colours()

    assert len(before) == 2
    assert len(after) == 4
    assert all(len(found) == 1 for found in after.values())
    assert {page: after[page] for page in before} == before
