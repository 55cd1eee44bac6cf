# Samples the memory of a program that reports none: sh -c THIS NAME TOKEN INTERVAL PROGRAM ARG...
# The program takes this shell's own place and pid, so that its input, output, exit
# code and signals are nobody else's; the sampler looks on from a process of its own
# and writes what it saw, each line after TOKEN, to stderr when the program has ended.
# It learns of that end at once: the program holds the writing end of a pipe, of which
# the sampler then reads the end.
set -f
token=$1 interval=$2
shift 2

look() {
  hwm= rss= swap=0 key= text=
  if [ -n "$reads_at_once" ]; then
    eval "$reads_at_once"
    # Word by word: cutting a long text with ${text#*word} takes ten times as long.
    for word in $text; do
      case $key in
        VmHWM:) hwm=$word ;;
        VmRSS:) rss=$word ;;
        VmSwap:) swap=$word; break ;;
      esac
      key=$word
    done
  else
    while read -r key word nothing; do
      case $key in
        VmHWM:) hwm=$word ;;
        VmRSS:) rss=$word ;;
        VmSwap:) swap=$word; break ;;
      esac
    done </proc/$program/status
  fi
  # A process that has ended and was not yet waited for has no memory.
  [ -n "$hwm" ] && [ -n "$rss" ] || return 1
  seen="$hwm $rss $swap"
}
# Waits; fails when the program has ended. Reading with a time limit starts no process.
pause() {
  if [ -n "$reads_with_limit" ]; then
    read -r -t "$interval" nothing <&5
    # Above 128 the time ran out, as it should; else the pipe has ended.
    [ $? -gt 128 ]
    return
  fi
  [ -n "$is_over" ] && return 1
  sleep "$interval" 4>&- 5<&- &
  asleep=$!
  wait $asleep
  [ -z "$is_over" ]
}
sampler() {
  # Not by a redirection of the function, which would keep a copy of it.
  exec 9>&-
  is_over= asleep= count=0 changes=0 before= lines=
  watcher=
  if [ -n "$has_pipe" ] && [ -z "$reads_with_limit" ] && read -r sampling nothing </proc/self/stat; then
    trap 'is_over=1; kill $asleep' USR1
    (read -r nothing <&5; kill -USR1 $sampling) 4>&- &
    watcher=$!
  fi
  while pause && look; do
    count=$((count + 1))
    if [ "$seen" != "$before" ] && [ $changes -lt 2000 ]; then
      read -r uptime nothing </proc/uptime
      changes=$((changes + 1)) before=$seen lines="$lines
$token $uptime $seen"
    fi
  done
  if [ -n "$watcher" ]; then trap '' USR1; kill $watcher; fi
  echo >&4
  echo "$token count $count$lines" >&4
  # What this cost: exactly where the kernel says so, then in the shell's ticks for
  # this process and for the sleepers it started where the shell cannot wait.
  if read -r ran nothing </proc/self/schedstat; then echo "$token ran $ran" >&4; fi
  echo "$token times" >&4
  times >&4
}
program=$$ has_pipe=1 is_mksh= reads_with_limit= reads_at_once=
case $KSH_VERSION in
  *MIRBSD*) is_mksh=1 reads_with_limit=1 reads_at_once='text=$(</proc/$program/status)' ;;
esac
# In bash $(<...) is a process, and `read` asks the kernel again for each line.
case $BASH_VERSION in
  [4-9]* | [1-9][0-9]*)
    reads_with_limit=1
    reads_at_once='mapfile -t all </proc/$program/status && text=${all[*]}' ;;
esac
if [ -n "$is_mksh" ]; then
  # A coprocess is mksh's only way to a pipe. It waits until the pipe is ours, and is
  # waited for: the program shall have no child that it does not know.
  eval '{ read -r nothing; exec 5<&0; (sampler 4>&2 2>/dev/null </dev/null >/dev/null &); } |&'
  exec 8>&p
  echo >&8
  wait
  exec "$@" 9>&8
fi
pipe=${TMPDIR:-/tmp}/pocketbench-memory-$$
if mkfifo "$pipe" 2>/dev/null; then
  exec 9<>"$pipe" 5<"$pipe"
  rm -f "$pipe"
else
  # Without a pipe the end is seen at the next look.
  has_pipe= reads_with_limit=
fi
(sampler 4>&2 2>/dev/null </dev/null >/dev/null &)
exec "$@" 5<&-
