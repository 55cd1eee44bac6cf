"""What of simulated phones can be had on this computer."""

from __future__ import annotations

from pocketbench.bench.errors import ToolMissingError
from pocketbench.bench.records.doctor_report import Check
from pocketbench.devices.simulated import profile
from pocketbench.devices.simulated.driver import why_not
from pocketbench.devices.simulated.phone import tools, translator

_PHONES = "simulated phones"


def check_tools() -> tuple[Check, ...]:
    """Namespaces, a phone's shell and commands, the translator of ARM programs."""
    try:
        remedy = why_not()
        found = tools.find()
    except ToolMissingError as error:
        return (
            Check(
                name=_PHONES,
                needed_for="trying everything without a phone",
                is_there=False,
                fact=error.fact,
                remedy=error.next_step,
            ),
        )
    has_box = found.box is not None and found.box.name == "toybox"
    return (
        Check(
            name="user namespaces",
            needed_for=_PHONES,
            is_there=remedy is None,
            fact="allowed" if remedy is None else "forbidden by this kernel",
            remedy=remedy,
        ),
        _stand_in(
            "mksh",
            str(found.shell),
            is_there=found.shell_name == "mksh",
            instead=found.shell_name,
        ),
        _stand_in(
            "toybox",
            str(found.box),
            is_there=has_box,
            instead=found.box.name if found.box else "this computer's own programs",
        ),
        _translator(),
    )


def _stand_in(name: str, path: str, *, is_there: bool, instead: str) -> Check:
    return Check(
        name=name,
        needed_for="simulated phones whose shell is a phone's",
        is_there=is_there,
        fact=path if is_there else f"{instead} stands in for it",
        remedy=None if is_there else f"Install it: apt install {name}",
    )


def _translator() -> Check:
    translated = (profile.load(name) for name in profile.names())
    wanted = next((p for p in translated if translator.is_translated(p)), None)
    if wanted is None:
        return Check(
            name="qemu",
            needed_for="simulated phones with ARM programs",
            is_there=True,
            fact="not needed: this computer runs them itself",
        )
    try:
        found = translator.find(wanted)
    except ToolMissingError as error:
        return Check(
            name="qemu",
            needed_for=f"the simulated phone {wanted.name}",
            is_there=False,
            fact=error.fact,
            remedy=error.next_step,
        )
    return Check(
        name="qemu",
        needed_for=f"the simulated phone {wanted.name}",
        is_there=True,
        fact=found.description if found else "",
    )
