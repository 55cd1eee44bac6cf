"""Starting the phone's commands, and collecting every process that ends."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

SHELL = "/system/bin/sh"

_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM)
"""Python ignores some of these, and an ignored signal stays so through exec."""

StartListener = Callable[["Process"], None]
SignalListener = Callable[[int, int], None]


class Process:
    """One command of the phone: the leader of a session of its own."""

    def __init__(
        self, pid: int, argv: Sequence[str], exited: asyncio.Future[int]
    ) -> None:
        """Take what was started; `exited` will hold the wait status."""
        self.pid = pid
        self.argv = tuple(argv)
        self._exited = exited

    async def exit_code(self) -> int:
        """Wait and return the exit code as a shell does: 128 + signal when killed."""
        code = os.waitstatus_to_exitcode(await asyncio.shield(self._exited))
        return code if code >= 0 else 128 - code

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._exited.done()

    def when_exited(self, call: Callable[[], None]) -> None:
        """Have something called soon after it has ended."""
        self._exited.add_done_callback(lambda _: call())


class Processes:
    """Everything that runs on one phone."""

    def __init__(self) -> None:
        """Hold no process yet; `watch` must be called on the running loop."""
        self.listeners: list[StartListener] = []
        """Called with every command that starts: behaviours hang themselves in here."""
        self.signal_listeners: list[SignalListener] = []
        """Called with the pid of a process and the signal that has ended it, while
        what it was can still be seen."""
        self._running: dict[int, asyncio.Future[int]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self) -> None:
        """Collect processes that end, orphans too: this process is the phone's init."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def start(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        descriptors: tuple[int, int, int] | None = None,
        terminal: str | None = None,
    ) -> Process:
        """Start a command in a new session.

        Args:
            argv: The program's path and its arguments.
            env: The whole environment.
            descriptors: What becomes its stdin, stdout and stderr.
            terminal: Path of a pseudo-terminal to be all three and to control it.
        """
        assert self._loop is not None
        actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = []
        if terminal is not None:
            # The first terminal that a session leader opens controls it.
            actions.append((os.POSIX_SPAWN_OPEN, 0, terminal, os.O_RDWR, 0))
            actions += [(os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
        else:
            assert descriptors is not None
            actions += [
                (os.POSIX_SPAWN_DUP2, descriptor, number)
                for number, descriptor in enumerate(descriptors)
            ]
        pid = os.posix_spawn(
            argv[0],
            list(argv),
            env,
            file_actions=actions,
            setsid=True,
            setsigmask=(),
            setsigdef=_DEFAULT_SIGNALS,
        )
        exited: asyncio.Future[int] = self._loop.create_future()
        self._running[pid] = exited
        process = Process(pid, argv, exited)
        for listener in self.listeners:
            listener(process)
        return process

    def kill_all(self) -> None:
        """Kill every process of the phone but this one."""
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)

    def _reap(self) -> None:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            if ended.si_code in (os.CLD_KILLED, os.CLD_DUMPED):
                for listener in self.signal_listeners:
                    listener(ended.si_pid, ended.si_status)
            pid, status = os.waitpid(ended.si_pid, 0)
            exited = self._running.pop(pid, None)
            if exited is not None and not exited.done():
                exited.set_result(status)


def leaves(pid: int) -> tuple[int, ...]:
    """The descendants of a process that have no children; itself when it has none."""
    children = tuple(
        child
        for task in Path(f"/proc/{pid}/task").glob("*/children")
        for child in map(int, _read(task).split())
    )
    if not children:
        return (pid,)
    return tuple(leaf for child in children for leaf in leaves(child))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
