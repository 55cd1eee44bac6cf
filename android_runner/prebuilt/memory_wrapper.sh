# Samples the memory of a program that reports none: sh -c THIS NAME TOKEN INTERVAL PROGRAM ARG...
# The program takes this shell's own place and pid, so that its input, output, exit
# code and signals are nobody else's; the sampler looks on from a process of its own
# and writes what it saw, each line after TOKEN, to stderr when the program has ended.
set -f
token=$1 interval=$2
shift 2

# mksh, Android's shell, can wait and read a file without starting a process: it
# waits in vain for words of a sleeping companion.
companion() {
  eval 'sleep 3600 |&' || return 1
  asleep=$!
  exec 5<&p
}
pause() {
  if [ -z "$asleep" ]; then sleep "$interval" || sleep 1; return 0; fi
  read -r -u5 -t "$interval" nothing
  # Above 128 the time ran out, as it should; else the companion has ended.
  [ $? -gt 128 ] || companion || asleep=
}
look() {
  hwm= rss= swap=0 key=
  if [ -n "$asleep" ]; then
    # Word by word: cutting a long text with ${text#*word} takes ten times as long.
    for word in $(</proc/$program/status); do
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
sampler() {
  asleep= count=0 changes=0 before= lines=
  case $KSH_VERSION in *MIRBSD*) companion ;; esac
  while pause; look; do
    count=$((count + 1))
    if [ "$seen" != "$before" ] && [ $changes -lt 2000 ]; then
      read -r uptime nothing </proc/uptime
      changes=$((changes + 1)) before=$seen lines="$lines
$token $uptime $seen"
    fi
  done
  if [ -n "$asleep" ]; then kill "$asleep"; fi
  echo >&4
  echo "$token count $count$lines" >&4
  # What this cost: exactly where the kernel says so, then in the shell's ticks for
  # this process and for the sleepers it started where the shell cannot wait.
  if read -r ran nothing </proc/self/schedstat; then echo "$token ran $ran" >&4; fi
  echo "$token times" >&4
  times >&4
}
program=$$
(sampler 4>&2 2>/dev/null </dev/null >/dev/null &)
exec "$@"
