#!/usr/bin/env bash
# demo.sh [start|stop|selftest]
#   start      (default) builds, starts a gateway in artifacts/demo, writes and reads a key through
#              redis-cli, and says what to type next. Run it again: it finds the one that runs.
#   stop       stops it
#   selftest   start, start again, stop, in a folder of its own; for CI
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
. scripts/lib/workdir.sh

REDIS_PORT="${NOKV_DEMO_PORT:-6380}"
METRICS_PORT="${NOKV_DEMO_METRICS_PORT:-9100}"

# show COMMAND...: prints the command as one would type it, and its reply.
show() {
  local reply word typed=""
  reply="$("$@")" || die "'$*' failed"
  for word in "$@"; do
    if [[ "$word" == *' '* ]]; then word="\"$word\""; fi
    typed+=" $word"
  done
  printf '  $%s\n  %s\n' "$typed" "$reply"
}

start() {
  local wanted="$REDIS_PORT" pid
  scripts/build.sh nokv-redis nokv
  say
  if pid="$(workdir_pid)"; then
    read -r REDIS_PORT METRICS_PORT <"$WORKDIR/gateway.ports"
    say "A gateway already runs on 127.0.0.1:$REDIS_PORT (pid $pid)."
  else
    workdir_start
    pid="$(workdir_pid)"
    if [[ "$REDIS_PORT" != "$wanted" ]]; then
      say "Port $wanted is taken, so this gateway has $REDIS_PORT."
    fi
    say "A gateway runs on 127.0.0.1:$REDIS_PORT (pid $pid)."
  fi
  say
  show redis-cli -p "$REDIS_PORT" SET greeting "hello, nokv"
  show redis-cli -p "$REDIS_PORT" GET greeting
  [[ "$(redis-cli -p "$REDIS_PORT" GET greeting)" == "hello, nokv" ]] ||
    die "the gateway did not return what was written"
  say
  say "Next:"
  printf '  %-52s %s\n' "redis-cli -p $REDIS_PORT" "talk to it" \
    "build/bin/nokv stats --expvar http://127.0.0.1:$METRICS_PORT" "look inside" \
    "make stop" "stop it; data stays in $WORKDIR/data"
}

stop() {
  local pid
  if pid="$(workdir_pid)"; then
    workdir_stop
    say "The gateway (pid $pid) has stopped. Its data is in $WORKDIR/data."
  else
    say "No gateway runs in $WORKDIR."
  fi
}

selftest() {
  rm -rf "$WORKDIR"
  mkdir -p "$WORKDIR"
  trap workdir_stop EXIT
  start
  [[ "$(start)" == *"already runs"* ]] || die "the second start did not find the first"
  stop
  if workdir_pid >/dev/null; then die "the gateway still runs"; fi
}

case "${1:-start}" in
  start | stop) workdir_use artifacts/demo && "${1:-start}" ;;
  selftest) workdir_use artifacts/demo-selftest && selftest ;;
  *) die "unknown command '$1': use start, stop or selftest" ;;
esac
