"""Does our ExecuTorch runner generate as fast as ExecuTorch's own TextLLMRunner?

Both generate from the same prompt with the same file on this computer in turn (A B,
B A, ...), a process each, one thread, pinned to the same leased core, after a warm-up
generation. Theirs is the runner of the executorch wheel, whose Python callback of each
token takes the stamp. The tokens must be equal. Printed is ours over theirs in decode
tokens per second, with the 95 % interval over the pairs that verdicts are built on.

Then what the stamp of a token costs, as a share of the token: at most 0.1 %.

Each token reads all weights once, so it shows in which physical pages they lie, and a
process with Python and torch gets other ones than a small program. --huge-pages gives
both programs huge pages, of which there are few.

With --deeper the other one is our runner with a model of one layer more: the interval
must lie above 1.

Aim: within 1 % of theirs. Launches go on until the interval is 1 % wide.
Run: python self_benchmarks/generation.py [--variant float32] [--pairs 20]
    [--most-pairs 200] [--new-tokens 64] [--deeper] [--file MODEL.pte]
    [--huge-pages]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from agreement import is_narrow, ratio, verdict
from text_llm_runner import id_of, ids_of, write_tokenizer

from pocketbench.android_runner.own import ExecutorchRunner
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.models.exporting.library import export
from pocketbench.bench.paths import state_dir
from pocketbench.bench.planning.sources import request_for
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.device import Device
from pocketbench.bench.records.generation import GenerationRequest
from pocketbench.bench.records.runner import LaunchRequest
from pocketbench.devices.host import HostDriver

HERE = Path(__file__).parent
NATIVE = HERE.parent / "android_runner/native"
PROMPT = "thequickbrownfoxjumpsoverthelazydog"
SEVEN_LAYERS = "seven_layers:tiny_llama_of_seven_layers"
STAMPS = 10_000_000
STAMP_LOOP = """
#include <cstdio>
#include <vector>
#include "clock.h"
int main() {
  std::vector<std::int64_t> stamps;
  stamps.reserve(%d);
  const std::int64_t start = pocketbench::now_ns();
  for (int i = 0; i < %d; ++i) stamps.push_back(pocketbench::now_ns() - start);
  std::printf("%%f", double(stamps.back()) / stamps.size());
}
"""
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""glibc then asks for huge pages (madvise), since version 2.35."""

Times = tuple[tuple[int, ...], tuple[int, ...]]
"""Stamps and token ids of a launch."""


class Ours:
    """Our runner with a file."""

    name = "ours"

    def __init__(
        self,
        device: Device,
        artifact: Artifact,
        new_tokens: int,
        env: Mapping[str, str],
    ) -> None:
        self._device, self._artifact, self._env = device, artifact, env
        self._runner = ExecutorchRunner((), print)
        program = self._runner.program(device.info)
        executable, *libraries = device.push(program.objects)
        self._request = LaunchRequest(
            program=executable,
            libraries=tuple(libraries),
            model_path=artifact.path,
            format="pte",
            threads=1,
            warmup_iterations=0,
            iterations=1,
            heap="system",
            seed=0,
            inputs=(),
            bundled_input_count=0,
            generation=GenerationRequest(
                prompt_ids=tuple(ids_of(PROMPT)), new_tokens=new_tokens
            ),
        )

    def launch(self, cpus: tuple[int, ...]) -> Times:
        command = self._runner.command(self._request)
        env = {**command.env, **self._env}
        result = self._device.run(command.argv, timeout_s=600, env=env, host_cpus=cpus)
        made = self._runner.parse(result, self._artifact, self._request).generation
        assert made is not None
        return made.token_ns, made.token_ids


class Theirs:
    """TextLLMRunner with the same file."""

    name = "theirs"

    def __init__(
        self,
        device: Device,
        artifact: Artifact,
        new_tokens: int,
        env: Mapping[str, str],
        folder: Path,
    ) -> None:
        self._device = device
        self._env = {"OMP_NUM_THREADS": "1", **env}
        size = artifact.decoder and artifact.decoder.vocabulary_size
        assert size is not None
        tokenizer = folder / "tokenizer.bin"
        write_tokenizer(tokenizer, size, end_token=size - 1)
        self._argv = (
            *(sys.executable, str(HERE / "text_llm_runner.py"), artifact.path),
            *(str(tokenizer), PROMPT, str(new_tokens)),
        )

    def launch(self, cpus: tuple[int, ...]) -> Times:
        result = self._device.run(
            self._argv, timeout_s=600, env=self._env, host_cpus=cpus
        )
        lines = result.stdout.decode().splitlines()
        made = json.loads(next(x for x in reversed(lines) if '"token_ns"' in x))
        ids = tuple(map(id_of, made["texts"]))
        return tuple(made["token_ns"]), ids


