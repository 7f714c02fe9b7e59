#!/usr/bin/env bash
# debug.sh MODULE TEST [GDB_ARGUMENT...]
#
# Runs one unit test under gdb, built without optimisation (preset dev), stopping where an
# expectation fails. What stands behind the test goes to gdb:
#
#   scripts/debug.sh wal WalRecoverTest.GoesOnAfterATailTornAtAnyByte
#   scripts/debug.sh wal 'WalRecoverTest.*' -batch -ex run -ex backtrace
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

usage_if_asked "$@"
(($# >= 2)) || die "a module and a test are needed: see $0 --help"
module="${1//\//_}" test="$2"
shift 2
command -v gdb >/dev/null || die "gdb is not installed: scripts/lib/deps.sh installs it"
target="nokv_${module}_test"
folder="${NOKV_BINARY_DIR:-}"
if [[ -z "$folder" ]]; then
  nokv_build dev "$target"
  folder=build/dev/bin
fi
[[ -x "$folder/$target" ]] || die "there is no $folder/$target: is '$module' a module of src/?"
# The results that a test run keeps of the whole program stay.
unset GTEST_OUTPUT
count="$("$folder/$target" --gtest_list_tests --gtest_filter="$test" | grep -c '^  ' || true)"
((count > 0)) || die "$target has no test '$test'; $folder/$target --gtest_list_tests shows them"
exec gdb -q "$@" --args "$folder/$target" --gtest_filter="$test" --gtest_break_on_failure
