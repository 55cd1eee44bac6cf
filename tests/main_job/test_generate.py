"""`pocketbench generate` from the command line to the report, with a program of others.

The program is a script that answers as llama-bench does; the real one, and our own
runner, are in tests/android_runner.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pocketbench.android_runner.own import NullRunner
from pocketbench.devices.host import HostDriver
from tests.android_runner.llama_model import Sizes, write_model
from tests.android_runner.test_llama_cpp import PROGRAM as LLAMA_CPP
from tests.bench.models.pte_program import pte_program
from tests.bench.models.test_gguf_file import CONTEXT, FAMILY, TOKENS, header

NATIVE = Path(__file__).parents[1] / "android_runner" / "native"
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
        (["--perplexity=1,2,7"], "--perplexity with 7: do not fit model as-is"),
        (["--perplexity=1"], "--perplexity 1: holds 1 tokens, fewer than 2"),
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


@pytest.fixture(scope="module")
def null_runner():
    """The option of a program that answers at once, with a stamp per token."""
    (computer,) = HostDriver().discover()
    program = NullRunner((), lambda text: None).program(computer)
    return f"--runner=null={program.executable.path}"


@pytest.mark.needs("compiler")
def test_two_engines_are_compared_in_the_same_blocks(user, generator, null_runner):
    (user.folder / "model.pte").write_bytes(pte_program(logits=(1, 3)))
    _, gguf, *options = generator
    builds = ("generate", "--baseline=model.pte", f"--candidate={gguf}")

    done = user.types(*builds, *options, null_runner, "--json")

    assert done.returncode == 0, done.stderr
    run = user.last_run()
    engines = {variant.id: variant.engine for variant in run.started.plan.variants}
    assert engines == {"baseline": "executorch", "candidate": "llama.cpp"}
    by_block = {(x.block, x.variant_id): x.runner for x in run.launches}
    assert by_block[0, "baseline"] == by_block[1, "baseline"] == "null"
    assert by_block[0, "candidate"] == by_block[1, "candidate"] == "llama_bench"
    compared = json.loads(done.stdout)["comparisons"]
    assert {x["metric"] for x in compared if x["kind"] == "variant"} >= {
        "decode_tokens_per_s",
        "time_to_first_token_ns",
    }
    (page,) = user.runs.glob("*/report.html")
    assert "llama_bench printed no stamp per token" in page.read_text("utf-8")


@pytest.mark.slow
@pytest.mark.needs("compiler", "executorch")
@pytest.mark.skipif(LLAMA_CPP is None, reason="needs llama.cpp's llama-bench")
def test_executorch_and_llama_cpp_run_one_architecture_in_the_same_blocks(user):
    subprocess.run(
        [sys.executable, NATIVE / "make_decoders.py", user.folder, "custom_ops"],
        check=True,
        capture_output=True,
    )
    facts = json.loads((user.folder / "facts.json").read_bytes())["sizes"]
    sizes = Sizes(**{name: facts[name] for name in Sizes._fields})
    write_model(user.folder / "random.gguf", sizes)

    done = user.types(
        *("generate", "--baseline=custom_ops.pte", "--candidate=random.gguf"),
        *("--device=host", f"--runner=llama_bench={LLAMA_CPP}", "--blocks=3"),
        *("--prompt-tokens=16", "--new-tokens=16", "--json"),
    )

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["failures"] == []
    assert document["comparisons"][0]["verdict"] is not None
    launched = {(x.variant_id, x.block) for x in user.last_run().launches}
    builds = ("baseline", "candidate")
    assert launched == {(name, block) for name in builds for block in range(3)}


@pytest.mark.needs("compiler")
def test_a_file_of_executorch_is_read_without_executorch(user, null_runner):
    (user.folder / "model.pte").write_bytes(pte_program())
    (user.folder / "text.ids").write_text("1 2 3\n4 5")
    options = ("--device=host", null_runner, "--blocks=2", "--perplexity=text.ids")

    done = user.types("generate", "model.pte", *options, "--gate-on=decode,perplexity")

    assert done.returncode == 0, done.stderr
    run = user.last_run()
    assert run.artifacts[0].decoder.context_tokens == 256
    assert len(run.launches[0].measurement.generation.token_ns) == 64
    assert run.started.plan.workload.generation.scored_ids == (1, 2, 3, 4, 5)
    (page,) = user.runs.glob("*/report.html")
    text = page.read_text("utf-8")
    assert 'data-metric="perplexity_tokens" data-point="999.999' in text


def test_a_program_of_forward_calls_is_refused(user, generator):
    (user.folder / "model.pte").write_bytes(bytes(4) + b"ET12" + bytes(64))
    runner = f"--runner=executor_runner={user.folder}/llama-bench@x86_64"

    done = user.types("generate", "model.pte", "--device=host", runner)

    assert done.returncode == 2
    assert "executor_runner: makes forward calls and cannot generate" in done.stderr
