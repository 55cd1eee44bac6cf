"""The flow of the main job: plan, select, equip, export, measure, judge, report."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from pocketbench.bench.commands.choose_engine import choose_engine
from pocketbench.bench.commands.foreign_runs import check_trusted, seal
from pocketbench.bench.commands.open_lab import MakeDriver, check_at_hand, opened_lab
from pocketbench.bench.commands.progress import progress_on
from pocketbench.bench.commands.show_reports import finish
from pocketbench.bench.commands.until_settled import measure_run
from pocketbench.bench.commands.write_reports import known_reports
from pocketbench.bench.errors import (
    Cancelled,
    NoDeviceError,
    StoreError,
    ToolMissingError,
    UsageError,
)
from pocketbench.bench.measure.changed_phones import restore_listed
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.generation_check import check_decoders, check_generators
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.prepare import (
    PreparedDevice,
    check_devices,
    claim_devices,
    early_failures,
    equip,
    export_all,
    formats_of,
    make_driver,
    make_jobs,
    make_runners,
    preinstall,
)
from pocketbench.bench.measure.run_folder import find_run, new_run_folder, read_run
from pocketbench.bench.measure.store import Store, utc_now
from pocketbench.bench.paths import remove_leftovers, state_dir
from pocketbench.bench.planning.durations import parse_duration
from pocketbench.bench.planning.make_plan import make_plan
from pocketbench.bench.planning.project_file import read_project
from pocketbench.bench.planning.run_options import RunOptions
from pocketbench.bench.planning.selection import SelectedDevice, select
from pocketbench.bench.planning.workload_options import with_budget
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.bench.records.device import Claim
from pocketbench.bench.records.families import PHONES, THIS_COMPUTER
from pocketbench.bench.records.plan import Plan
from pocketbench.bench.records.run import ArtifactReady, Run, RunResumed, RunStarted
from pocketbench.bench.records.runner import SupportsDuration
from pocketbench.bench.units import shown

if TYPE_CHECKING:
    from rich.console import Console

    from pocketbench.bench.records.artifact import Artifact


def run_main_job(options: RunOptions) -> int:
    """Do the main job and give the exit code.

    Raises:
        PocketbenchError: Nothing could be measured; the exit code is the error's.
    """
    reports = known_reports(options.reports)
    folder, stopped = measure_and_store(options)
    code = finish(
        folder,
        reports,
        fail_on=options.fail_on,
        as_json=options.as_json,
        details=options.details,
    )
    if stopped is not None:
        raise stopped
    return code


def measure_and_store(options: RunOptions) -> tuple[Path, Cancelled | None]:
    """Measure everything; return the run's folder, and the Ctrl-C that ended it early.

    Raises:
        PocketbenchError: Nothing could be measured.
    """
    from rich.console import Console

    console = Console(stderr=True)
    say = _once(partial(console.print, markup=False, highlight=False, soft_wrap=True))
    with opened_lab(options.lab, _wait_s(options), say) as make:
        return _measure_and_store(options, make, console, say)


def _measure_and_store(
    options: RunOptions, make: MakeDriver, console: Console, say: Callable[[str], None]
) -> tuple[Path, Cancelled | None]:
    remove_leftovers(options.runs_folder)
    if options.resume is not None:
        before = _stopped_run(options)
        check_trusted(Path(before.folder), before.started.plan, trust=options.trust)
        plan = with_budget(before.started.plan, options.budget)
        folder = Path(before.folder)
    else:
        options = choose_engine(options, lambda plan: _devices(plan, say, make)[0], say)
        plan = make_plan(options)
        before, folder = None, new_run_folder(options.runs_folder, model_word(plan))
    if options.fail_on == "budget" and not plan.budgets:
        raise UsageError(
            "--fail-on budget", "no budget is set", "Add a [[budget]] to the suite"
        )
    selected, plan = _devices(plan, say, make)
    check_at_hand(plan, selected)
    for info in (device.info for device in selected if device.info.state != "ready"):
        say(
            f"{info.id} is {info.state.replace('_', ' ')}. {info.remedy or ''}".rstrip()
        )
    equipped = equip(
        selected,
        make_runners(plan.runners, say, plan.libc),
        formats_of(plan),
    )
    if len(equipped) == len(selected):
        # A phone that does not answer now is what is wrong then, not the program.
        _check_given_runners(plan, equipped)
    _check_lasting(plan, equipped)
    check_generators(plan, (b.runner for item in equipped for b in item.bindings))
    preinstall(equipped)
    claim_devices(selected, claim_of(options, folder.name, say))
    check_devices(selected)
    stopped: Cancelled | None = None
    artifacts, errors = export_all(plan, say) if equipped else ({}, {})
    check_decoders(plan, artifacts)
    # Before the run's own folder makes the working directory dirty.
    first = first_record(plan, folder, resumed=before is not None)
    with only_writer(folder), Store(folder) as store:
        if isinstance(first, RunStarted):
            seal(folder, first)
        store.append(first)
        _check_unchanged(before, artifacts.values())
        for artifact in artifacts.values():
            store.append(ArtifactReady(artifact=artifact))
        for failure in early_failures(plan, selected, errors):
            store.append(failure)
        with (
            _stop_on_signals() as cancel,
            progress_on(console, plan.workload.blocks) as progress,
        ):
            try:
                lease = CpuLease(state_dir() / "lease")
                measure_run(
                    RunContext(plan, store, lease, progress, cancel),
                    make_jobs(plan, equipped, artifacts),
                    before,
                )
            except Cancelled as error:
                stopped = error
    # A phone that was lost may be back by now.
    restore_listed(say)
    return folder, stopped


def _stopped_run(options: RunOptions) -> Run:
    assert options.resume is not None
    if options.models:
        raise UsageError(
            "--resume", "takes its models from the stored run", "Leave MODEL out"
        )
    return read_run(find_run(options.resume, options.runs_folder))


def claim_of(options: RunOptions, run_id: str, say: Callable[[str], None]) -> Claim:
    """What a run asks of the devices that it shares with others."""
    return Claim(run_id, _wait_s(options), say, pushes_per_hub=options.pushes_per_hub)


def _wait_s(options: RunOptions) -> float:
    return parse_duration(options.wait, "--wait") if options.wait else 0.0


def _once(say: Callable[[str], None]) -> Callable[[str], None]:
    """Print each line once: the choice of an engine goes the same way as the run."""
    said: set[str] = set()

    def say_once(text: str) -> None:
        if text not in said:
            said.add(text)
            say(shown(text))

    return say_once


def _devices(
    plan: Plan, say: Callable[[str], None], make: MakeDriver
) -> tuple[tuple[SelectedDevice, ...], Plan]:
    """The devices of a plan, and the plan with their own names, for a resume."""
    if plan.device_selectors or make is not make_driver:
        wanted = plan.device_selectors or (f"{PHONES}:*",)
        selected = select(read_project().expanded(wanted), make)
    else:
        selected = select([THIS_COMPUTER], make_driver)
        try:
            selected += select([f"{PHONES}:*"], make_driver)
        except (NoDeviceError, ToolMissingError) as error:
            say(f"Note: measuring this computer alone. {error}")
    ids = tuple(device.info.id for device in selected)
    return selected, msgspec.structs.replace(plan, device_selectors=ids)


def _check_given_runners(plan: Plan, equipped: Sequence[PreparedDevice]) -> None:
    """Refuse a given program that fits no device.

    Raises:
        UsageError: Names it, and the ABIs of the devices.
    """
    used = {binding.runner.name for item in equipped for binding in item.bindings}
    for choice in plan.runners:
        if choice.name not in used:
            abis = {abi for item in equipped for abi in item.selected.info.abis[:1]}
            raise UsageError(
                f"--runner {choice.name}={choice.path}",
                "fits none of the selected devices",
                f"They run {', '.join(sorted(abis)) or 'nothing now'}",
            )


def _check_lasting(plan: Plan, equipped: Sequence[PreparedDevice]) -> None:
    """Not every program can go on for a stated time.

    Raises:
        UsageError: Names the one that cannot.
    """
    if plan.workload.min_duration_s <= 0 and plan.sustained is None:
        return
    for item in equipped:
        for binding in item.bindings:
            if not (
                isinstance(binding.runner, SupportsDuration) and binding.runner.can_last
            ):
                raise UsageError(
                    f"{binding.runner.name} on {item.selected.info.name}",
                    "counts iterations and cannot go on for a stated time",
                    "Measure with pocketbench's own program, or leave the time out",
                )


def model_word(plan: Plan) -> str:
    """The first model's name, as a part of a folder's."""
    return re.sub(r"[^\w.-]+", "-", plan.models[0].name)[:40].strip("-.") or "model"


def first_record(plan: Plan, folder: Path, *, resumed: bool) -> RunStarted | RunResumed:
    """What a run's file begins with, or goes on with."""
    command = ("pocketbench", *sys.argv[1:])
    if resumed:
        return RunResumed(started_at=utc_now(), command=command)
    return RunStarted(
        run_id=folder.name,
        started_at=utc_now(),
        plan=plan,
        command=command,
        versions={
            "pocketbench": importlib.metadata.version("pocketbench"),
            "python": platform.python_version(),
            "torch": importlib.metadata.version("torch"),
            "platform": platform.platform(),
        },
        commit=_commit(),
    )


