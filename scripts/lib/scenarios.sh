# shellcheck shell=bash
# Runs documented scenarios, which are tests by name. Source it after lib/common.sh.

# nokv_scenarios FOLDER FILTER METRIC PROGRAM...: runs the tests FILTER of the test programs, which
# are built first unless NOKV_BINARY_DIR names a folder that has them. Saves in artifacts/FOLDER/
# (NOKV_ARTIFACTS_DIR for artifacts/) a log of each program, and in metrics.txt the lines that begin
# with METRIC, which are printed, too. The last line is "N passed, N failed". A program that has none
# of the tests counts as failed.
nokv_scenarios() {
  local folder="$1" filter="$2" metric="$3" program log passed=0 failed=0 code=0
  shift 3
  if [[ -z "${NOKV_BINARY_DIR:-}" ]]; then
    stage packages scripts/lib/deps.sh
    stage build nokv_build release "$@"
  fi
  local out="${NOKV_ARTIFACTS_DIR:-artifacts}/$folder"
  mkdir -p "$out"
  : >"$out/metrics.txt"
  for program in "$@"; do
    log="$out/$program.log"
    # The results that a test run keeps of the whole program stay.
    if ! env -u GTEST_OUTPUT "${NOKV_BINARY_DIR:-build/bin}/$program" --gtest_filter="$filter" \
      >"$log" 2>&1; then
      code=1
      tail -n 40 "$log"
    fi
    if ! grep -q '^\[       OK \] ' "$log"; then
      code=1
      say "$program passed none of the tests $filter"
    fi
    grep "^$metric " "$log" | tee -a "$out/metrics.txt" || true
    ((passed += $(grep -c '^\[       OK \] ' "$log" || true))) || true
    ((failed += $(grep -c '^\[  FAILED  \] .* ms)$' "$log" || true))) || true
  done
  say "logs and metrics: $out"
  say "$passed passed, $failed failed"
  return "$code"
}
