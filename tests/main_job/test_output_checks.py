"""`--check outputs`: what a device answers, beside what it should."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pocketbench.bench.records.output_check import OutputCheck, OutputCheckMissing

SHORT = ("--iterations", "2", "--warmup", "1", "--blocks", "1")
NET = ("nets:net", "--input", "1x3x16x16", "--device", "host")
PLAIN_LOOP = Path(__file__).parents[1] / "android_runner/native/build_plain_loop.py"

pytestmark = pytest.mark.needs("compiler")


def test_answers_are_compared_and_a_limit_fails_the_run(user):
    done = user.types(
        "run", *NET, "--variant", "float32", "--variant", "int8-dynamic", *SHORT,
        "--check", "outputs", "--min-sqnr-db", "100", "--details",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    run = user.last_run()
    quantized, plain = sorted(
        run.output_checks, key=lambda x: x.variant_id, reverse=True
    )
    assert isinstance(plain, OutputCheck)
    assert plain.input_count > 1
    assert plain.tensors[0].sqnr_db is None or plain.tensors[0].sqnr_db > 100
    assert 10 < quantized.tensors[0].sqnr_db < 100
    assert len(run.launches) == 2
    assert "Output accuracy" in done.stdout
    assert "int8-dynamic: SQNR" in done.stdout
    assert "is below 100 dB" in done.stdout

    again = user.types("run", "--resume", "last", "--json")
    assert again.returncode == 1, again.stderr
    resumed = user.last_run()
    assert resumed.output_checks == run.output_checks
    (missed,) = [x for x in json.loads(again.stdout)["outputs"] if x["missed"]]
    assert missed["variant_id"] == "int8-dynamic"


@pytest.mark.needs("namespaces", "bubblewrap")
def test_a_simulated_phone_answers_as_this_computer_does(user):
    done = user.types(
        "run", *NET, "--device", "simulated:pixel-8", "--variant", "float32",
        "--no-cooldown", *SHORT, "--check", "outputs", "--details",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    here, there = sorted(user.last_run().output_checks, key=lambda x: x.device_id)
    assert there.device_id == "simulated:pixel-8"
    assert here.answers_sha256 == there.answers_sha256
    assert "Pixel 8 [SIMULATED]" in done.stdout.partition("Output accuracy")[2]


@pytest.mark.slow
def test_a_suite_asks_for_it_and_a_program_that_cannot_report_is_noted(user):
    made = subprocess.run(
        [sys.executable, PLAIN_LOOP, os.environ["POCKETBENCH_CACHE_DIR"]],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    user.write(
        "suite.toml",
        f"""
        [workload]
        blocks = 1
        iterations = 2
        warmup_iterations = 1
        [[model]]
        source = "nets:net"
        inputs = [{{ shape = [1, 3, 16, 16] }}]
        variants = ["float32"]
        [devices]
        select = ["host"]
        [check]
        outputs = true
        [[runner]]
        name = "speed_benchmark_torch"
        path = "{made.strip()}"
        """,
    )
    done = user.types("run", "suite.toml", "--details")
    assert done.returncode == 0, done.stderr
    (missing,) = user.last_run().output_checks
    assert isinstance(missing, OutputCheckMissing)
    assert missing.reason is None
    assert "does not report what a model answers" in done.stdout
    assert user.last_run().launches[0].runner == "speed_benchmark_torch"

    held = user.types("run", "suite.toml", "--min-sqnr-db", "20")
    assert held.returncode == 3, held.stdout

    suite = user.folder / "suite.toml"
    suite.write_text(suite.read_text().replace('"float32"', '"float32", "float16"'))
    both = user.types("run", "suite.toml")
    assert both.returncode == 0, both.stderr
    assert both.stderr.count("does not report what a model answers") == 1
    assert "and 1 more not checked" in both.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--check", "inputs"), "unknown check"),
        (("--min-accuracy", "95"), "is not a proportion"),
    ],
)
def test_what_cannot_be_asked_is_reported_before_anything_is_done(user, words, said):
    done = user.types("run", *NET, *words)
    assert done.returncode == 2
    assert said in done.stderr
