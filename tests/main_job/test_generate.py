"""`pocketbench generate` from the command line to the report, with a program of others.

The program is a script that answers as llama-bench does; the real one, and our own
runner, are in tests/android_runner.
"""

from __future__ import annotations

import sys

import pytest

from tests.bench.models.test_gguf_file import CONTEXT, FAMILY, TOKENS, header

LLAMA_BENCH = """\
#!{python}
# Answers --n-depth and the rest of llama-bench's options.
import json, sys
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
prompt, steps = int(words["-p"]), int(words["-n"])
for depth in map(int, words["-d"].split(",")):
    for n_prompt, n_gen in ((prompt, 0), (0, steps)):
        ns = 1_000_000 * (n_prompt + 10 * n_gen) + 1000 * depth
        print(json.dumps({{"n_prompt": n_prompt, "n_gen": n_gen, "n_depth": depth,
                          "n_threads": int(words["-t"]), "build_number": 1,
                          "build_commit": "stand-in", "samples_ns": [ns]}}))
"""


@pytest.fixture
def generator(user):
    """The options of `generate` for a GGUF file and the script."""
    (user.folder / "model.gguf").write_bytes(header(FAMILY, CONTEXT, TOKENS))
    script = user.write("llama-bench", LLAMA_BENCH.format(python=sys.executable))
    script.chmod(0o755)
    runner = f"--runner=llama_bench={script}@x86_64"
    return ("generate", "model.gguf", "--device=host", runner, "--blocks=2")


def test_a_generation_is_measured_stored_and_reported(user, generator):
    done = user.types(*generator, "--kv-depth=0,64", "--new-tokens=11", "--json")

    assert done.returncode == 0, done.stderr
    run = user.last_run()
    assert {launch.variant_id for launch in run.launches} == {"as-is@d0", "as-is@d64"}
    tokens = run.launches[0].measurement.generation
    assert tokens.prompt_tokens == 128
    assert (run.artifacts[0].decoder.context_tokens, run.artifacts[0].format) == (
        2048,
        "gguf",
    )
    (page,) = user.runs.glob("*/report.html")
    assert "decode speed by depth" in page.read_text("utf-8")
    said = user.types("report", "last")
    assert "decode speed, tokens/s" in said.stdout


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (
            ["--prompt-tokens=2000"],
            "model as-is: holds 2048 tokens: a depth of 0, 2000",
        ),
        (["--prompt-ids=1,3"], "whose token ids end at 2"),
        (["--new-tokens=1"], "--new-tokens 1: is not between 2 and"),
    ],
)
def test_what_cannot_be_generated_is_one_line_and_leaves_no_run(
    user, generator, words, fact
):
    done = user.types(*generator, *words)

    assert done.returncode == 2
    assert fact in done.stderr
    assert not user.runs.exists()


def test_a_program_of_forward_calls_is_refused(user, generator):
    (user.folder / "model.pte").write_bytes(bytes(4) + b"ET12" + bytes(64))
    runner = f"--runner=executor_runner={user.folder}/llama-bench@x86_64"

    done = user.types("generate", "model.pte", "--device=host", runner)

    assert done.returncode == 2
    assert "executor_runner: makes forward calls and cannot generate" in done.stderr
