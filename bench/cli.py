"""The command line: one lazy verb a module, errors and exit codes in one place."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import click

ENVIRONMENT = 4
"""Exit code of a full disk, an unwritable folder or a fault of pocketbench itself: CI
must not read it as a verdict (1), a usage error (2) or a failed job (3)."""

COMMANDS = {
    "run": "Measure models on devices and report.",
    "generate": "Measure models that generate: tokens/s and time to first token.",
    "devices": "List every device that can be seen, with its state and remedy.",
    "doctor": "Check the setup of this computer and every attached device.",
    "init": "Write a suite file by asking six questions.",
    "export": "Export a model for the device without measuring it.",
    "report": "Make the report of a stored run again.",
    "runs": "List and remove stored runs.",
    "compare": "Compare two stored runs.",
    "history": "Keep runs over time and find where a level changed.",
    "comment": "Post a run's report on a pull or merge request, or update it.",
    "bundle": "Write an archive with which a phone measures alone.",
    "ingest": "Make a stored run of what a bundle or XCTest has measured.",
    "simulate": "Run simulated phones that the real adb talks to.",
    "lab": "Join the phones of several computers into one lab.",
    "runner": "Build the native programs that measure.",
    "completion": "Print the completion script for a shell.",
}
"""Verbs and their help; `pocketbench --help` imports none of them."""


WITH_DEFAULTS = ("run", "generate", "report", "compare")
"""Verbs whose options a project's file may set."""


def _options(verb: str) -> dict[str, str]:
    """The names of a verb's options without dashes, and of what takes their values."""
    module = importlib.import_module(f"pocketbench.bench.commands.{verb}")
    return {
        option.lstrip("-").replace("-", "_"): param.name or ""
        for param in getattr(module, verb).params
        if isinstance(param, click.Option)
        for option in param.opts
    }


class LazyGroup(click.Group):
    """Imports a verb only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a verb; its command has the verb's name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"pocketbench.bench.commands.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        if cmd_name in WITH_DEFAULTS:
            ctx.default_map = {cmd_name: self._defaults(command)}
        return command

    def _defaults(self, command: click.Command) -> dict[str, Any]:
        """What the project's file says instead of an option's default."""
        from pocketbench.bench.planning.project_file import defaults_for, read_project

        project = read_project()
        if not project.defaults:
            return {}
        options = {name: _options(name) for name in WITH_DEFAULTS}
        everywhere = set().union(*options.values())
        assert command.name is not None
        found = defaults_for(project, options[command.name], everywhere)
        many = {p.name for p in command.params if getattr(p, "multiple", False)}
        return {
            name: [value] if name in many and not isinstance(value, list) else value
            for name, value in found.items()
        }

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Offer the near matches of an unknown verb."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from pocketbench.bench.errors import UnknownNameError

            raise UnknownNameError("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the table without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pocketbench", prog_name="pocketbench")
@click.option("-v", "--verbose", is_flag=True, help="Log every device command.")
def cli(verbose: bool) -> None:
    """How fast is this model on each phone, is int8 really better there, and did this
    commit make it worse.

    \b
    pocketbench run mobilenet_v2 --device host --device 'android:*'
    pocketbench run mobilenet_v2 --device simulated:pixel-8 --quick
    """
    if verbose:
        import logging

        logging.basicConfig(
            level=logging.DEBUG, format="%(relativeCreated)7.0f ms %(name)s %(message)s"
        )
    _restore_phones()


def _restore_phones() -> None:
    """Put back what a killed run left changed or leased, whatever is asked now."""
    from pocketbench.bench.paths import state_dir

    def say(text: str) -> None:
        click.echo(text, err=True)

    is_changed = os.path.isdir(state_dir() / "changed-phones")
    if os.path.isdir(state_dir() / "leases"):
        from pocketbench.bench import registry

        before = None
        if is_changed:
            from functools import partial

            from pocketbench.bench.measure.changed_phones import restore_listed

            # While it is leased; a phone that refuses now is named below.
            before = partial(restore_listed, lambda text: None)
        registry.load(registry.LEASES, "lease", "release")(say, before)
    if is_changed:
        from pocketbench.bench.measure.changed_phones import restore_listed

        restore_listed(say)


def main() -> None:
    """Run the command line; every error of ours is one line on stderr."""
    from pocketbench.bench.errors import PocketbenchError

    _end_cleanly_when_asked()
    _wake_for_signals()
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except PocketbenchError as error:
        from pocketbench.bench.units import shown

        click.echo(f"Error: {shown(str(error))}".rstrip(". "), err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        _discard_output()
        sys.exit(ENVIRONMENT)
    except (Exception, RecursionError) as error:
        _discard_output()
        _explain(error)
        sys.exit(ENVIRONMENT)
    sys.exit(code if isinstance(code, int) else 0)


def _end_cleanly_when_asked() -> None:
    """Let SIGTERM and a closed terminal end programs and phones as Ctrl-C does."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        # nohup asks to be left alone.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)


def _wake_for_signals() -> None:
    """See that a handler runs at once, whichever thread the signal was given to.

    Only the main thread runs handlers, and where it waits for another thread, a signal
    that the kernel gave to that one does not wake it (Python's documentation, signal,
    "Signals and threads"). On a busy computer one Ctrl-C in thirty was lost so.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    main_thread = threading.get_ident()

    def wake() -> None:
        while numbers := os.read(reading, 64):
            if any(number != signal.SIGURG for number in numbers):
                signal.pthread_kill(main_thread, signal.SIGURG)

    # One that nothing else sends; its handler has nothing to do but interrupt a wait.
    signal.signal(signal.SIGURG, lambda number, frame: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=wake, daemon=True).start()


def _discard_output() -> None:
    """Let the interpreter's last flush go nowhere: standard output takes no more."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: BaseException) -> None:
    """Say in one line what failed, and keep the traceback in a file."""
    if isinstance(error, OSError) and error.strerror:
        subject = str(error.filename or "standard output")
        line = f"{subject}: {error.strerror}. Make room there or choose another place"
    else:
        words = " ".join(str(error).split())[:300]
        line = f"pocketbench: internal error ({type(error).__name__}: {words})"
    place = _keep_traceback()
    line += f". Details: {place}" if place else ""
    with contextlib.suppress(OSError):
        click.echo(f"Error: {line}", err=True)


def _keep_traceback() -> Path | None:
    from pocketbench.bench.paths import state_dir

    for folder in (state_dir() / "logs", Path(tempfile.gettempdir())):
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            name = f"pocketbench-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
            (folder / name).write_text(traceback.format_exc(), "utf-8")
            return folder / name
    return None
