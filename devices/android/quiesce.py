"""Quiesce a phone without root, and restore every setting.

The original of each setting is written down on the phone before it is changed, so that
a run which was killed leaves a record from which the next one restores.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from pocketbench.bench.errors import DeviceUnavailableError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.conditions.settings_record import (
    BOOT_ID,
    FIXED_PERFORMANCE,
    FOLDER,
    PATH,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocketbench.bench.records.device import CommandResult, ScreenWish

STILL = {
    "global.window_animation_scale": "0",
    "global.transition_animation_scale": "0",
    "global.animator_duration_scale": "0",
}
AWAKE = {
    "global.stay_on_while_plugged_in": "7",
    "system.screen_off_timeout": "86400000",
}
"""7: on a charger, on USB and on a wireless pad; a day in milliseconds for a phone that
runs on its battery."""

TIMEOUT_S = 30.0
"""Each `settings` starts a program in Java on phones before Android 8."""

_SCREEN = "screen"
_WAKEFULNESS = "dumpsys power </dev/null 2>/dev/null | grep -m 1 mWakefulness="

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
{_SCREEN})
case $v in on) k=WAKEUP;; *) k=SLEEP;; esac
input keyevent KEYCODE_$k </dev/null >/dev/null 2>&1 && echo "back $n $v" || bad=1;;
global.* | system.*)
s=${{n%%.*}}
case $v in
null) settings delete $s ${{n#*.}} </dev/null >/dev/null 2>&1;;
*) settings put $s ${{n#*.}} "$v" </dev/null >/dev/null 2>&1;;
esac && echo "back ${{n#*.}} $v" || bad=1;;
esac
done <$f
[ -n "$bad" ] || rm -f $f
}}
"""

RESTORE = f"{_PUT_BACK}put_back\n[ -e $f ] || echo restored\n"
"""Prints `back NAME VALUE` for each; keeps the record when something failed."""

_CHANGE = f"""\
mkdir -p {FOLDER} || exit 1
[ -e $f ] || {{ read -r b <{BOOT_ID}; echo "boot_id=$b" >$f || exit 1; }}
change() {{
v=$(settings get $1 $2 </dev/null 2>/dev/null) || return
case $v in "" | "$3" | *[!0-9.a-z]*) return;; esac
echo "$1.$2=$v" >>$f || return
settings put $1 $2 $3 </dev/null >/dev/null 2>&1 && echo "set $2 $v $3"
}}
press() {{
echo "{_SCREEN}=$2" >>$f || return
input keyevent KEYCODE_$1 </dev/null >/dev/null 2>&1 && echo "set {_SCREEN} $2 $3"
}}
"""

# A keyguard that asks for a secret stays; behind any other one an app could run.
_SCREEN_ON = f"""\
case $({_WAKEFULNESS}) in *=Awake*) ;; *=*)
press WAKEUP off on
wm dismiss-keyguard </dev/null >/dev/null 2>&1;; esac
"""
_SCREEN_OFF = f"""\
case $({_WAKEFULNESS}) in *=Awake*) press SLEEP on off;; esac
"""

_FIX_PERFORMANCE = f"""\
echo {FIXED_PERFORMANCE}=false >>$f
if cmd power set-fixed-performance-mode-enabled true </dev/null >/dev/null 2>&1
then echo "set {FIXED_PERFORMANCE} false true"
else grep -v ^{FIXED_PERFORMANCE}= $f >$f.new; mv -f $f.new $f; fi
"""


def quiesce_script(screen: ScreenWish = "on") -> str:
    """For `sh -c`: put back what an earlier run left, then quiesce the phone.

    Prints `set NAME WAS IS` for each. Every original is on record before its setting
    is changed.
    """
    wanted = STILL | AWAKE if screen == "on" else STILL
    lines = [
        f"change {space} {name} {value}"
        for (space, _, name), value in (
            (key.partition("."), value) for key, value in wanted.items()
        )
    ]
    return "".join(
        (
            _PUT_BACK,
            "put_back\n",
            _CHANGE,
            "\n".join(lines),
            "\n",
            {"on": _SCREEN_ON, "off": _SCREEN_OFF, "leave": ""}[screen],
            _FIX_PERFORMANCE,
        )
    )


_TOLD = re.compile(rb"^(back|set) ([a-z_]+) (\S+)(?: (\S+))?\r?$", re.M)

Run: TypeAlias = "Callable[[Sequence[str]], CommandResult]"


def quiesce_phone(run: Run, screen: ScreenWish = "on") -> tuple[str, ...]:
    """Keep it awake, its animations off, its clocks where it can hold them.

    Nothing here needs root; what a phone refuses is left as it is. Returns in words
    what was changed, and what an earlier run that was killed had left to be put back.

    Args:
        run: Runs a command on the phone.
        screen: `on` wakes it and keeps it awake, `off` puts it to sleep, `leave`
            does neither.
    """
    return _words(run(["sh", "-c", quiesce_script(screen)]))


def restore_phone(run: Run) -> tuple[bool, tuple[str, ...]]:
    """Put every changed setting back; return whether all are, and in words which."""
    done = run(["sh", "-c", RESTORE])
    return b"restored" in done.stdout.splitlines()[-1:], _words(done)


def originals_needed(device_id: str) -> DeviceUnavailableError:
    """Refuse to remove the record of what could not be put back."""
    return DeviceUnavailableError(
        device_id,
        "settings that a run has changed cannot be put back, so their originals, "
        "which are stored on the phone, were not removed",
        "Unlock the phone, see that it stays connected, and try again; or put back by "
        f"hand what {PATH} lists, and remove that file",
        FailureReason.NO_PERMISSION,
    )


def _words(done: CommandResult) -> tuple[str, ...]:
    found = []
    for what, name, first, second in _TOLD.findall(done.stdout):
        key, value = name.decode(), first.decode("utf-8", "replace")
        if what == b"back":
            found.append(f"{key} back to {value}")
        else:
            found.append(f"{key} {second.decode('utf-8', 'replace')} (was {value})")
    return tuple(found)
