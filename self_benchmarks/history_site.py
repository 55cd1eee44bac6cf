"""How long the site of a large history takes to be made and to be shown.

1,000 configurations (25 models in 4 variants on 10 devices) over 1,000 runs of 3
launches, compacted; in every twentieth a step of 8 %. Timed are the whole of
`pocketbench history site` and, beside it in turn, the bare query that any answer must
begin with; then, in headless Chromium from the file system, how long the first page and
the page of one configuration take until they are painted. Aims: 10 s to make; 300 KB of
first page with its style; 1 s each to paint.
Run: python self_benchmarks/history_site.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from playwright.sync_api import Page, sync_playwright

PROGRAM = Path(sys.executable).with_name("pocketbench")
DEVICES, MODELS, VARIANTS, RUNS, LAUNCHES = 10, 25, 4, 1000, 3
TIMES = 3
MOST_BUILD_S, MOST_FIRST_BYTES, MOST_PAINT_MS = 10.0, 300_000, 1000.0

BARE_QUERY = """
import duckdb, sys
for device in range(10):
    duckdb.sql("SELECT model, variant, run_id, median(latency_ns) FROM "
        f"read_parquet('{sys.argv[1]}/phone-{device}/*/*.parquet') GROUP BY ALL"
    ).fetchall()
"""
LAUNCHES_SQL = """
SELECT 1 AS schema, format('run-{{:04d}}', run) AS run_id,
    strftime(TIMESTAMP '2023-01-01' + INTERVAL (run) DAY, '%Y-%m-%dT00:00:00+00:00')
        AS run_started_at, format('{{:040x}}', run) AS commit,
    'phone-{device}' AS device, 'Phone {device}' AS device_name,
    NULL::VARCHAR AS imitation, 'Android 15' AS os_build,
    'lite torch 2.13.0' AS runtime, '2.13.0' AS torch,
    format('model-{{}}', model) AS model, format('variant-{{}}', variant) AS variant,
    1::BIGINT AS threads, 'pocketbench run suite.toml' AS command,
    25 + 5 * random() AS temperature_c, launch AS block, variant AS position,
    1e6 * (1 + model) * (1 + variant / 4)
        * CASE WHEN (model * 4 + variant) % 20 = 0 AND run >= 500 THEN 1.08 ELSE 1 END
        * (1 + 0.03 * (random() + random() + random() - 1.5)) AS latency_ns
FROM range({models}) m(model), range({variants}) v(variant), range({runs}) r(run),
    range({launches}) l(launch)
"""


def main() -> None:
    """Print the figures, and fail beyond the aims."""
    with tempfile.TemporaryDirectory() as name:
        folder, site = Path(name) / "history", Path(name) / "site"
        _fill(folder)
        built, bare = [], []
        for _ in range(TIMES):
            built.append(_seconds(PROGRAM, "history", "site", folder, "--output", site))
            bare.append(_seconds(sys.executable, "-c", BARE_QUERY, folder))
        size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        print(
            f"site of {DEVICES * MODELS * VARIANTS:,} x {RUNS:,}: {size / 1e6:.0f} MB"
        )
        for title, seconds in (("history site", built), ("bare query", bare)):
            print(f"{title}: {_spread(seconds, 's')}")
        print(f"site / bare query: {sorted(built)[1] / sorted(bare)[1]:.1f}")
        paints = _paints(site)
        first_bytes = sum(
            path.stat().st_size
            for path in (site / "index.html", site / "static" / "site.css")
        )
    print(f"first page with its style: {first_bytes / 1e3:.0f} KB")
    for title, milliseconds in paints.items():
        print(f"{title} painted: {_spread(milliseconds, 'ms')}")
    slowest = max(min(milliseconds) for milliseconds in paints.values())
    if (
        min(built) > MOST_BUILD_S
        or first_bytes > MOST_FIRST_BYTES
        or slowest > MOST_PAINT_MS
    ):
        sys.exit("beyond the aims")


def _fill(folder: Path) -> None:
    """Write each device's launches as `history compact` leaves them."""
    counts = {
        "models": MODELS,
        "variants": VARIANTS,
        "runs": RUNS,
        "launches": LAUNCHES,
    }
    for device in range(DEVICES):
        path = folder / f"phone-{device}" / "2026-01" / "launches.parquet"
        path.parent.mkdir(parents=True)
        query = LAUNCHES_SQL.format(device=device, **counts)
        duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


def _paints(site: Path) -> dict[str, list[float]]:
    """Milliseconds from the start of loading until pixels of the content are there."""
    one = next(path for path in (site / "configurations").iterdir())
    pages = {"first page": site / "index.html", "one configuration": one}
    found: dict[str, list[float]] = {title: [] for title in pages}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        for _ in range(TIMES):
            for title, path in pages.items():
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                begin = time.perf_counter()
                page.goto(path.as_uri())
                _wait_until_painted(page, is_chart=title == "one configuration")
                found[title].append(1000 * (time.perf_counter() - begin))
                page.close()
        browser.close()
    return found


def _wait_until_painted(page: Page, *, is_chart: bool) -> None:
    if is_chart:
        page.wait_for_selector(".point[data-run]")
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
    )


def _seconds(*words: object) -> float:
    begin = time.perf_counter()
    subprocess.run([str(word) for word in words], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def _spread(values: list[float], unit: str) -> str:
    ordered = sorted(values)
    digits = 1 if unit == "s" else 0
    return (
        f"median {ordered[len(ordered) // 2]:.{digits}f} {unit}, "
        f"{ordered[0]:.{digits}f} to {ordered[-1]:.{digits}f}"
    )


if __name__ == "__main__":
    main()
