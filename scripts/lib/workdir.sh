# shellcheck shell=bash
# Rules for folders that hold data. Source it after common.sh.
#
# A LOCK is never removed: it is the kernel that locks it, for as long as its holder lives. What is
# left of a process that died stops nobody.
#
# For a folder in which a script keeps one gateway, its data, log, process id and ports, call
# workdir_use FOLDER first; the functions from there on are about that one.

# store_state DIR: "fresh" (nothing is there), "seeded" (its catalog was written, and it never ran)
# or "bootstrapped" (it has data). Fails, and says what is in the way, for any other folder.
store_state() {
  local dir="$1" state=fresh path strangers=()
  if [[ -e "$dir/CURRENT" ]]; then
    say bootstrapped
    return 0
  fi
  for path in "$dir"/* "$dir"/.[!.]*; do
    case "${path##*/}" in
      LOCK | server.log | '*' | '.[!.]*') ;;
      REGIONS) state=seeded ;;
      *) strangers+=("${path##*/}") ;;
    esac
  done
  if ((${#strangers[@]} > 0)); then
    printf 'error: %s is no folder for a new store: it holds %s\n' "$dir" "${strangers[*]}" >&2
    printf '  name another folder, or move these files away; nothing was changed\n' >&2
    return 1
  fi
  say "$state"
}

# seed_store DIR ID STATE: writes the regions of CONFIG that have a peer on store ID into the
# catalog of DIR. Fails if a running process has the folder.
seed_store() {
  local dir="$1" id="$2" state="$3" region start end version conf_version peers peer arguments
  while read -r region start end version conf_version peers _; do
    if [[ ",$peers" != *",$id:"* ]]; then continue; fi
    arguments=(--region-id "$region" --epoch-version "$version" --epoch-conf-version "$conf_version")
    if [[ "$start" != - ]]; then arguments+=("--start-key=$start"); fi
    if [[ "$end" != - ]]; then arguments+=("--end-key=$end"); fi
    for peer in ${peers//,/ }; do arguments+=(--peer "$peer"); done
    nokv-config catalog -q --workdir "$dir" --state "$state" "${arguments[@]}" || return 1
  done <<<"$CONFIG_REGIONS"
}

# seed_stores TEMPLATE STATE: seeds the folder of every store of the configuration, {id} in TEMPLATE
# being its id, and leaves those that have data alone. All are looked at before any is touched.
seed_stores() {
  local template="$1" state="$2" id dir found
  declare -A states=()
  for id in $CONFIG_STORE_IDS; do
    states[$id]="$(store_state "${template//\{id\}/$id}")" || return 1
  done
  for id in $CONFIG_STORE_IDS; do
    dir="${template//\{id\}/$id}" found="${states[$id]}"
    if [[ "$found" == bootstrapped ]]; then
      say "store $id: $dir has data; left as it is"
    else
      seed_store "$dir" "$id" "$state" || return 1
      say "store $id: $dir is seeded"
    fi
  done
}

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
