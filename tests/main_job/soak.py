"""Phones that something happens to every few seconds, for minutes on end.

The phones are simulated, adb is real, and their program sleeps and prints what the
null program would. Faults and phones come from a seeded list. At the end every planned
launch must be stored once, or be reported with its reason.
With `remembered`, phones answer the reading of their conditions from memory until they
restart: two cores are enough then for 32 of them.
Run: python -m tests.main_job.soak PHONES MINUTES [SEED [remembered]]
"""

from __future__ import annotations

import collections
import contextlib
import os
import random
import sys
import tempfile
import threading
from pathlib import Path

from pocketbench.bench.judge.summarize import summarize
from tests.main_job.on_a_phone import (
    PhoneJob,
    attach,
    model_file,
    sleeping_program,
)

MODELS = ("one", "two", "three")
LAUNCH_S = 1.0
BETWEEN_S = (2.0, 6.0)
"""The shortest and the longest time from one fault to the next."""
TIMEOUT_S = 10.0


REMEMBERED = {"contains": "T='@@", "action": "remember"}


def _rule(action, **more):
    rule = {"contains": "--model", "action": action, "times": 1, **more}
    return lambda phone, lasting: phone.ask("behave", rules=[rule, *lasting])


def _unplug(phone, _):
    phone.ask("unplug")
    threading.Timer(1.0, phone.ask, ["plug"]).start()


FAULTS = {
    "unplugged for a second": _unplug,
    "restarted": lambda phone, _: phone.ask("reboot"),
    "lost during a launch": _rule("unplug", after_s=0.5),
    "lost while conditions are read": _rule("unplug", contains="thermalservice"),
    "program killed": _rule("kill", after_s=0.5),
    "program that prints garbage": _rule("garbage", text="\x00garbage"),
    "program that hangs": _rule("hang"),
}


def soak(job, phones, folder, *, minutes, seed, lasting=()):
    """Measure while faults strike; the run, how often each struck, what went wrong.

    The lasting rules hold beside those of faults.
    """
    chance = random.Random(seed)
    over = threading.Event()
    struck = collections.Counter()

    def strike():
        while not over.wait(chance.uniform(*BETWEEN_S)):
            name = chance.choice(list(FAULTS))
            FAULTS[name](chance.choice(phones), lasting)
            struck[name] += 1

    for phone in phones:
        phone.ask("behave", replug_s=1.0, reboot_s=1.0, rules=list(lasting))
    blocks = max(1, round(minutes * 60 / (len(MODELS) * LAUNCH_S)))
    striker = threading.Thread(target=strike)
    striker.start()
    try:
        run = job.measures(
            phones[0],
            *(model_file(folder / f"{x}.ptl", x.encode(), name=x) for x in MODELS),
            others=phones[1:],
            blocks=blocks,
            timeout_s=TIMEOUT_S,
            null=sleeping_program(folder, LAUNCH_S),
        )
    finally:
        over.set()
        striker.join()
    return run, struck, wrong(run, phones, blocks)


def wrong(run, phones, blocks):
    """Planned launches that are stored twice, or neither stored nor reported."""
    stored = collections.Counter((x.device_id, x.model, x.block) for x in run.launches)
    reported = {(x.device_id, x.model) for x in summarize(run).failures}
    found = []
    for phone in phones:
        device_id = f"android:{phone.serial}"
        for model in MODELS:
            is_reported = reported & {(device_id, None), (device_id, model)}
            for block in range(blocks):
                count = stored[device_id, model, block]
                if count > 1 or (count == 0 and not is_reported):
                    found.append(f"{phone.serial} {model} {block}: {count} times")
    return found


def main(count: int, minutes: float, seed: int, *, remembers: bool) -> int:
    """Do it; the exit code says whether anything was wrong."""
    from pocketbench.devices.android.adb.private_server import private_server
    from pocketbench.devices.android.adb.program import find_adb
    from pocketbench.devices.simulated.running import running_phone

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ |= {
            "HOME": str(folder),
            "POCKETBENCH_STATE_DIR": str(folder / "state"),
            "ADB_MDNS": "0",
        }
        adb = find_adb()
        server = stack.enter_context(private_server(adb, folder / "adb"))
        phones = [
            stack.enter_context(running_phone("pixel-8", name=f"soak-{number}"))
            for number in range(count)
        ]
        for phone in phones:
            attach(phone.serial, server, adb)
        job = PhoneJob(folder / "run", server.port)
        lasting = [REMEMBERED] if remembers else []
        run, struck, found = soak(
            job, phones, folder, minutes=minutes, seed=seed, lasting=lasting
        )
    for name, times in struck.most_common():
        sys.stdout.write(f"{times:4} {name}\n")
    reasons = collections.Counter(failure.reason for failure in run.failures)
    standing = collections.Counter(x.reason for x in summarize(run).failures)
    sys.stdout.write(
        f"{len(run.launches)} launches stored, {sum(reasons.values())} failures "
        f"({dict(reasons)}), of which stand: {dict(standing)}\n"
        f"{len(found)} launches lost or stored twice (seed {seed})\n"
    )
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    seed = int(sys.argv[3]) if sys.argv[3:] else 0
    remembers = "remembered" in sys.argv
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2]), seed, remembers=remembers))
