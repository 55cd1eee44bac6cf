"""The script that measures on a phone which no computer reaches, and its phone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pocketbench.devices.android.identity import (
    IDENTITY_SCRIPT,
    device_info,
    parse_properties,
    parse_sections,
    serial_number,
)
from pocketbench.devices.android.shell.quoting import quote, quote_all
from pocketbench.devices.conditions.probe import compose_probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.records.device import DeviceFile, DeviceInfo
    from pocketbench.bench.records.plan import CooldownLimits
    from pocketbench.bench.records.runner import Command

_HEAD = """\
#!/system/bin/sh
# Measures on this phone without a computer: sh run.sh [RESULTS]
# Written by pocketbench; read the results back with `pocketbench ingest`.
case $0 in */*) cd "${0%/*}" || exit 1 ;; esac
results=${1:-results.jsonl}
if [ -e "$results" ]; then
  echo "$results is there already: pull it and remove it, or name another" >&2
  exit 2
fi
N='
'
ended=' '
failed=' '
check() {
  chmod 755 "$2" 2>/dev/null
  sum=$(sha256sum "$2" 2>/dev/null)
  case ${sum%% *} in
  "$1") return ;;
  '') [ -f "$2" ] && return ;;
  esac
  echo "$2 is damaged or missing: unpack the bundle again" >&2
  exit 1
}
encoded() { base64 -w 0; }
if [ "$(echo hi | encoded)" != aGkK ]; then
  echo "this phone has no base64 program that prints one line" >&2
  exit 1
fi
"""

# An obstacle is a line; the rules are those of bench/conditions/cooldown_rules.py
# without the spin probe. Temperatures are tenths of a degree: shells have no fractions.
_COOLDOWN = """\
tenths() {
  n=${1%%.*}; d=${1#"$n"}; d=${d#.}0; n=$n${d%"${d#?}"}
  case $n in ''|*[!0-9-]*) return 1 ;; esac
}
clocks() {
  for f in /sys/devices/system/cpu/cpufreq/policy[0-9]*/scaling_max_freq; do
    if [ -r "$f" ] && read -r x <"$f"; then echo "$f=$x"; fi
  done
}
obstacles() { (
  t=$(dumpsys thermalservice 2>/dev/null)
  skin='mType=3,'; case $t in *Sdhms*) skin='mType=4,' ;; esac
  status=0 pinned= part= now= limit=
  IFS=$N; set -f
  for l in $t; do
    case $l in
    *'IsStatusOverride: true'*) pinned=1 ;;
    *'Thermal Status: '[0-6]*) status=${l##*Status: } ;;
    *'Current temperatures'*) part=now ;;
    *'Cached temperatures'*|*'Current cooling'*) part= ;;
    *'static thresholds'*) part=limits ;;
    *'Temperature{mValue='*"$skin"*)
      v=${l#*mValue=}
      if [ "$part" = now ] && tenths "${v%%,*}" && [ "$n" != 00 ]; then
        [ "$n" -gt "${now:--9999}" ] && now=$n
      fi ;;
    *'TemperatureThreshold{'*"$skin"*|*'.type = SKIN'*)
      v=${l#*otThrottlingThresholds*[[]}; v=${v%%]*}; v=${v#*,}
      IFS=', '
      for x in $v; do
        if tenths "$x" && [ "$n" != 00 ]; then
          [ "$n" -lt "${limit:-9999}" ] && limit=$n
        fi
      done
      IFS=$N ;;
    esac
  done
  if [ "$status" -gt 0 ] && [ -z "$pinned" ]; then echo "thermal status $status"; fi
  if [ -n "$highest" ]; then limit=$highest
  elif [ -n "$limit" ]; then limit=$((limit - margin))
  else limit=$usual; fi
  if [ -n "$now" ] && [ "$now" -gt "$limit" ]; then
    echo "skin at $now, $limit is wanted (tenths of a degree C)"
  fi
  for pair in $capped_from_start; do
    if read -r x <"${pair%=*}" && [ "$x" -lt "${pair#*=}" ]; then
      echo "clocks capped to $x kHz"
    fi
  done 2>/dev/null
) }
settle() {
  settled=true waited=0 pause=$first_wait
  while :; do
    why=$(obstacles)
    [ -z "$why" ] && return
    if [ $waited -ge $max_wait ]; then settled=false; return; fi
    echo "cooling down for $pause s:" $why
    sleep $pause
    waited=$((waited + pause)) pause=$step
  done
}
"""

# Some phones' `timeout` reports other exit codes than the program's. What is waited for
# in the background ends with what waits for it.
#
# Files, not variables: a program's arguments hold 128 KB, its output may be more.
_LAUNCH = """\
if [ -n "$KSH_VERSION" ]; then set +o bgnice; fi
limited() {
  "$@" </dev/null &
  pid=$!
  (
    trap 'kill $timer; exit' TERM
    sleep $limit & timer=$!
    wait $timer
    kill $pid; sleep 5; kill -9 $pid
  ) >/dev/null 2>&1 &
  watcher=$!
  wait $pid
  code=$?
  kill $watcher 2>/dev/null
  return $code
}
launch() {
  conditions >before 2>/dev/null
  at=$(date +%s)
  read -r began rest </proc/uptime
  "run_$1" >out 2>err
  code=$?
  read -r done rest </proc/uptime
  conditions >after 2>/dev/null
  {
    printf '{"record":"bundle_launch","variant":%s,"block":%s,"attempt":%s,' \\
      "$1" "$block" "$attempt"
    printf '"position":%s,"started_s":%s,"began_s":%s,"ended_s":%s,' \\
      "$position" "$at" "$began" "$done"
    printf '"exit_code":%s,"is_settled":%s,"stdout":"' "$code" "$settled"
    encoded <out; printf '","stderr":"'; encoded <err
    printf '","before":"'; encoded <before; printf '","after":"'; encoded <after
    printf '"}\\n'
  } >>"$results" || { echo "$results cannot be written" >&2; exit 1; }
  echo "block $block: variant $1 ended with $code"
  if [ $code = 0 ]; then return 0; fi
  case $failed in *" $1 "*) ended="$ended$1 " ;; esac
  failed="$failed$1 "
  return 1
}
block() {
  block=$1; shift
  attempt=0
  while [ $attempt -lt $tries ]; do
    settle
    position=0 whole=1
    for v in "$@"; do
      case $ended in *" $v "*) continue ;; esac
      if ! launch "$v"; then whole=0; break; fi
      position=$((position + 1))
    done
    if [ $whole = 1 ]; then return; fi
    attempt=$((attempt + 1))
  done
}
"""

_ALWAYS_SETTLED = "settle() { settled=true; }\n"


def compose_script(
    commands: Sequence[Command],
    order: Sequence[tuple[int, Sequence[int]]],
    *,
    objects: Sequence[DeviceFile],
    limits: CooldownLimits,
    timeout_s: float,
    tries: int,
    token: str,
) -> str:
    """The whole script, for mksh with toybox; `plan.json` lies beside it.

    Args:
        commands: Of one launch of each variant, with paths relative to the script.
        order: Each block's number and its variants, by their place in `commands`.
        objects: Files to verify before anything starts.
        limits: What is too hot, and how long that is waited for.
        timeout_s: Of one launch.
        tries: How often a block is begun at most.
        token: Of the probe; from `new_token`.
    """
    runs = "".join(
        f"run_{number}() {{ limited {_words(command)}; }}\n"
        for number, command in enumerate(commands)
    )
    checks = "".join(f"check {x.sha256} {quote(x.remote_path)}\n" for x in objects)
    first = order[0][1] if limits.is_on and order else ()
    warm_up = "".join(f"run_{n} >out 2>err\n" for n in first)
    if warm_up:
        warm_up = f"echo 'warming up with a block that is not kept'\n{warm_up}"
    blocks = "".join(f"block {n} {' '.join(map(str, ids))}\n" for n, ids in order)
    return (
        f"{_HEAD}tries={tries}\nlimit={math.ceil(timeout_s)}\n{_limits(limits)}"
        f"conditions() {{ (\n{compose_probe(token)}) }}\n"
        f"{_COOLDOWN if limits.is_on else _ALWAYS_SETTLED}{_LAUNCH}{runs}{checks}"
        'cat plan.json >"$results" || exit 1\n'
        f"identity() {{ (\n{IDENTITY_SCRIPT}) }}\n"
        '{ printf \'{"record":"bundle_phone","identity":"\'\n'
        'identity 2>/dev/null | encoded; printf \'"}\\n\'; } >>"$results"\n'
        f"{warm_up}{'capped_from_start=$(clocks)' if limits.is_on else ':'}\n{blocks}"
        'printf \'{"record":"bundle_ended","ended_s":%s}\\n\' "$(date +%s)" '
        '>>"$results"\n'
        "rm -f out err before after\n"
        'echo "finished: pull $results and read it with pocketbench ingest"\n'
    )


def read_phone(identity: bytes) -> DeviceInfo:
    """The phone that printed this."""
    sections = parse_sections(identity)
    properties = parse_properties(sections.get("getprop", ""))
    serial = serial_number(properties) or "bundle"
    return device_info(
        sections, device_id=f"android:{serial}", family="android", serial=serial
    )


def _words(command: Command) -> str:
    variables = [f"{name}={value}" for name, value in command.env.items()]
    return quote_all([*(["env", *variables] if variables else []), *command.argv])


def _limits(limits: CooldownLimits) -> str:
    highest = limits.max_temperature_c
    values = {
        "highest": "" if highest is None else round(highest * 10),
        "margin": round(limits.margin_c * 10),
        "usual": round(limits.usual_temperature_c * 10),
        "first_wait": math.ceil(limits.first_wait_s),
        "step": math.ceil(limits.step_s),
        "max_wait": math.ceil(limits.max_wait_s),
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())
