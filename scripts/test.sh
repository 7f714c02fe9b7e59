#!/usr/bin/env bash
# Packages, release build and every test but the lint tests (scripts/check.sh runs those) and
# conformance (it needs data from elsewhere). Arguments go to ctest, for example -R wal.
# The last line is "N passed, N failed".
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

run_tests() {
  scripts/lib/run_ctest.sh build -LE '^(lint|conformance)$' "$@"
}

stage packages scripts/lib/deps.sh
stage build nokv_build release
code=0
stage tests run_tests "$@" || code=$?
scripts/lib/count_tests.py build/results
exit "$code"
