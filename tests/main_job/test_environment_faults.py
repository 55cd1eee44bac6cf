"""Exit code 4: faults of the environment are no verdict, and no traceback."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.main_job.test_old_records import RUN


def pocketbench(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "pocketbench", *words],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **{"stdout": subprocess.PIPE, **options},
    )


@pytest.fixture
def stored(tmp_path):
    folder = tmp_path / "runs" / RUN.name
    shutil.copytree(RUN, folder)
    return folder


def one_line(done, code):
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = [x for x in done.stderr.splitlines() if x.startswith("Error: ")]
    return line


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")
def test_a_full_standard_output_exits_with_4():
    with open("/dev/full", "w") as full:
        done = pocketbench("--help", stdout=full)

    assert "No space left" in one_line(done, 4)


@pytest.mark.parametrize(
    "damage",
    [
        b'{"record":"launch","model":"\xff\xfe"}\n',
        b"[" * 50_000 + b"\n",
        b'{"record":"run_resumed","started_at":"yesterday","command":[]}\n',
        b"\x00" * 64 + b"\n",
    ],
)
def test_a_damaged_line_is_named_and_nothing_crashes(user, stored, damage):
    with (stored / "run.jsonl").open("ab") as file:
        file.write(damage)

    done = user.types("report", str(stored))

    assert "run.jsonl:" in one_line(done, 2)


def test_a_report_that_cannot_be_written_exits_with_4(user, stored):
    (stored / "report.html").mkdir()  # a folder where the file should be

    done = user.types("report", str(stored))

    assert "report.html" in one_line(done, 4)
