"""pocketbench's own runner for ExecuTorch."""

from __future__ import annotations

from android_runner.lite import LiteRunner


class ExecutorchRunner(LiteRunner):
    """Measures `.pte` files; in all else as the lite interpreter's program."""

    name = "executorch"
    formats = frozenset({"pte"})

    def spin_command(self, request: LaunchRequest, spin_ms: int) -> Command:
        """The command line of one spin of at least so long."""
        return spin_command(request, spin_ms)

    def parse_spin(self, result: CommandResult) -> float:
        """Nanoseconds a round of the work.

        Raises:
            LaunchError: It did not spin.
        """
        return read_spin(result, subject=self.name)
