#!/usr/bin/env bash
# recovery_scenarios.sh: the documented recovery scenarios, saved under artifacts/recovery/. With
# RECOVERY_TRACE_METRICS=1 each also says what it saw, as RECOVERY_METRIC NAME=JSON.
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. scripts/lib/scenarios.sh

nokv_scenarios recovery 'Recovery.*' RECOVERY_METRIC nokv_engine_test nokv_raftlog_test
