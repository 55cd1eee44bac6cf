"""Click commands whose parameters arrive as one typed value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec


class OptionsCommand(click.Command):
    """Calls its function with one value of a type, checked by the type.

    A parameter without a field, or of another type, fails at every call; an option that
    was not given and may be given again is `None` where the field allows that.
    """

    def __init__(self, *args: Any, options: type[msgspec.Struct], **rest: Any) -> None:
        """Take the type besides what click takes."""
        super().__init__(*args, **rest)
        self._options = options

    def invoke(self, ctx: click.Context) -> Any:
        """Convert the parameters and call the function."""
        assert self.callback is not None
        defaults = {f.name: f.default for f in msgspec.structs.fields(self._options)}
        params = {
            name: None if value == () and defaults.get(name) is None else value
            for name, value in ctx.params.items()
        }
        value = msgspec.convert(params, self._options, dec_hook=_as_it_is)
        return ctx.invoke(self.callback, value)


def _as_it_is(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(f"no option has the type {kind}")


class AliasedOption(click.Option):
    """An option with old names that still work and are not shown in the help."""

    def __init__(self, *args: Any, aliases: tuple[str, ...] = (), **rest: Any) -> None:
        """Take the old names: `--old`, or `--old/--no-old` of a flag with two names."""
        super().__init__(*args, **rest)
        self._shown = list(self.opts), list(self.secondary_opts)
        for alias in aliases:
            on, _, off = alias.partition("/")
            self.opts.append(on)
            if off:
                self.secondary_opts.append(off)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Show the present names only."""
        every = self.opts, self.secondary_opts
        self.opts, self.secondary_opts = self._shown
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts, self.secondary_opts = every
