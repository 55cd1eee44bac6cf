"""The shell scripts that look up, receive and verify files on a phone.

They run on mksh with toybox, and on the toolbox of Android 6; no single quotes, so that
quoting them for the way costs nothing.
"""

from __future__ import annotations

from typing import Literal

from pocketbench.devices.android.shell.shell import FOLDER

Found = Literal["present", "preinstalled", "missing"]

OBJECTS = f"{FOLDER}/objects"
INCOMING = f"{FOLDER}/incoming"
MARKERS = (".verified", ".preinstalled", ".used")
NO_FOLDER = 97
"""Exit code of a script that could not enter its folder."""

LOOK_UP = f"""
[ -d {OBJECTS} ] || mkdir -p {OBJECTS}
cd {OBJECTS} || exit {NO_FOLDER}
for left in {INCOMING}/*; do
  if [ -e "$left" ]; then rm -rf {INCOMING}; fi
  break
done
count=$#
for file in "$@"; do
  folder=${{file%%/*}}
  if [ ! -f "$file" ]; then found=missing
  elif [ -e "$folder/.preinstalled" ]; then found=preinstalled
  elif [ -e "$folder/.verified" ]; then found=present
  else found=missing; fi
  if [ -x "$file" ]; then echo "$found x"; else echo "$found -"; fi
  if [ "$found" != missing ]; then
    set -- "$@" "$file"
    {{ echo >"$folder/.used"; }} 2>/dev/null
  fi
done
shift $count
if [ $# -gt 0 ]; then stat -L -c %s "$@" 2>/dev/null || wc -c "$@"; fi
""".strip()
"""For paths `<sha256>/<name>`: a line each with what its marker says and whether it
can be executed, then the sizes of those that are not missing. One process in all.
Each that is there is marked as used now. What a push left that was killed is removed,
for when nothing is missing, no push does it."""

EMPTY_INCOMING = f"rm -rf {INCOMING} && mkdir -p {INCOMING}"

_SET_MODE = """
set_mode() {
  if [ -x "$sent" ]; then has=755; else has=644; fi
  [ $has = $mode ] || chmod $mode "$sent"
}
""".strip()

_TAKE = f"""
  folder={OBJECTS}/$sha
  if [ "$sum" != "$want" ]; then echo "bad $how $sum"
  elif set_mode && mkdir -p "$folder" && mv -f "$sent" "$folder/$name" &&
    echo $how >"$folder/.verified"; then echo "ok $how"
  else echo failed; fi
""".strip()

ACCEPT = f"""
{_SET_MODE}
cd {INCOMING} || exit {NO_FOLDER}
while [ $# -gt 0 ]; do
  sent=$1 sha=$2 name=$3 size=$4 mode=$5 md5=$6; shift 6
  how=sha256 want=$sha; sum=$(sha256sum "$sent" 2>/dev/null); sum=${{sum%% *}}
  if [ -z "$sum" ] && [ "$md5" != - ]; then
    how=md5 want=$md5; sum=$(md5sum "$sent" 2>/dev/null); sum=${{sum%% *}}
    if [ -z "$sum" ]; then
      how=size want=$size; sum=$(stat -c %s "$sent" 2>/dev/null || wc -c <"$sent")
    fi
  fi
  {_TAKE}
done
""".strip()
"""For each file that was sent, six arguments: its name among the incoming, sha256,
final name, size, mode, md5 or `-`. Answers `ok HOW`, `bad HOW SUM` or `failed`."""

READY = "ready"
ALL_SENT = "end"
"""Name of an empty file that is sent after all others."""

# The phone reads a file back while it is written: `cat` goes on in it where the one
# before stopped, for they have one file description, until the next file is there. adbd
# takes one file after the other, so by then this one has its last byte, mode and time.
# A sum that is wrong is taken again from the whole file.
#
# It waits by reading, with a time limit (142 when it is over), from a host that writes
# one line when all has been sent: that starts no process, and ends when the host goes
# away. The dot then ends the shell, which learns only by writing that nobody hears it.
#
# What comes is more urgent than what is read back, so all of this steps aside.
VERIFY_WHILE_SENT = f"""
exec 3>&1 4<&0
{_SET_MODE}
rm -rf {INCOMING} && mkdir -p {INCOMING} && cd {INCOMING} || exit {NO_FOLDER}
renice -n 10 $$ >/dev/null 2>&1
echo {READY}
wait_a_little() {{
  read -t 0.1 answer <&4
  case $? in 0|142) ;; *) echo . >&3; sleep 0.1 2>/dev/null || sleep 1 ;; esac
}}
follow() {{
  while :; do
    if [ -e "$next" ]; then whole=1; else whole=0; fi
    cat
    if [ $whole = 1 ]; then break; fi
    wait_a_little
  done
  if [ ! "$sent" -ef /proc/self/fd/0 ]; then echo replaced; fi
}}
while [ $# -gt 0 ]; do
  sent=$1 sha=$2 name=$3 size=$4 mode=$5 next=${{6:-{ALL_SENT}}}; shift 5
  how=sha256 want=$sha sum=
  while [ ! -e "$sent" ]; do wait_a_little; done
  if [ ! -e "$next" ]; then
    sum=$(follow <"$sent" | sha256sum); sum=${{sum%% *}}
  fi
  if [ "$sum" != "$sha" ]; then sum=$(sha256sum "$sent"); sum=${{sum%% *}}; fi
  has=$(stat -c %s "$sent" 2>/dev/null || wc -c <"$sent")
  if [ "$has" != "$size" ]; then how=size want=$size sum=$has; fi
  {_TAKE}
done
rm -f {ALL_SENT}
""".strip()
"""Started before files are sent, with five arguments each: as for `ACCEPT`, without
md5. Prints `ready` when they may come, then as `ACCEPT` does, and dots in between."""


def parse_look_up(output: str, wanted: list[tuple[int, bool]]) -> list[Found] | None:
    """What the phone has; `None` when it did not answer as the script does.

    Args:
        output: Of `LOOK_UP`.
        wanted: Size in bytes and whether it must be executable, of each file asked for.
    """
    lines = output.splitlines()
    if len(lines) < len(wanted):
        return None
    # `wc` prints the name after the size, and the sum of all in the end.
    sizes = iter([line.split()[0] for line in lines[len(wanted) :] if line.strip()])
    found: list[Found] = []
    for (size_bytes, must_execute), line in zip(wanted, lines, strict=False):
        word, _, flag = line.partition(" ")
        if word not in ("present", "preinstalled", "missing"):
            return None
        has_size = word != "missing" and next(sizes, "") == str(size_bytes)
        if has_size and word == "preinstalled":
            found.append("preinstalled")
        elif has_size and (flag == "x" or not must_execute):
            found.append("present")
        else:
            found.append("missing")
    return found
