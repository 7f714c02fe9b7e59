#!/usr/bin/env bash
# fuzz.sh [SECONDS [NAME...]]: builds the libFuzzer targets and runs each (or those named) for
# SECONDS, 30 by default. Corpora are kept in artifacts/fuzz/NAME; a crash is left there too.
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

seconds="${1:-30}"
if (($# > 0)); then shift; fi
stage "fuzz build" nokv_build fuzz nokv_fuzzers
names=("$@")
if ((${#names[@]} == 0)); then
  while IFS= read -r path; do names+=("$(basename "$path")"); done \
    < <(find build/fuzz/bin -maxdepth 1 -name '*_fuzz' -type f 2>/dev/null | sort)
fi
# fuzz_one NAME: what the fuzzer prints is shown if it found something.
fuzz_one() {
  local corpus="artifacts/fuzz/$1" log="artifacts/fuzz/$1.log"
  mkdir -p "$corpus"
  if ! "build/fuzz/bin/$1" -max_total_time="$seconds" -timeout=10 -print_funcs=0 \
    -artifact_prefix="$corpus/" "$corpus" >"$log" 2>&1; then
    tail -n 60 "$log"
    return 1
  fi
}

failed=0
for name in "${names[@]}"; do
  stage "$name" fuzz_one "$name" || failed=$((failed + 1))
done
say "$((${#names[@]} - failed)) passed, $failed failed"
((failed == 0))
