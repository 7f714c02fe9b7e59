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
failed=0
for name in "${names[@]}"; do
  corpus="artifacts/fuzz/$name"
  mkdir -p "$corpus"
  stage "$name" "build/fuzz/bin/$name" -max_total_time="$seconds" -timeout=10 -verbosity=0 \
    -artifact_prefix="$corpus/" "$corpus" || failed=$((failed + 1))
done
say "$((${#names[@]} - failed)) passed, $failed failed"
((failed == 0))
