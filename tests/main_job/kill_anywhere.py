"""Kill a run of two phones at seeded instants, resume it, and look for what is left.

The phones are simulated, adb is real, and their program prints what PyTorch's
`speed_benchmark_torch` would. In half of the runs the phones stay on, in the others the
run itself starts them, with an adb server of its own. Each phase gets its share of the
kills; models are exported and pushed again where one of these phases is to be hit.
Prints one line for each kill: where the run was, and what was lost, done twice or left.
Run: python -m tests.main_job.kill_anywhere KILLS [SEED]
"""

from __future__ import annotations

import collections
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

MODELS = Path(__file__).parent / "models"
BLOCKS, VARIANTS = 2, ("float32", "float16")
PHASES = ("discovery", "export", "push", "launch", "report")
FRESH = ("export", "push")
OWNED = ("pixel-8", "galaxy-s24")
"""The phones that a run starts itself, by their profiles."""
PROGRAM = """#!/system/bin/sh
echo 'Starting benchmark.'
echo 'Running warmup runs.'
echo 'Main runs.'
echo 'Main run finished. Microseconds per iter: 2000. Iters per second: 500'
"""
CHANGEABLE = "settings list global; settings list system; dumpsys power"
STORE = "/data/local/tmp/pocketbench"


class Lab:
    """Two phones on an adb server, and a folder in which everything else happens."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        """Take a folder whose places the environment names already."""
        from pocketbench.android_runner.build.toolchain import this_computer
        from pocketbench.devices.android.adb.private_server import private_server
        from pocketbench.devices.android.adb.program import find_adb
        from pocketbench.devices.simulated.running import running_phone

        self._folder = folder
        self._runs = folder / "runs"
        program = folder / "program"
        program.write_text(PROGRAM)
        self.adb = find_adb()
        server = stack.enter_context(private_server(self.adb, folder / "adb"))
        os.environ["ANDROID_ADB_SERVER_PORT"] = str(server.port)
        self.server = server
        self.serials = [
            stack.enter_context(running_phone("pixel-8", name=name)).serial
            for name in ("kill-a", "kill-b")
        ]
        for serial in self.serials:
            self.types("connect", serial)
            self.types("-s", serial, "wait-for-device")
        self.owned = False
        self._devices = {
            False: [f"android:{serial}" for serial in self.serials],
            True: [f"simulated:{name}" for name in OWNED],
        }
        self._words = [
            *("run", "nets:net", "--input", "1x3x16x16", "--no-cooldown"),
            *(word for name in VARIANTS for word in ("--variant", name)),
            *("--runner", f"speed_benchmark_torch={program}@{this_computer()[0]}"),
            *("--blocks", str(BLOCKS), "--iterations", "3", "--warmup", "1"),
        ]
        self._code = 0
        self._before = self._compared = self._settings()
        self._processes = self._own_processes()

    @property
    def command(self) -> list[str]:
        """The run that is killed; of phones of its own where `owned` is set."""
        devices = self._devices[self.owned]
        return [*self._words, *(word for x in devices for word in ("--device", x))]

    def types(self, *words: str) -> str:
        """Run adb."""
        from pocketbench.bench.processes.tool import run_to_end

        return run_to_end(*self.server.command(self.adb, *words), timeout_s=120).stdout

    def shell(self, serial: str, command: str) -> str:
        """Run a command on a phone."""
        return self.types("-s", serial, "shell", command)

    def forget(self) -> None:
        """Have everything exported and pushed again."""
        shutil.rmtree(Path(os.environ["POCKETBENCH_CACHE_DIR"]) / "exports")
        for serial in self.serials:
            self.shell(serial, f"rm -rf {STORE}")
        for kept in self._kept():
            shutil.rmtree(f"{kept}{STORE}", ignore_errors=True)

    def run(self, *words: str, kill: tuple[str, float] | None = None) -> int:
        """Run pocketbench in a child that has everything imported; its exit code.

        Args:
            words: Its arguments.
            kill: So many seconds after a phase has begun.
        """
        for phase, child in self._followed(words):
            if kill and PHASES.index(phase) >= PHASES.index(kill[0]):
                time.sleep(kill[1])
                os.kill(child, signal.SIGKILL)
                kill = None
        return self._code

    def phases(self, *words: str) -> dict[str, float]:
        """How many seconds each phase of a whole run takes."""
        begin: dict[str, float] = {}
        for phase, _ in self._followed(words):
            begin.setdefault(phase, time.monotonic())
        ends = [*list(begin.values())[1:], time.monotonic()]
        assert self._code == 0, self.output()
        return {
            name: end - start
            for (name, start), end in zip(begin.items(), ends, strict=True)
        }

    def _followed(self, words: Sequence[str]) -> Iterator[tuple[str, int]]:
        """The phase of a run again and again until it ends, with its process."""
        (self._folder / "output.txt").write_text("")
        child = os.fork()
        if child == 0:
            self._be_pocketbench(words)
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                self._code = os.waitstatus_to_exitcode(status)
                return
            yield self.place().split()[0], child
            time.sleep(0.005)

    def _be_pocketbench(self, words: Sequence[str]) -> None:
        from pocketbench.bench.cli import main

        os.setsid()
        os.chdir(self._folder)
        output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.argv = ["pocketbench", *words]
        code = 70
        try:
            main()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        finally:
            sys.stdout.flush()
            os._exit(code)

    def output(self) -> str:
        """What pocketbench printed last."""
        return (self._folder / "output.txt").read_text(errors="replace")

    def stored(self) -> bytes | None:
        """The whole lines of the only run; `None` before there is one."""
        files = list(self._runs.glob("*/run.jsonl"))
        content = files[0].read_bytes() if files else b""
        return content[: content.rfind(b"\n") + 1] or None

    def place(self) -> str:
        """In words, how far the run has come."""
        lines = self.stored()
        if lines is None:
            return "export" if ": exporting" in self.output() else "discovery"
        launches = lines.count(b'"record":"launch"')
        if launches:
            whole = len(self.serials) * len(VARIANTS) * BLOCKS
            return f"launch {launches}" if launches < whole else "report"
        return "push"

    def faults(self, before: bytes | None) -> list[str]:
        """What a resumed run lost, did twice or left behind."""
        from pocketbench.bench.measure.run_folder import read_run

        (folder,) = (x for x in self._runs.iterdir() if x.is_dir())
        found = []
        if before and not (self.stored() or b"").startswith(before):
            found.append("a stored line is lost")
        run = read_run(folder)
        attempts = collections.defaultdict(set)
        for x in run.launches:
            attempts[x.device_id, x.block, x.attempt].add(x.variant_id)
        whole = collections.Counter(
            key[:2] for key, variants in attempts.items() if len(variants) == 2
        )
        devices = self._devices[self.owned]
        wanted = {(x, block) for x in devices for block in range(BLOCKS)}
        found += [f"lost: {x}" for x in wanted - whole.keys()]
        found += [f"twice: {x}" for x, count in whole.items() if count > 1]
        found += [f"failure: {x.reason} {x.fact}" for x in run.failures]
        if run.outcome != "finished" or not (folder / "report.html").is_file():
            found.append("not finished")
        if self._settings() != self._compared:
            found.append("settings")
        return found + self._left_files() + self._left_processes()

    def clear(self) -> None:
        """Forget the run."""
        shutil.rmtree(self._runs, ignore_errors=True)

    def begin_to_compare(self) -> None:
        """Take the settings of phones that a run has started for the first time."""
        assert self._settings()[: len(self.serials)] == self._before, "settings"
        self._compared = self._settings()

    def _settings(self) -> list[str]:
        on = [self.shell(serial, CHANGEABLE) for serial in self.serials]
        off = [
            f"{file.relative_to(kept)}={file.read_text()}"
            for kept in self._kept()
            for file in sorted((kept / "data/system/settings").glob("*/*"))
        ]
        return on + off

    def _kept(self) -> list[Path]:
        """The files of phones that a run starts, while they are off."""
        state = Path(os.environ["POCKETBENCH_STATE_DIR"])
        return [state / "simulated" / name for name in OWNED]

    def _left_files(self) -> list[str]:
        state = Path(os.environ["POCKETBENCH_STATE_DIR"])
        cache = Path(os.environ["POCKETBENCH_CACHE_DIR"])
        places = [
            *(state / "changed-phones", state / "work", cache / "exports/unfinished"),
            Path(os.environ["TMPDIR"]),
        ]
        found = [path for x in places if x.is_dir() for path in x.iterdir()]
        found += state.glob("locks/*.pid")
        found += [x for place in (self._runs, cache) for x in place.glob("**/.*@*")]
        found += [x for kept in self._kept() for x in kept.glob(f".{STORE}/incoming/*")]
        incoming = [self.shell(x, f"ls {STORE}/incoming") for x in self.serials]
        return [f"left: {path}" for path in (*found, *filter(None, incoming))]

    def _left_processes(self) -> list[str]:
        deadline = time.monotonic() + 30
        while left := self._own_processes() - self._processes:
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        on_phones = [self.shell(x, f"pgrep -f {STORE}/[o]bjects") for x in self.serials]
        return [f"left: process {x}" for x in (*left, *filter(None, on_phones))]

    def _own_processes(self) -> set[int]:
        """Processes of this computer that know this lab's folder."""
        mark = f"POCKETBENCH_STATE_DIR={os.environ['POCKETBENCH_STATE_DIR']}".encode()
        found = set()
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes().split(b"\0"):
                    found.add(int(path.parent.name))
        return found


