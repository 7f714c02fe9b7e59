# shellcheck shell=bash
# What every script here shares. Source it; it changes to the root of the repository:
#   . "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
set -euo pipefail

NOKV_CALLER_DIR="$PWD"
NOKV_ROOT="$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
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

# usage_if_asked ARGUMENT: prints the comment that the script begins with, and ends, if it is -h or
# --help.
usage_if_asked() {
  if [[ "${1:-}" != -h && "${1:-}" != --help ]]; then return 0; fi
  awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$(caller_path "$0")"
  exit 0
}

# caller_path PATH: a path as whoever called the script meant it.
caller_path() {
  case "$1" in
    /*) say "$1" ;;
    *) say "$NOKV_CALLER_DIR/${1#./}" ;;
  esac
}

# use_programs PROGRAM...: puts the folder with the programs first in PATH: NOKV_BINARY_DIR, else
# what was built here, else wherever they are installed.
use_programs() {
  local folder="${NOKV_BINARY_DIR:-}" program
  if [[ -z "$folder" && -d "$NOKV_ROOT/build/bin" ]]; then folder="$NOKV_ROOT/build/bin"; fi
  if [[ -n "$folder" ]]; then PATH="$folder:$PATH"; fi
  for program in "$@"; do
    command -v "$program" >/dev/null || die "there is no $program: build it with scripts/build.sh"
  done
}

# run_node COMMAND ARGUMENT...: becomes `nokv COMMAND ARGUMENT...` in the folder of the caller, so
# that signals and the exit code are the node's own. "--extra" and "--" are left out.
run_node() {
  local command="$1" word arguments=()
  shift
  use_programs nokv
  for word in "$@"; do
    if [[ "$word" != --extra && "$word" != -- ]]; then arguments+=("$word"); fi
  done
  cd "$NOKV_CALLER_DIR"
  exec nokv "$command" "${arguments[@]}"
}

# port_of ADDRESS: what stands behind the last colon of HOST:PORT.
port_of() {
  [[ "$1" =~ ^.*:([0-9]{1,5})$ ]] || die "address '$1' is not HOST:PORT"
  say "${BASH_REMATCH[1]}"
}

# shift_port ADDRESS OFFSET: the address with a port that is higher by OFFSET.
shift_port() {
  local port
  port="$(port_of "$1")"
  port=$((10#$port + $2))
  if ((port > 65535)); then die "$1 and $2 more is no port: they end at 65535"; fi
  say "${1%:*}:$port"
}

# port_owner PORT: "nokv-redis (pid 4711)": who listens there, as far as this user may know.
port_owner() {
  local hex inode fd pid
  hex="$(printf '%04X' "$1")"
  inode="$(awk -v port=":$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10; exit }' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null)"
  fd="$(find /proc/[0-9]*/fd -lname "socket:\[${inode:-none}\]" 2>/dev/null | head -n 1 || true)"
  pid="$(cut -d/ -f3 <<<"$fd")"
  if [[ -z "$pid" ]]; then say "a process of another user"; else say "$(cat "/proc/$pid/comm") (pid $pid)"; fi
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
