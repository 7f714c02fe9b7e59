#!/usr/bin/env bash
# run_ctest.sh BUILD_DIR CTEST_ARGUMENT...: runs ctest and leaves its results, and those of every
# GoogleTest binary, in BUILD_DIR/results for count_tests.py. Output is shown for failures only.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

dir="$1"
shift
results="$NOKV_ROOT/$dir/results"
rm -rf "$results"
mkdir -p "$results/gtest"
code=0
GTEST_OUTPUT="xml:$results/gtest/" ctest --test-dir "$dir" -j "$NOKV_JOBS" --output-on-failure \
  --no-tests=error --output-junit "$results/ctest.xml" "$@" </dev/null >"$results/log" 2>&1 || code=$?
if ((code != 0)); then
  grep -vE '^ *[0-9]+/[0-9]+ Test .* Passed|^ +Start +[0-9]+:' "$results/log" || true
fi
exit "$code"
