"""Where pocketbench keeps what outlives a run, and what it removes there."""

import os
import platform
import stat
import subprocess
import sys
import tempfile
import time

import pytest

from pocketbench.bench.paths import (
    UNFINISHED_EXPORTS,
    private_dir,
    remove_leftovers,
    replace_file,
    working_folder,
)


@pytest.fixture(autouse=True)
def private_places(tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("POCKETBENCH_STATE_DIR", str(tmp_path / "state"))


def test_what_a_killed_run_left_is_removed_and_what_is_in_use_stays(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = [
        tmp_path / "state/work" / f"{ended.pid}@{platform.node()}-x",
        tmp_path / "cache" / UNFINISHED_EXPORTS / f"{ended.pid}@{platform.node()}-x",
    ]
    with working_folder() as used:
        for folder in left:
            (folder / "in").mkdir(parents=True)
        remove_leftovers()
        assert used.is_dir()
        assert not [folder for folder in left if folder.exists()]
    assert not used.exists()


def test_files_half_written_by_a_killed_process_are_removed(tmp_path):
    writer = """
import os, sys
from pathlib import Path
from pocketbench.bench.paths import new_beside
for name in sys.argv[1:]:
    new_beside(Path(name)).__enter__().write_text("half")
os.kill(os.getpid(), 9)
"""
    runs = tmp_path / "runs"
    files = [tmp_path / "cache/hashes/a.json", runs / "one/report.html"]
    for file in files:
        file.parent.mkdir(parents=True)
        replace_file(file, b"whole")
    argv = [sys.executable, "-c", writer, *map(str, files)]
    assert subprocess.run(argv, check=False).returncode == -9
    places = {file.parent for file in files}
    assert [len(list(place.iterdir())) for place in places] == [2, 2]

    remove_leftovers(runs)

    assert sorted(x for place in places for x in place.iterdir()) == sorted(files)
    assert {file.read_bytes() for file in files} == {b"whole"}


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(IsADirectoryError, match=r"/report\.html'$"):
        replace_file(tmp_path / "report.html", b"new")
    assert os.listdir(tmp_path) == ["report.html"]


def test_the_home_of_an_ended_adb_server_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended, used = (tmp_path / f"pocketbench-adb-{x}" for x in ("ended", "used"))
    ended.mkdir()
    used.mkdir()
    server = subprocess.Popen(
        ["sh", "-c", "echo up; read _"],
        env={"HOME": str(used)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    server.stdout.readline()

    remove_leftovers()

    assert used.is_dir()
    assert not ended.exists()
    server.communicate()


def test_only_old_builds_and_downloads_are_taken_for_left_over(tmp_path):
    names = ("runners/.building-a", "wheels/.fetching-a", "runners/.building-b")
    *old, fresh = (tmp_path / "cache" / name for name in names)
    built = tmp_path / "cache/runners/null-x86_64"
    for folder in (*old, fresh, built):
        folder.mkdir(parents=True)
    for folder in (*old, built):
        os.utime(folder, (0, time.time() - 2 * 24 * 3600))
    remove_leftovers()
    assert not [folder for folder in old if folder.exists()]
    assert fresh.is_dir()
    assert built.is_dir()


def test_a_folder_that_others_could_enter_is_closed(tmp_path):
    (tmp_path / "state/simulated").mkdir(mode=0o755, parents=True)
    assert stat.S_IMODE(private_dir("simulated").stat().st_mode) == 0o700
    assert stat.S_IMODE(private_dir("new").stat().st_mode) == 0o700
