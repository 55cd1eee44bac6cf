"""The site of a history in headless Chromium, opened from its files."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess

import pytest
from msgspec.structs import replace

from pocketbench.bench.commands.history_options import SiteOptions
from pocketbench.bench.commands.history_site import make_site
from pocketbench.bench.history.folder import add_run
from pocketbench.bench.records.conditions import Conditions, Temperature, Thermal
from tests.histories import PHONE, Runs

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]

COMMITS = 60
STEPS = {16: 1.08, 30: 0.94, 45: 1.07}
"""The first commit of each level, and by how much it differs from the one before."""


class Site:
    """Two configurations over sixty commits, one of them with three changes."""

    def __init__(self, folder):
        self.folder = folder
        self.repository = folder / "repository"
        self.runs = Runs(folder)
        self.commits = self._commits()
        noise, level = random.Random(3), 1e6
        for number, commit in enumerate(self.commits):
            level *= STEPS.get(number, 1.0)
            run = self.runs.run(
                number, level * noise.gauss(1, 0.004), launches=5, model="</script>net"
            )
            still = self.runs.run(number, noise.gauss(1, 0.004) * 1e6, devices=(PHONE,))
            run = warmed(run)
            for one in (run, still):
                started = replace(
                    one.started,
                    run_id=f"{one.started.run_id}-{one.devices[0].device.family}",
                    commit=commit,
                    command=(
                        "pocketbench",
                        "run",
                        "net",
                        "--device",
                        one.devices[0].device.id,
                    ),
                )
                add_run(replace(one, started=started), self.runs.history)

    def make(self):
        report = self.folder / "runs" / "run-0059-host" / "report.html"
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text("<!doctype html><title>the report of run 59</title>")
        index, shown = make_site(
            SiteOptions(
                output=self.folder / "site",
                folder=str(self.runs.history),
                metrics=("latency_ns",),
                accepted_path=self.folder / "accepted-changes.toml",
                min_effect=0.02,
                repository=self.repository,
                url=None,
                runs_folder=self.folder / "runs",
            )
        )
        assert shown == 2
        return index.as_uri()

    def _commits(self):
        """Made by git itself, with a remote."""
        environment = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
        }

        def git(*words, text=None):
            return subprocess.run(
                ["git", "-C", self.repository, *words],
                input=text, env=environment, capture_output=True, text=True, check=True,
            ).stdout  # fmt: skip

        self.repository.mkdir()
        git("init", "-q")
        git("remote", "add", "origin", "git@github.com:owner/name.git")
        lines = []
        for number in range(COMMITS):
            subject = f"Change <b>number</b> {number}"
            lines += ["commit refs/heads/main", "committer A <a@b.c> 1767225600 +0000"]
            lines += [f"data {len(subject)}", subject]
        git("fast-import", "--quiet", text="\n".join(lines) + "\n")
        return git("rev-list", "--reverse", "main").split()


def warmed(run):
    """The run as of a device whose temperature is read, warmer after its first."""
    temperatures = (31.5, *[33.0] * (len(run.launches) - 1))
    launches = tuple(
        replace(
            launch,
            conditions_before=Conditions(
                thermal=Thermal(
                    source="hal",
                    temperatures=(
                        Temperature(name="skin", kind="skin", value_c=value_c),
                    ),
                )
            ),
        )
        for launch, value_c in zip(run.launches, temperatures, strict=True)
    )
    return replace(run, launches=launches)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def index(site):
    return site.make()


@pytest.fixture
def page(browser, index):
    """The first page opened; afterwards nothing may have gone wrong or out."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith("file:") else troubles.append(request.url)
        ),
    )
    page.goto(index)
    yield page
    context.close()
    assert troubles == []


@pytest.fixture
def chart(page):
    """The page of the configuration that changed, opened from the first page."""
    page.get_by_role("link", name="</script>net float32").first.click()
    page.wait_for_selector(".plot canvas")
    page.get_by_role("button", name="All runs").click()
    return page


def facts(page):
    return dict(
        zip(
            page.locator(".point dt").all_text_contents(),
            page.locator(".point dd").all_text_contents(),
            strict=True,
        )
    )


def boxes(page):
    return [label.bounding_box() for label in page.locator(".labels button").all()]


def overlaps(one, other):
    return (
        one["x"] < other["x"] + other["width"]
        and other["x"] < one["x"] + one["width"]
        and one["y"] < other["y"] + other["height"]
        and other["y"] < one["y"] + one["height"]
    )


def test_the_first_page_begins_with_the_commits_that_made_something_slower(page, site):
    headings = page.locator("#regressed h3")
    assert "confirmed regressions in 2 configurations" in page.title()
    assert headings.first.inner_text() == (
        f"2026-02-15 {site.commits[45][:10]} Change <b>number</b> 45"
    )
    link = headings.first.get_by_role("link")
    assert link.get_attribute("href") == (
        f"https://github.com/owner/name/commit/{site.commits[45]}"
    )


def test_three_changes_have_labels_that_do_not_overlap_at_any_width(chart):
    for width in (1280, 800, 390):
        chart.set_viewport_size({"width": width, "height": 900})
        chart.wait_for_function(
            "document.querySelector('.uplot').offsetWidth === Math.max("
            "560, document.querySelector('.chart-scroll').clientWidth)"
        )
        found = boxes(chart)
        assert len(found) == 3
        assert not any(
            overlaps(one, other)
            for place, one in enumerate(found)
            for other in found[place + 1 :]
        )
        assert chart.evaluate("document.documentElement.scrollWidth") <= width


