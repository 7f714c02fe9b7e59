#!/usr/bin/env bash
# build_rocksdb.sh [VERSION]: builds RocksDB from the sources that the Rust crate librocksdb-sys ships
# and puts it into third_party/rocksdb/dist, where the next build of nokv-bench finds it. VERSION is
# of the crate; by default its newest. Needs cargo, to fetch the crate. Runs one compiler at a time;
# NOKV_ROCKSDB_JOBS=2 runs two.
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

# What is at least worth comparing with; Debian 12 has 7.8.
least_major=11
jobs="${NOKV_ROCKSDB_JOBS:-1}"
home=third_party/rocksdb
dist="$home/dist"

command -v cargo >/dev/null || die "cargo is needed to fetch the sources: apt-get install cargo"
mkdir -p "$home/fetch"
cat >"$home/fetch/Cargo.toml" <<TOML
[package]
name = "fetch"
version = "0.0.0"
edition = "2021"
[lib]
path = "lib.rs"
[dependencies]
librocksdb-sys = { version = "${1:-0}", default-features = false }
TOML
touch "$home/fetch/lib.rs"
say "fetching the sources"
(cd "$home/fetch" && rm -rf Cargo.lock vendor && cargo vendor --quiet vendor >/dev/null 2>&1) ||
  die "cargo cannot fetch librocksdb-sys ${1:-0}; 'cd $home/fetch && cargo vendor vendor' says why"

source="$home/fetch/vendor/librocksdb-sys/rocksdb"
number() { sed -n "s/^#define ROCKSDB_$1 \([0-9]*\).*/\1/p" "$source/include/rocksdb/version.h"; }
version="$(number MAJOR).$(number MINOR).$(number PATCH)"
say "librocksdb-sys ships RocksDB $version"
if (($(number MAJOR) < least_major)); then
  die "RocksDB $version is older than $least_major; nokv-bench goes on with Debian's librocksdb-dev"
fi

# As nokv is built: -O2 for the same processors. LZ4 is the compression that is compared.
cmake -S "$source" -B "$home/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" -DCMAKE_CXX_FLAGS=-mpclmul -DPORTABLE=x86-64-v2 \
  -DCMAKE_INSTALL_PREFIX="$NOKV_ROOT/$dist" \
  -DCMAKE_INSTALL_LIBDIR=lib -DROCKSDB_BUILD_SHARED=OFF -DWITH_LZ4=ON -DWITH_GFLAGS=OFF -DWITH_TESTS=OFF \
  -DWITH_TOOLS=OFF -DWITH_CORE_TOOLS=OFF -DWITH_BENCHMARK_TOOLS=OFF -DWITH_TRACE_TOOLS=OFF \
  -DFAIL_ON_WARNINGS=OFF -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" \
  >"$home/configure.log" 2>&1 || { tail -n 20 "$home/configure.log" >&2; die "cmake refuses: $home/configure.log"; }
say "building with $jobs job(s); this takes about half an hour on one core"
nice cmake --build "$home/build" -j "$jobs" --target rocksdb >"$home/build.log" 2>&1 ||
  { tail -n 40 "$home/build.log" >&2; die "the build failed; the whole log is in $home/build.log"; }
rm -rf "$dist"
cmake --install "$home/build" >>"$home/build.log" 2>&1 || die "cannot install; the log is in $home/build.log"
say "RocksDB $version is in $dist; build nokv-bench again"
