"""Pages whose charts a second process draws: the same bytes, whatever becomes of it."""

from concurrent.futures import ProcessPoolExecutor

import pytest

from pocketbench.bench.commands import large_run
from pocketbench.bench.measure.store import FILE_NAME
from pocketbench.reports.formats.html import page as html
from pocketbench.reports.plots import second_process, svg
from pocketbench.reports.view import View


@pytest.fixture
def view(make_summary):
    return View(make_summary())


def test_charts_drawn_by_a_second_process_are_those_drawn_here(view, monkeypatch):
    drawn_here = html.render(view)
    with second_process.second_process():
        monkeypatch.setattr(svg, "_rendered", None)
        assert html.render(view) == drawn_here


def test_charts_are_drawn_here_where_the_second_process_is_gone(view, monkeypatch):
    drawn_here = html.render(view)
    pools = []

    class Pool(ProcessPoolExecutor):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            pools.append(self)

    monkeypatch.setattr(second_process, "ProcessPoolExecutor", Pool)
    with second_process.second_process():
        (process,) = pools[0]._processes.values()
        process.kill()
        process.join()
        assert html.render(view) == drawn_here


def test_an_error_ends_the_second_process(view):
    with pytest.raises(KeyboardInterrupt), second_process.second_process():
        raise KeyboardInterrupt
    assert "<svg" in html.render(view)


@pytest.mark.parametrize(
    ("size", "draws", "starts"),
    [(9, True, False), (10, True, True), (10, False, False)],
)
def test_a_large_run_starts_a_second_process_where_a_page_is_drawn(
    size, draws, starts, tmp_path, monkeypatch
):
    (tmp_path / FILE_NAME).write_bytes(b"x" * size)
    monkeypatch.setattr(large_run, "_LARGE_BYTES", 10)
    monkeypatch.setattr(large_run.os, "cpu_count", lambda: 2)
    with large_run.reporting_on(tmp_path, draws=draws):
        assert (second_process._pool.get() is not None) == starts