def test_labels_that_find_no_lane_are_counted_and_not_drawn_over_others(chart):
    chart.evaluate(
        """() => {
            const labels = Array.from({length: 40}, () => ({
                x: 300, element: Object.assign(document.createElement("button"),
                    {textContent: "▲ 8 % slower"})}));
            window.left_out = pocketbench.placeLabels(
                document.querySelector(".labels"), labels, 1000);
        }"""
    )
    found = boxes(chart)
    assert len(found) + chart.evaluate("window.left_out") == 40
    assert len(found) >= 6
    assert not any(
        overlaps(one, other)
        for place, one in enumerate(found)
        for other in found[place + 1 :]
    )


def test_hover_shows_the_facts_of_the_nearest_run(chart, site):
    area = chart.locator(".u-over").bounding_box()
    chart.mouse.move(area["x"] + 3, area["y"] + 100)
    chart.wait_for_selector(".point[data-run='run-0000-host']")

    shown = facts(chart)

    assert "Change <b>number</b> 0" in shown["Commit"]
    value, low, high = re.fullmatch(
        r"(\S+) ms, 95 % CI (\S+) ms to (\S+) ms, 5 launches", shown["median latency"]
    ).groups()
    assert float(low) < float(value) < float(high)
    assert shown["Reproduce"] == (
        f"git checkout {site.commits[0]} && pocketbench run net --device host"
    )
    assert shown["Report"] == "not in this site"
    assert shown["Conditions"] == "31.5 to 33 °C before the launches"


def test_a_run_whose_temperature_was_not_read_says_so(page):
    page.get_by_role("link", name="Pixel 8").first.click()
    page.get_by_role("link", name="net float32").click()
    page.wait_for_selector(".point[data-run]")
    assert facts(page)["Conditions"] == "not recorded"


def test_intervals_are_drawn_as_bands_around_the_line(chart):
    run, of = 7, COMMITS
    column = chart.evaluate(
        """([run, of]) => {
            const canvas = document.querySelector(".plot canvas");
            const over = document.querySelector(".u-over").getBoundingClientRect();
            const box = canvas.getBoundingClientRect();
            const x = over.left - box.left + over.width * (run + 0.5) / of;
            const at = Math.round(x * canvas.width / box.width);
            const { data } = canvas.getContext("2d").getImageData(
                at, 0, 1, canvas.height);
            return Array.from({ length: canvas.height },
                (_, y) => [...data.slice(4 * y, 4 * y + 4)]);
        }""",
        [run, of],
    )
    top = next(
        y
        for y, (*_, opacity) in enumerate(column)
        if opacity > 240 and column[y + 2][3] > 240
    )
    band = [column[y][3] for y in range(top - 5, top - 1)]

    assert all(40 <= opacity <= 90 for opacity in band), column
    assert column[top - 60][3] == 0


def test_a_drag_zooms_and_the_address_keeps_the_place(chart, browser):
    area = chart.locator(".u-over").bounding_box()
    chart.mouse.move(area["x"] + area["width"] * 0.2, area["y"] + 50)
    chart.mouse.down()
    chart.mouse.move(area["x"] + area["width"] * 0.6, area["y"] + 50, steps=4)
    chart.mouse.up()
    chart.wait_for_function("location.hash.includes('from=')")
    assert chart.locator(".labels button").count() == 2

    with browser.new_context() as context:
        other = context.new_page()
        other.goto(chart.url)
        assert other.locator(".labels button").count() == 2
        assert other.url == chart.url

    chart.locator(".u-over").dblclick()
    chart.wait_for_function("!location.hash.includes('from=')")
    assert chart.locator(".labels button").count() == 3


def test_a_run_leads_to_its_report_and_the_commit_to_its_page(chart, site):
    area = chart.locator(".u-over").bounding_box()
    chart.mouse.click(area["x"] + area["width"] - 3, area["y"] + 100)
    chart.mouse.move(0, 0)
    chart.wait_for_selector(".point[data-run='run-0059-host']")
    commit = chart.locator(".point a").first.get_attribute("href")
    assert commit == f"https://github.com/owner/name/commit/{site.commits[59]}"

    chart.get_by_role("link", name="report of this run").click()
    chart.wait_for_function("document.title === 'the report of run 59'")


def test_the_keyboard_goes_from_change_to_change(chart):
    chart.locator(".chart-scroll").focus()
    chart.keyboard.press("ArrowLeft")
    assert chart.locator(".point").get_attribute("data-run") == "run-0044-host"
    chart.keyboard.press("+")
    assert "from=" in chart.url
    chart.get_by_role("button", name="Previous change").focus()
    chart.keyboard.press("Enter")
    assert chart.locator(".point").get_attribute("data-run") == "run-0030-host"
    assert "faster" in facts(chart)["Change"]


def test_a_configuration_keeps_its_address_when_runs_are_added(site, index):
    pages = site.folder / "site" / "configurations"
    before = sorted(path.name for path in pages.iterdir())
    site.make()
    assert sorted(path.name for path in pages.iterdir()) == before


def test_pages_of_models_and_devices_lead_to_each_configuration(page):
    page.get_by_role("link", name="Pixel 8").first.click()
    page.get_by_role("link", name="net float32").click()
    page.wait_for_selector(".plot canvas")
    assert page.locator("h1").inner_text() == "net float32 on Pixel 8"


def test_data_of_a_hostile_name_stays_data(site, index):
    for script in (site.folder / "site" / "data").glob("*.js"):
        text = script.read_text("utf-8")
        data = text[text.index("(") + 1 : text.rindex(")")]
        assert json.loads(json.loads(data))
        assert PHONE.id not in text
