#!/usr/bin/env bash
# deps.sh [bench]: installs the Debian 12 packages that the build and the tests need, with "bench"
# also the engines that nokv-bench compares with. When they are all there it says so and touches
# neither the network nor the package database. NOKV_SKIP_DEPS=1 skips it.
set -euo pipefail

packages=(
  # Build
  ca-certificates ccache cmake g++ git make mold ninja-build pkg-config protobuf-compiler
  python3
  # Clang: thread-safety analysis, sanitizers, fuzzers, format and tidy
  clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev llvm-19
  # Libraries
  libabsl-dev libcpp-httplib-dev libfmt-dev libgrpc++-dev libisal-dev libjemalloc-dev
  liblua5.1-0-dev liblz4-dev libprotobuf-dev libspdlog-dev libssl-dev libxxhash-dev libzstd-dev
  lua-bitop-dev lua-cjson-dev nlohmann-json3-dev
  # Tests, benchmarks, checks
  curl fish gdb libbenchmark-dev libgmock-dev libgtest-dev openssl python3-jsonschema python3-venv redis-server
  redis-tools shellcheck zsh
)
if [[ "${1:-}" == bench ]]; then
  packages+=(etcd-server libleveldb-dev liblmdb-dev librocksdb-dev)
fi

if [[ "${NOKV_SKIP_DEPS:-}" == 1 ]]; then
  echo "packages: skipped (NOKV_SKIP_DEPS=1)"
  exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "error: this is not a Debian system; install the equivalents of the packages named in" >&2
  echo "       $0 and run again with NOKV_SKIP_DEPS=1" >&2
  exit 1
fi

# Multi-arch packages answer once per architecture, hence the sort.
installed="$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null |
  awk '$2 == "installed" { print $1 }' | sort -u || true)"
missing=()
for package in "${packages[@]}"; do
  if ! grep -qxF -- "$package" <<<"$installed"; then missing+=("$package"); fi
done
if ((${#missing[@]} == 0)); then
  echo "packages: all ${#packages[@]} are installed"
  exit 0
fi

root=()
if (($(id -u) != 0)); then
  command -v sudo >/dev/null ||
    { echo "error: need root or sudo to install: ${missing[*]}" >&2; exit 1; }
  root=(sudo)
fi

# redis-server is wanted as a program to compare with, not as a running service.
policy=/usr/sbin/policy-rc.d
had_redis=1
if [[ " ${missing[*]} " == *" redis-server "* ]]; then had_redis=0; fi
wrote_policy=0
cleanup() {
  if ((wrote_policy)); then "${root[@]}" rm -f "$policy"; fi
}
trap cleanup EXIT
if [[ ! -e "$policy" ]]; then
  printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
  "${root[@]}" chmod 755 "$policy"
  wrote_policy=1
fi

echo "packages: installing ${#missing[@]} with apt-get: ${missing[*]}"
log="$(mktemp)"
apt() {
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 \
    -o DPkg::Lock::Timeout=120 "$@" </dev/null >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; echo "error: apt-get $1 failed; the log is in $log" >&2; exit 1; }
}
apt update
apt install -y --no-install-recommends "${missing[@]}"
rm -f "$log"
if ((had_redis == 0)) && command -v systemctl >/dev/null; then
  "${root[@]}" systemctl disable redis-server >/dev/null 2>&1 || true
fi
echo "packages: installed"
