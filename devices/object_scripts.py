"""The shell scripts that look up, receive and verify files on a phone.

They run on mksh with toybox, and on the toolbox of Android 6; no single quotes, so that
quoting them for the way costs nothing.
"""

from __future__ import annotations

from typing import Literal

from devices.adb_shell import FOLDER

Found = Literal["present", "preinstalled", "missing"]

OBJECTS = f"{FOLDER}/objects"
INCOMING = f"{FOLDER}/incoming"
MARKERS = (".verified", ".preinstalled")
NO_FOLDER = 97
"""Exit code of a script that could not enter its folder."""

LOOK_UP = f"""
mkdir -p {OBJECTS} && cd {OBJECTS} || exit {NO_FOLDER}
count=$#
for file in "$@"; do
  folder=${{file%%/*}}
  if [ ! -f "$file" ]; then found=missing
  elif [ -e "$folder/.preinstalled" ]; then found=preinstalled
  elif [ -e "$folder/.verified" ]; then found=present
  else found=missing; fi
  if [ -x "$file" ]; then echo "$found x"; else echo "$found -"; fi
  if [ "$found" != missing ]; then set -- "$@" "$file"; fi
done
shift $count
if [ $# -gt 0 ]; then stat -L -c %s "$@" 2>/dev/null || wc -c "$@"; fi
""".strip()
"""For paths `<sha256>/<name>`: a line each with what its marker says and whether it
can be executed, then the sizes of those that are not missing. One process in all."""

EMPTY_INCOMING = f"rm -rf {INCOMING} && mkdir -p {INCOMING}"

ACCEPT = f"""
cd {INCOMING} || exit {NO_FOLDER}
while [ $# -gt 0 ]; do
  sent=$1 sha=$2 name=$3 md5=$4 size=$5 mode=$6; shift 6
  how=sha256 want=$sha; sum=$(sha256sum "$sent" 2>/dev/null); sum=${{sum%% *}}
  if [ -z "$sum" ] && [ "$md5" != - ]; then
    how=md5 want=$md5; sum=$(md5sum "$sent" 2>/dev/null); sum=${{sum%% *}}
    if [ -z "$sum" ]; then
      how=size want=$size; sum=$(stat -c %s "$sent" 2>/dev/null || wc -c <"$sent")
    fi
  fi
  folder={OBJECTS}/$sha
  if [ "$sum" != "$want" ]; then echo "bad $how $sum"
  elif mkdir -p "$folder" && chmod $mode "$sent" && mv -f "$sent" "$folder/$name" &&
    echo $how >"$folder/.verified"; then echo "ok $how"
  else echo failed; fi
done
""".strip()
"""For each file that was sent, six arguments: its name among the incoming, sha256,
final name, md5 or `-`, size, mode. Answers `ok HOW`, `bad HOW SUM` or `failed`."""


def parse_look_up(output: str, wanted: list[tuple[int, bool]]) -> list[Found] | None:
    """What the phone has; `None` when it did not answer as the script does.

    Args:
        output: Of `LOOK_UP`.
        wanted: Size in bytes and whether it must be executable, of each file asked for.
    """
    lines = output.splitlines()
    if len(lines) < len(wanted):
        return None
    # `wc` tells the name after the size, and the sum of all in the end.
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
