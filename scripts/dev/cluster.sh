#!/usr/bin/env bash
# cluster.sh [--config FILE] [--workdir DIR] [--port-offset N] [OPTION...]
#
# Builds, and starts a cluster on this machine: three nodes of the metadata root, a coordinator, and
# the stores of a cluster's description, whose folders it seeds. It stays in front, shows what they
# log, and Ctrl+C or SIGTERM stops them all; twice, at once. What they keep stays, and the same
# command starts them again.
#
#   --config FILE              the description (raft_config.example.json)
#   --workdir DIR              data, logs and process ids (artifacts/cluster)
#   --port-offset N            adds N to every port, those of the description too
#   --coordinator-listen ADDR  the coordinator's address (the description's, else 127.0.0.1:2379)
#   --coordinator-id ID        its name (c1)
#   --root-refresh TIME        how often it looks at the root at least (200ms)
#   --lease-ttl TIME           how long its lease lasts (10s)
#   --lease-renew-before TIME  how long before its end it is renewed (3s)
#   --raft-debug-log, --no-raft-debug-log
#                              whether stores log what raft does (they do not)
#
# The root listens on 127.0.0.1:2380, 2381 and 2382, its nodes reach each other on 3380, 3381 and
# 3382. In DIR: meta-root-N/ with root.log, coordinator.log, store-N/ with server.log, and
# NAME.pid for each process.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
. "$NOKV_ROOT/scripts/lib/config.sh"
. "$NOKV_ROOT/scripts/lib/workdir.sh"

readonly START_SECONDS=30 HEALTH_SECONDS=3 STOP_SECONDS=20
config="$NOKV_ROOT/raft_config.example.json" workdir="$NOKV_ROOT/artifacts/cluster" offset=0
coordinator_listen="" coordinator_id=c1 raft_debug_log=()
coordinator_flags=()

usage_if_asked "$@"
while (($# > 0)); do
  case "$1" in
    --raft-debug-log) raft_debug_log=(--raft-debug-log) && shift && continue ;;
    --no-raft-debug-log) raft_debug_log=() && shift && continue ;;
    --help | -h) usage_if_asked "$1" ;;
  esac
  (($# >= 2)) || die "$1 needs a value, or is no option: see $0 --help"
  case "$1" in
    --config) config="$(caller_path "$2")" ;;
    --workdir) workdir="$(caller_path "$2")" ;;
    --port-offset) offset="$2" ;;
    --coordinator-listen) coordinator_listen="$2" ;;
    --coordinator-id) coordinator_id="$2" ;;
    --root-refresh | --lease-ttl | --lease-renew-before) coordinator_flags+=("$1" "$2") ;;
    *) die "unknown option '$1': see $0 --help" ;;
  esac
  shift 2
