#!/usr/bin/env bash
# Runs the tests that compare with other projects' data files. The folder with the data is named by
# NOKV_CONFORMANCE_DIR; without it nothing runs. The last line is "N passed, N failed".
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

if [[ -z "${NOKV_CONFORMANCE_DIR:-}" ]]; then
  say "conformance: NOKV_CONFORMANCE_DIR names no folder; nothing to run"
  say "0 passed, 0 failed"
  exit 0
fi
[[ -d "$NOKV_CONFORMANCE_DIR" ]] || die "NOKV_CONFORMANCE_DIR=$NOKV_CONFORMANCE_DIR is no folder"
export NOKV_CONFORMANCE_DIR
stage build nokv_build release
code=0
stage conformance scripts/lib/run_ctest.sh build -L '^conformance$' --no-tests=ignore || code=$?
scripts/lib/count_tests.py build/results
exit "$code"
