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
    """state.json, read and written under a lock."""

    def __enter__(self):
        self._file = (ROOT / "state.json").open("r+")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self.now = json.load(self._file)
        return self.now

    def __exit__(self, *error):
        self._file.seek(0)
        self._file.truncate()
        json.dump(self.now, self._file, indent=1)
        self._file.close()


def peek():
    with State() as state:
        return state


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