def kill_and_resume(
    lab: Lab, chance: random.Random, usual: dict[tuple[bool, bool], dict[str, float]]
) -> tuple[str, list[str]]:
    """One kill; where it struck, and what was wrong afterwards."""
    phase, lab.owned = chance.choice(PHASES), chance.random() < 0.5
    is_fresh = phase in FRESH
    if is_fresh:
        lab.forget()
    lasts_s = usual[lab.owned, is_fresh].get(phase, 0.1)
    code = lab.run(*lab.command, kill=(phase, chance.uniform(0.0, lasts_s)))
    place, before = lab.place(), lab.stored()
    if code == 0:
        place = "after its end"
    again = ("run", "--resume", "last") if before else tuple(lab.command)
    if not before:
        lab.clear()
    code = lab.run(*again)
    faults = lab.faults(before) if lab.stored() else ["nothing stored"]
    if code != 0:
        faults.append(f"exit code {code}: {lab.output()[-300:]}")
    lab.clear()
    return f"{place} ({'its own phones' if lab.owned else 'attached'})", faults


def usual_phases(lab: Lab) -> dict[tuple[bool, bool], dict[str, float]]:
    """How long each phase lasts unless it is killed: by owned phones and freshness."""
    usual = {}
    for owned in (False, True):
        lab.owned = owned
        assert lab.run(*lab.command) == 0, lab.output()
        lab.begin_to_compare()
        lab.clear()
        for is_fresh in (True, False):
            if is_fresh:
                lab.forget()
            usual[owned, is_fresh] = lab.phases(*lab.command)
            assert lab.faults(None) == [], lab.faults(None)
            lab.clear()
    return usual