def rate_per_s(token_ns: tuple[int, ...]) -> float:
    """Decode tokens per second, as docs/generate.md defines them."""
    return (len(token_ns) - 1) * 1e9 / (token_ns[-1] - token_ns[0])


def stamp_ns(folder: Path) -> float:
    """What one reading of the clock and keeping it takes."""
    source = folder / "stamps.cpp"
    source.write_text(STAMP_LOOP % (STAMPS, STAMPS))
    compiler = os.environ.get("CXX", "c++")
    program = folder / "stamps"
    subprocess.run(
        [compiler, "-O2", "-std=c++20", f"-I{NATIVE}", source, "-o", program],
        check=True,
    )
    return float(subprocess.run([program], capture_output=True, check=True).stdout)


def artifact_of(source: str, variant: str) -> Artifact:
    is_file = source.endswith(".pte")
    name = "as-is" if is_file else f"{variant}+executorch"
    return export(request_for(source), name, seed=0, progress=print)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--variant", default="float32")
    parser.add_argument("--file")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--most-pairs", type=int, default=200)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--deeper", action="store_true")
    parser.add_argument("--huge-pages", action="store_true")
    parsed = parser.parse_args()

    os.chdir(HERE)  # where the factory of the deeper model is
    artifact = artifact_of(parsed.file or "tiny_llama-15m", parsed.variant)
    driver = HostDriver()
    (info,) = driver.discover()
    lease = CpuLease(state_dir() / "lease")
    with (
        driver.open(info, cancel=threading.Event()) as device,
        tempfile.TemporaryDirectory() as name,
    ):
        env = HUGE_PAGES if parsed.huge_pages else {}
        ours = Ours(device, artifact, parsed.new_tokens, env)
        other: Ours | Theirs
        if parsed.deeper:
            deeper = artifact_of(SEVEN_LAYERS, parsed.variant)
            other = Ours(device, deeper, parsed.new_tokens, env)
            other.name = "one layer more"
        else:
            other = Theirs(device, artifact, parsed.new_tokens, env, Path(name))
        pairs: list[tuple[float, float]] = []
        for number in range(parsed.most_pairs + 1):
            enough = len(pairs) >= parsed.pairs and len(pairs) % 10 == 0
            if enough and (parsed.deeper or is_narrow(pairs)):
                break
            order = (ours, other) if number % 2 == 0 else (other, ours)
            with lease.cores(1, threading.Event()) as cpus:
                found = {x: x.launch(cpus) for x in order}
            if not parsed.deeper and found[ours][1] != found[other][1]:
                raise SystemExit("the runners generated different tokens")
            if number:  # the first pair warms the page cache
                pairs.append((rate_per_s(found[ours][0]), rate_per_s(found[other][0])))
        stamp = stamp_ns(Path(name))
    point, low, high = ratio(pairs)
    print(
        f"{artifact.model} {artifact.variant}, {len(pairs)} pairs of launches, "
        f"{parsed.new_tokens} tokens, load {os.getloadavg()[1]:.1f} on "
        f"{os.cpu_count()} cores"
    )
    for program, index in ((ours, 0), (other, 1)):
        rate = statistics.median(pair[index] for pair in pairs)
        print(f"  {program.name:<15} {rate:9.2f} tokens/s")
    print(f"  ours over {other.name}: {point:.4f} [{low:.4f}, {high:.4f}]")
    if parsed.deeper:
        print("  the deeper one is slower" if low > 1 else "  NOT SEEN")
    else:
        print(f"  {verdict(low, high)}")
    share = stamp * statistics.median(pair[0] for pair in pairs) / 1e9
    print(f"  a stamp takes {stamp:.0f} ns, {share:.5%} of a token (aim: 0.1 %)")


if __name__ == "__main__":
    main()
