#!/usr/bin/env bash
# transport_chaos.sh: partitions, blocked peers and dead servers between raft members over real
# streams, saved under artifacts/transport/, with what they saw as TRANSPORT_METRIC NAME=JSON.
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. scripts/lib/scenarios.sh

export CHAOS_TRACE_METRICS=1
nokv_scenarios transport 'GRPCTransport.*' TRANSPORT_METRIC nokv_transport_test