def main(kills: int, seed: int) -> int:
    """Do it so often; the exit code says whether anything was wrong."""
    # All that a run imports, once.
    import pocketbench.android_runner.own
    import pocketbench.android_runner.prebuilt.speed_benchmark_torch
    import pocketbench.bench.commands.report
    import pocketbench.bench.commands.run
    import pocketbench.bench.commands.run_flow
    import pocketbench.devices.android.driver
    import pocketbench.reports.formats.html.page  # noqa: F401

    chance = random.Random(seed)
    places: collections.Counter[str] = collections.Counter()
    wrong = 0
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, value in {
            "HOME": "home",
            "TMPDIR": "tmp",
            "TORCHINDUCTOR_CACHE_DIR": "inductor",
            "POCKETBENCH_STATE_DIR": "state",
            "POCKETBENCH_CACHE_DIR": "cache",
        }.items():
            os.environ[name] = str(folder / value)
            (folder / value).mkdir()
        os.environ |= {"ADB_MDNS": "0", "POCKETBENCH_SIMULATED_ROOT": "host"}
        os.environ["PYTHONPATH"] = str(MODELS)
        sys.path.insert(0, str(MODELS))
        tempfile.tempdir = None
        lab = Lab(folder, stack)
        usual = usual_phases(lab)
        for number in range(kills):
            place, faults = kill_and_resume(lab, chance, usual)
            places[place.split()[0]] += 1
            wrong += bool(faults)
            words = "; ".join(faults) or "fine"
            sys.stdout.write(f"kill {number + 1}: {place}: {words}\n")
            sys.stdout.flush()
    struck = ", ".join(f"{place} {count}" for place, count in places.most_common())
    total = f"{kills} kills (seed {seed}; {struck}): {wrong} with faults"
    sys.stdout.write(f"{total}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(main(numbers[0], numbers[1] if len(numbers) > 1 else 0))
