"""Quieting a phone without root, and putting every setting back.

The original of each setting is written down on the phone before it is changed, so that
a run which was killed leaves a record from which the next one restores.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from devices.conditions.settings_record import (
    BOOT_ID,
    FIXED_PERFORMANCE,
    FOLDER,
    PATH,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.device import CommandResult

STAY_AWAKE = "stay_on_while_plugged_in"
WANTED = {
    STAY_AWAKE: "7",
    "window_animation_scale": "0",
    "transition_animation_scale": "0",
    "animator_duration_scale": "0",
}
"""Of the global settings. 7: awake on a charger, on USB and on a wireless pad."""

TIMEOUT_S = 30.0
"""Each `settings` starts a program in Java on phones before Android 8."""

_PUT_BACK = f"""\
f={PATH}
put_back() {{
[ -e $f ] || return 0
seen= bad=
while IFS= read -r line; do
n=${{line%%=*}} v=${{line#*=}}
case " $seen " in *" $n "*) continue;; esac
seen="$seen $n"
case $n in
{FIXED_PERFORMANCE})
cmd power set-fixed-performance-mode-enabled false </dev/null >/dev/null 2>&1;;
global.*)
case $v in
null) settings delete global ${{n#global.}} </dev/null >/dev/null 2>&1;;
*) settings put global ${{n#global.}} "$v" </dev/null >/dev/null 2>&1;;
esac && echo "back ${{n#global.}} $v" || bad=1;;
esac
done <$f
[ -n "$bad" ] || rm -f $f
}}
"""

RESTORE = f"{_PUT_BACK}put_back\n"
"""Prints `back NAME VALUE` for each; keeps the record when something failed."""

QUIET = f"""\
{_PUT_BACK}put_back
mkdir -p {FOLDER} || exit 1
[ -e $f ] || {{ read -r b <{BOOT_ID}; echo "boot_id=$b" >$f || exit 1; }}
change() {{
v=$(settings get global $1 </dev/null 2>/dev/null) || return
case $v in "" | "$2" | *[!0-9.a-z]*) return;; esac
echo "global.$1=$v" >>$f || return
settings put global $1 $2 </dev/null >/dev/null 2>&1 && echo "set $1 $v $2"
}}
{chr(10).join(f"change {name} {value}" for name, value in WANTED.items())}
echo {FIXED_PERFORMANCE}=false >>$f
if cmd power set-fixed-performance-mode-enabled true </dev/null >/dev/null 2>&1
then echo "set {FIXED_PERFORMANCE} false true"
else grep -v ^{FIXED_PERFORMANCE}= $f >$f.new; mv -f $f.new $f; fi
"""
"""Puts back what an earlier run left, then quiets; prints `set NAME WAS IS`."""

_TOLD = re.compile(rb"^(back|set) ([a-z_]+) (\S+)(?: (\S+))?\r?$", re.M)

Run: TypeAlias = "Callable[[Sequence[str]], CommandResult]"


def quiet_phone(run: Run) -> tuple[str, ...]:
    """Keep it awake, its animations off, its clocks where it can hold them.

    Nothing here needs root; what a phone refuses is left as it is. Tells in words what
    was changed, and what an earlier run that was killed had left to be put back.
    """
    return _words(run(["sh", "-c", QUIET]))


def restore_phone(run: Run) -> tuple[str, ...]:
    """Put every changed setting back; tells in words which."""
    return _words(run(["sh", "-c", RESTORE]))


def _words(done: CommandResult) -> tuple[str, ...]:
    found = []
    for what, name, first, second in _TOLD.findall(done.stdout):
        key, value = name.decode(), first.decode("utf-8", "replace")
        if what == b"back":
            found.append(f"{key} back to {value}")
        else:
            found.append(f"{key} {second.decode('utf-8', 'replace')} (was {value})")
    return tuple(found)
