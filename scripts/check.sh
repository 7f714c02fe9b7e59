#!/usr/bin/env bash
# check.sh [NAME...]: runs every check, or those named, and says which failed and why. The checks are
# scripts/lint/NAME.py; `selftest` feeds each of them a violation. The last line is
# "N passed, N failed".
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

# The quick ones first, then those that compile.
checks=(format layers banned contracts sizes dead_files blobs planted shell headers thread_safety link tidy selftest)
if (($# > 0)); then checks=("$@"); fi

selftest() {
  cmake --preset release >/dev/null && scripts/lib/run_ctest.sh build -L '^lint$'
}

scripts/lib/deps.sh
passed=0
failed=0
output="$(mktemp)"
trap 'rm -f "$output"' EXIT
for name in "${checks[@]}"; do
  if [[ "$name" != selftest && ! -x "scripts/lint/$name.py" ]]; then
    die "no check is called '$name': choose from format layers banned contracts sizes dead_files blobs" \
      "planted shell headers thread_safety link tidy selftest"
  fi
  start=$SECONDS
  verdict=ok
  if [[ "$name" == selftest ]]; then
    selftest >"$output" 2>&1 || verdict=FAIL
  else
    "scripts/lint/$name.py" >"$output" 2>&1 || verdict=FAIL
  fi
  printf '%-14s %4d s  %s\n' "$name" $((SECONDS - start)) "$verdict"
  if [[ "$verdict" == ok ]]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    sed 's/^/  /' "$output"
  fi
done
say "$passed passed, $failed failed"
((failed == 0))
