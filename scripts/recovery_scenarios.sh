#!/usr/bin/env bash
# Runs the documented recovery scenarios and saves what they print under artifacts/recovery/, with
# RECOVERY_TRACE_METRICS=1 also one RECOVERY_METRIC line for what each saw. NOKV_BINARY_DIR names
# the folder of test programs to run instead of building them.
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

programs=(nokv_engine_test nokv_raftlog_test)
binaries="${NOKV_BINARY_DIR:-build/bin}"
artifacts="$NOKV_ROOT/artifacts/recovery"
mkdir -p "$artifacts"
if [[ -z "${NOKV_BINARY_DIR:-}" ]]; then stage build nokv_build release "${programs[@]}"; fi
code=0
for program in "${programs[@]}"; do
  log="$artifacts/$program.log"
  "$binaries/$program" --gtest_filter='Recovery.*' --gtest_brief=1 >"$log" 2>&1 || code=1
  grep '^RECOVERY_METRIC ' "$log" || true
  tail -n 1 "$log"
done
say "saved under artifacts/recovery/"
exit "$code"
