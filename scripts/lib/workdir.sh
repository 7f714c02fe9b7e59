# shellcheck shell=bash
# A folder in which a script keeps one gateway: its data, log, process id and ports. Source it after
# common.sh and call workdir_use FOLDER first.

workdir_use() {
  WORKDIR="$1"
  mkdir -p "$WORKDIR"
}

# workdir_pid: prints the gateway's process id; fails if none of ours runs.
workdir_pid() {
  local pid
  pid="$(cat "$WORKDIR/gateway.pid" 2>/dev/null)" || return 1
  [[ "$({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null)" == *nokv-redis*"$WORKDIR"* ]] || return 1
  say "$pid"
}

# workdir_start: starts build/bin/nokv-redis in the background on the first free ports from
# REDIS_PORT and METRICS_PORT on, and waits until it answers.
workdir_start() {
  REDIS_PORT="$(free_port "$REDIS_PORT")"
  METRICS_PORT="$(free_port "$METRICS_PORT")"
  setsid build/bin/nokv-redis --addr "127.0.0.1:$REDIS_PORT" --workdir "$WORKDIR/data" \
    --metrics-addr "127.0.0.1:$METRICS_PORT" >"$WORKDIR/gateway.log" 2>&1 </dev/null &
  local pid=$!
  printf '%s\n' "$pid" >"$WORKDIR/gateway.pid"
  printf '%s %s\n' "$REDIS_PORT" "$METRICS_PORT" >"$WORKDIR/gateway.ports"
  if ! wait_port 127.0.0.1 "$REDIS_PORT" 30 "$pid" || ! workdir_wait_pong "$pid"; then
    tail -n 20 "$WORKDIR/gateway.log" >&2
    rm -f "$WORKDIR/gateway.pid"
    die "the gateway did not start; its log is $WORKDIR/gateway.log"
  fi
}

# workdir_wait_pong PID: waits up to ten seconds until the gateway answers PING.
workdir_wait_pong() {
  local deadline=$((SECONDS + 10))
  until [[ "$(redis-cli -p "$REDIS_PORT" PING 2>/dev/null)" == PONG ]]; do
    if ! kill -0 "$1" 2>/dev/null || ((SECONDS >= deadline)); then return 1; fi
    sleep 0.05
  done
}

# workdir_stop: asks the gateway to drain, then waits up to ten seconds. Fails if it does not end.
workdir_stop() {
  local pid deadline=$((SECONDS + 10))
  pid="$(workdir_pid)" || return 0
  kill -TERM "$pid"
  while kill -0 "$pid" 2>/dev/null && [[ "$(cut -d' ' -f3 "/proc/$pid/stat" 2>/dev/null)" != Z ]]; do
    if ((SECONDS >= deadline)); then die "gateway $pid did not stop within 10 s"; fi
    sleep 0.05
  done
  rm -f "$WORKDIR/gateway.pid"
}
