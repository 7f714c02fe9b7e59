#!/usr/bin/env bash
# sanitize.sh asan|tsan [CTEST_ARGUMENT...]: builds and runs the unit tests under
# AddressSanitizer with UndefinedBehaviorSanitizer, or under ThreadSanitizer.
# The last line is "N passed, N failed".
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

preset="${1:?usage: sanitize.sh asan|tsan [ctest arguments]}"
shift
[[ "$preset" == asan || "$preset" == tsan ]] || die "unknown sanitizer '$preset': use asan or tsan"
export UBSAN_OPTIONS="print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"

stage "$preset build" nokv_build "$preset" nokv_unit_tests
code=0
stage "$preset tests" scripts/lib/run_ctest.sh "build/$preset" -L '^unit$' "$@" || code=$?
scripts/lib/count_tests.py "build/$preset/results"
exit "$code"
