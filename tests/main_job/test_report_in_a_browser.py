"""The report of a run that was really measured, as headless Chromium shows it."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from pocketbench.bench.judge.summarize import summarize
from pocketbench.devices.simulated import profile

NET = ("nets:net", "--input", "1x3x16x16")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = pytest.mark.needs("compiler", "namespaces", "chromium")


def test_each_figure_of_the_stored_run_stands_in_the_page(user):
    run = user.measures(
        *NET, "--device", "host", "--device", "simulated:pixel-8", "--no-cooldown"
    )
    (report,) = user.runs.glob("*/report.html")
    summary = summarize(run, min_effect=run.started.plan.min_effect)
    expected = {
        (cell.device_id, cell.variant_id, name): estimate.point
        for cell in summary.cells
        for name, estimate in cell.estimates.items()
    }
    troubles = []

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS, timeout=120_000
        )
        page = browser.new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: troubles.append(request.url))
        page.goto(report.as_uri())
        shown = page.eval_on_selector_all(
            "table[data-model] td[data-metric]",
            """cells => cells.map(cell => [
                cell.closest("tr").dataset.device, cell.closest("tr").dataset.variant,
                cell.dataset.metric, Number(cell.dataset.point)])""",
        )
        tags = page.eval_on_selector_all(
            "bdi.device",
            """names => names.filter(name => name.textContent === "Pixel 8")
                .map(name => name.nextElementSibling?.textContent ?? "")""",
        )
        conditions = page.text_content(
            '#conditions tr[data-device="simulated:pixel-8"]'
        )
        browser.close()

    found = {
        (device, variant, metric): point for device, variant, metric, point in shown
    }
    assert len(expected) > 20
    assert {key: found.get(key) for key in expected} == expected
    assert set(tags) == {"SIMULATED"}
    assert troubles == [report.as_uri()]
    sensors = profile.load("pixel-8").thermal.sensors
    (skin,) = (sensor for sensor in sensors if sensor.name == "VIRTUAL-SKIN")
    assert f"skin {skin.value:.1f} C" in conditions