done
[[ "$offset" =~ ^[0-9]{1,5}$ ]] || die "--port-offset '$offset' is not a number of up to five digits"
offset=$((10#$offset))

declare -A addresses=() pids=() loggers=() commands=()

# plan_addresses OFFSET: fills `addresses`: by node, and by node with "raft" for its second one.
plan_addresses() {
  local id
  addresses=()
  for id in 1 2 3; do
    addresses["meta-root-$id"]="$(shift_port "127.0.0.1:$((2379 + id))" "$1")"
    addresses["meta-root-$id raft"]="$(shift_port "127.0.0.1:$((3379 + id))" "$1")"
  done
  addresses[coordinator]="$(shift_port "$coordinator_listen" "$1")"
  if ((serves_stores)); then
    for id in $CONFIG_STORE_IDS; do
      addresses["store-$id"]="$(shift_port "$(config_store_address "$id")" "$1")"
    done
  fi
}

# taken_ports: a line for each address at which somebody listens already.
taken_ports() {
  local node address
  for node in "${!addresses[@]}"; do
    address="${addresses[$node]}"
    if port_open "${address%:*}" "${address##*:}"; then say "$address $node"; fi
  done | sort
}

# free_offset: the least multiple of 100 with which all ports are free; nothing if there is none.
free_offset() {
  local try
  for ((try = 100; try <= 40000; try += 100)); do
    if (plan_addresses "$try" && [[ -z "$(taken_ports)" ]]) 2>/dev/null; then
      say "$try"
      return 0
    fi
  done
}

require_free_ports() {
  local taken address node way_out
  taken="$(taken_ports)"
  if [[ -z "$taken" ]]; then return 0; fi
  while read -r address node; do
    printf 'error: %s, of %s, is in use by %s\n' "$address" "${node% raft}" \
      "$(port_owner "${address##*:}")" >&2
  done <<<"$taken"
  way_out="$(free_offset)"
  die "stop it, or choose other ports: scripts/dev/cluster.sh --port-offset ${way_out:-N}"
}

# start_node NAME LOG COMMAND...: starts a child of this shell, which ends when the shell is killed.
# It is in a session of its own, so that Ctrl+C reaches this script alone; what reads its log goes on
# until it has ended.
start_node() {
  local name="$1" log="$2" pipe
  shift 2
  mkdir -p "$(dirname "$log")"
  exec {pipe}> >(trap '' INT TERM HUP && tee -a -- "$log" | sed -u "s/^/[$name] /")
  loggers["$name"]=$!
  setsid setpriv --pdeathsig TERM "$@" </dev/null >&"$pipe" 2>&1 {pipe}>&- &
  pids["$name"]=$!
  commands["$name"]="$*"
  exec {pipe}>&-
  printf '%s\n' "${pids[$name]}" >"$workdir/$name.pid"
}

start_meta_root() {
  local id="$1" peer peers=()
  for peer in 1 2 3; do peers+=(--peer "$peer=${addresses["meta-root-$peer raft"]}"); done
  start_node "meta-root-$id" "$workdir/meta-root-$id/root.log" \
    nokv meta-root --addr "${addresses["meta-root-$id"]}" --workdir "$workdir/meta-root-$id" \
    --node-id "$id" --transport-addr "${addresses["meta-root-$id raft"]}" "${peers[@]}"
}

start_coordinator() {
  local peer peers=()
  for peer in 1 2 3; do peers+=(--root-peer "$peer=${addresses["meta-root-$peer"]}"); done
  start_node coordinator "$workdir/coordinator.log" \
    nokv coordinator --addr "${addresses[coordinator]}" --coordinator-id "$coordinator_id" \
    "${peers[@]}" --config "$config" "${coordinator_flags[@]}"
}

start_store() {
  local id="$1" other overrides=()
  for other in $CONFIG_STORE_IDS; do
    if ((other != id)); then overrides+=(--store-addr "$other=${addresses["store-$other"]}"); fi
  done
  start_node "store-$id" "$workdir/store-$id/server.log" \
    nokv serve --config "$config" --store-id "$id" --workdir "$workdir/store-$id" \
    --addr "${addresses["store-$id"]}" --coordinator-addr "${addresses[coordinator]}" \
    "${overrides[@]}" "${raft_debug_log[@]}"
}

# forget NAME: it has ended.
forget() {
  rm -f "$workdir/$1.pid"
  wait "${loggers[$1]}" 2>/dev/null || true
  unset "pids[$1]" "loggers[$1]"
}

# stop_nodes PATTERN: asks the nodes with such names to end, and waits until they have.
stop_nodes() {
  local name deadline=$((SECONDS + STOP_SECONDS))
  for name in "${!pids[@]}"; do
    # shellcheck disable=SC2053 # a pattern
    if [[ "$name" == $1 ]]; then kill -TERM "${pids[$name]}" 2>/dev/null || true; fi
  done
  for name in "${!pids[@]}"; do
    # shellcheck disable=SC2053
    if [[ "$name" != $1 ]]; then continue; fi
    while kill -0 "${pids[$name]}" 2>/dev/null; do
      if ((SECONDS >= deadline)); then
        say "$name (pid ${pids[$name]}) did not end within $STOP_SECONDS s and is killed"
        kill -KILL "${pids[$name]}" 2>/dev/null || true
      fi
      sleep 0.02
    done
    forget "$name"
  done
}

kill_on_signal() { trap 'kill -KILL "${pids[@]}" 2>/dev/null || true' INT TERM HUP; }

stop_all() {
  trap - EXIT
  kill_on_signal
  stop_nodes 'store-*'
  stop_nodes 'coordinator'
  stop_nodes 'meta-root-*'
}

shut_down() {
  kill_on_signal # before it says so: whoever reads that may send the second
  say "Stopping ${#pids[@]} processes."
  stop_all
  say "Stopped. What they keep is in $workdir."
  exit 0
}

# wait_ready: until the coordinator gives out timestamps. A node that ends meanwhile ends it all.
wait_ready() {
  local name deadline=$((SECONDS + START_SECONDS))
  until nokv tso --coordinator-addr "${addresses[coordinator]}" --timeout 1s >/dev/null 2>&1; do
    for name in "${!pids[@]}"; do
      kill -0 "${pids[$name]}" 2>/dev/null || die "$name ended; its log says why"
    done
    ((SECONDS < deadline)) || die "no timestamps after $START_SECONDS s; the logs in $workdir say why"
    sleep 0.05
  done
}

# show_status: as soon as all is well, or after HEALTH_SECONDS as it is then.
show_status() {
  local text="" deadline=$((SECONDS + HEALTH_SECONDS))
  until [[ "$text" == *HEALTHY* ]] || ((SECONDS > deadline)); do
    text="$(nokv status --coordinator-addr "${addresses[coordinator]}" 2>&1 || true)"
  done
  say "$text"
}

# watch_nodes: says when one ends, and how it is started again, until none is left.
watch_nodes() {
  local name code
  while ((${#pids[@]} > 0)); do
    for name in "${!pids[@]}"; do
      if kill -0 "${pids[$name]}" 2>/dev/null; then continue; fi
      code=0
      wait "${pids[$name]}" || code=$?
      forget "$name"
      say "$name ended with exit code $code; start it again with:"
      say "  ${commands[$name]}"
    done
    sleep 0.1
  done
  die "no process is left"
}

if [[ -z "${NOKV_BINARY_DIR:-}" ]]; then scripts/build.sh nokv nokv-config; fi
use_programs nokv nokv-config
config_read "$config"
if [[ -z "$coordinator_listen" ]]; then coordinator_listen="$(config_coordinator host)"; fi
coordinator_listen="${coordinator_listen:-127.0.0.1:2379}"
serves_stores=0
if nokv serve --help >/dev/null 2>&1; then serves_stores=1; fi
plan_addresses "$offset"
require_free_ports
mkdir -p "$workdir"
if ((offset > 0)); then
  # What the coordinator tells of stores must be where they listen.
  scripts/lib/shift_ports.py "$config" "$offset" >"$workdir/raft_config.json"
  config="$workdir/raft_config.json"
fi
seed_stores "$workdir/store-{id}" running

started="${EPOCHREALTIME/[.,]/}"
trap stop_all EXIT
trap shut_down INT TERM HUP
for id in 1 2 3; do start_meta_root "$id"; done
start_coordinator
if ((serves_stores)); then
  for id in $CONFIG_STORE_IDS; do start_store "$id"; done
fi
wait_ready
say
show_status
took=$(((${EPOCHREALTIME/[.,]/} - started) / 100000))
say
say "Ready in $((took / 10)).$((took % 10)) s. Data and logs: $workdir"
if ((!serves_stores)); then say "This build cannot serve stores yet; their folders are seeded."; fi
printf '  %-9s %s\n' Look "nokv status --coordinator-addr ${addresses[coordinator]}" \
  Numbers "nokv tso --coordinator-addr ${addresses[coordinator]}" Stop "Ctrl+C"
watch_nodes
