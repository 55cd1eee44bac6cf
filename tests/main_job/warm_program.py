"""The `pocketbench` program, its imports done once for all that is typed.

Each command is a process of its own, forked from one that has imported what commands
import: what they do is real, only the second that importing takes is saved.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NoReturn

IMPORTED = (
    "adbutils",
    "duckdb",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "pandas",
    "scipy.special",
    "pocketbench.bench.cli",
    "pocketbench.bench.commands.history",
    "pocketbench.bench.commands.run",
    "pocketbench.bench.commands.run_flow",
    "pocketbench.bench.commands.show_reports",
    "pocketbench.bench.commands.write_reports",
    "pocketbench.reports.formats.console",
    "pocketbench.reports.formats.html.page",
    "pocketbench.bench.models.exporting.library",
    "pocketbench.android_runner.own",
    "pocketbench.devices.host",
    "pocketbench.devices.android.driver",
    "pocketbench.devices.simulated.driver",
    "pocketbench.devices.ios.driver",
    "pocketbench.devices.ios.simulator",
    "pocketbench.ios_runner.runner",
)


class WarmProgram:
    """Starts commands one at a time, until it is closed."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, argv, *, cwd, env, outputs, timeout_s):
        """Run one to its end; its exit code, negative for a signal."""
        order = {"argv": argv, "cwd": str(cwd), "env": env, "outputs": outputs}
        pid = int(self._ask(json.dumps(order, default=str)))
        killer = threading.Timer(timeout_s, os.kill, (pid, 9))
        killer.start()
        try:
            return int(self._server.stdout.readline())
        finally:
            killer.cancel()

    def _ask(self, line):
        self._server.stdin.write(f"{line}\n")
        self._server.stdin.flush()
        return self._server.stdout.readline()

    def close(self):
        with self._server:
            self._server.stdin.close()


@functools.cache
def warm_program() -> WarmProgram:
    """The one of this test process, ended with it."""
    program = WarmProgram()
    atexit.register(program.close)
    return program


def run_warm(argv, *, cwd, env, timeout_s):
    """As `subprocess.run` with its outputs captured as text."""
    argv = [str(word) for word in argv]
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / name for name in ("stdout", "stderr")]
        code = warm_program().run(
            argv, cwd=cwd, env=env, outputs=outputs, timeout_s=timeout_s
        )
        said = [path.read_text() for path in outputs]
    return subprocess.CompletedProcess(argv, code, *said)


def serve() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            become(**order)
        _say(pid)
        _, status = os.waitpid(pid, 0)
        _say(os.waitstatus_to_exitcode(status))


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def become(argv, cwd, env, outputs) -> NoReturn:
    """Be the program that a shell would have started."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[:] = argv
    added = env.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [str(Path(argv[0]).parent), *filter(None, added)]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    from pocketbench.bench.cli import main

    try:
        main()
    except SystemExit as ended:
        # Taking every module apart again would take as long as many a command.
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(ended.code)
    raise AssertionError("it did not exit")


if __name__ == "__main__":
    serve()
