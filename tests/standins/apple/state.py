# ruff: noqa: T201
"""What there is and what is to go wrong: state.json, under a lock."""

import fcntl
import json
import os
import sys
from pathlib import Path

MARK = "pocketbenchStandIn"
ROOT = Path(os.environ["POCKETBENCH_STAND_IN"])


class State:
    """state.json, read and written under a lock; we may be killed at any instant."""

    def __enter__(self):
        self._lock = (ROOT / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.now = json.loads((ROOT / "state.json").read_text())
        return self.now

    def __exit__(self, *error):
        partial = ROOT / f"state.{os.getpid()}"
        partial.write_text(json.dumps(self.now))
        partial.replace(ROOT / "state.json")
        self._lock.close()


def peek():
    return json.loads((ROOT / "state.json").read_text())


def fault(kind, udid):
    """The fault that is due at this call, if any: each is for the n-th call."""
    with State() as state:
        for planned in state["faults"]:
            if planned["at"] == kind and planned.get("udid", udid) == udid:
                planned["in"] = planned.get("in", 0) - 1
                if planned["in"] < 0:
                    if not planned.get("always"):
                        state["faults"].remove(planned)
                    return planned["what"]
    return None


def say(text):
    print(text, file=sys.stderr, flush=True)