def _commit() -> str | None:
    """The commit of the working directory, when it is in a git repository."""
    head = run_to_end("git", "rev-parse", "HEAD", timeout_s=10)
    status = run_to_end("git", "status", "--porcelain", timeout_s=10)
    if not (head.succeeded and status.succeeded):
        return None
    commit = head.stdout.strip()
    return f"{commit}+dirty" if status.stdout.strip() else commit


def _check_unchanged(before: Run | None, artifacts: Iterable[Artifact]) -> None:
    """A resumed run must go on with the very files it began with.

    Raises:
        StoreError: A model came out different now.
    """
    stored = (
        {(a.model, a.variant): a.sha256 for a in before.artifacts} if before else {}
    )
    for artifact in artifacts:
        was = stored.get((artifact.model, artifact.variant))
        if was not in (None, artifact.sha256):
            raise StoreError(
                f"{artifact.model} {artifact.variant}",
                "is not the file this run began with (its source or torch changed)",
                "Start a new run",
            )


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keep a second pocketbench from writing to the same run.

    Raises:
        StoreError: Another one is writing to it now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise StoreError(
            str(folder), "another pocketbench is writing to it", "Wait for its end"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """Turn Ctrl-C and a polite kill into an event; a second Ctrl-C ends at once."""
    cancel = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may; another one's caller handles its own signals.
        yield cancel
        return

    def stop(number: int, frame: object) -> None:
        if cancel.is_set():
            signal.default_int_handler(number, None)
        cancel.set()

    before = {
        number: signal.signal(number, stop)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        # nohup asks to be left alone when the terminal closes.
        if not (number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN)
    }
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
