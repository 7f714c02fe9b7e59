# shellcheck shell=bash
# What every script here shares. Source it; it changes to the root of the repository:
#   . "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
set -euo pipefail

NOKV_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cd "$NOKV_ROOT"
# ccache and git want a home, and CI may start us without one.
if [[ -z "${HOME:-}" ]]; then
  HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"
fi
export NOKV_ROOT HOME
NOKV_JOBS="${NOKV_JOBS:-$(nproc)}"
export NOKV_JOBS
# A checkout that belongs to another user (root in CI) is still ours to list.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'

say() { printf '%s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# nokv_build PRESET [TARGET...]: configures and builds. Quiet, except for warnings and errors.
nokv_build() {
  local preset="$1" dir log
  shift
  dir="$(nokv_build_dir "$preset")"
  mkdir -p "$dir"
  log="$dir/configure.log"
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    die "configuring preset $preset failed; the whole log is in $log"
  fi
  local targets=()
  if (($# > 0)); then targets=(--target "$@"); fi
  log="$dir/build.log"
  if ! cmake --build "$dir" -j "$NOKV_JOBS" "${targets[@]}" >"$log" 2>&1; then
    grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking) ' "$log" | tail -n 80 >&2
    die "building preset $preset failed; the whole log is in $log"
  fi
}

nokv_build_dir() {
  if [[ "$1" == release ]]; then say build; else say "build/$1"; fi
}

# stage NAME COMMAND...: runs the command and prints how long it took; its exit code is kept.
stage() {
  local name="$1" start=$SECONDS code=0 verdict=ok
  shift
  "$@" || code=$?
  if ((code != 0)); then verdict=FAIL; fi
  printf '%-14s %4d s  %s\n' "$name" $((SECONDS - start)) "$verdict"
  return "$code"
}

# port_open HOST PORT: true if something listens there.
port_open() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# free_port START: the first port from START on where nothing listens on loopback.
free_port() {
  local port="$1"
  while port_open 127.0.0.1 "$port"; do port=$((port + 1)); done
  say "$port"
}

# wait_port HOST PORT SECONDS [PID]: waits until the port answers; fails when time or PID runs out.
wait_port() {
  local deadline=$((SECONDS + $3))
  until port_open "$1" "$2"; do
    if [[ -n "${4:-}" ]] && ! kill -0 "$4" 2>/dev/null; then return 1; fi
    if ((SECONDS >= deadline)); then return 1; fi
    sleep 0.05
  done
}
