#!/usr/bin/env bash
# transport_chaos.sh: partitions, blocked peers and dead servers between raft members over real
# streams. What they saw goes to artifacts/transport/: the log, and metrics.txt with the lines
# TRANSPORT_METRIC NAME=JSON. The last line is "N passed, N failed".
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

if [[ -z "${NOKV_BINARY_DIR:-}" ]]; then
  stage packages scripts/lib/deps.sh
  stage build nokv_build release nokv_transport_test
fi
out="${NOKV_ARTIFACTS_DIR:-artifacts}/transport"
mkdir -p "$out"
code=0
CHAOS_TRACE_METRICS=1 "${NOKV_BINARY_DIR:-build/bin}/nokv_transport_test" \
  --gtest_filter='GRPCTransport.*' >"$out/chaos.log" 2>&1 || code=$?
grep '^TRANSPORT_METRIC ' "$out/chaos.log" >"$out/metrics.txt" || true
if ((code != 0)); then tail -n 40 "$out/chaos.log"; fi
passed="$(grep -c '^\[       OK \]' "$out/chaos.log" || true)"
failed="$(grep -c '^\[  FAILED  \] GRPCTransport.*ms)$' "$out/chaos.log" || true)"
say "metrics: $out/metrics.txt, log: $out/chaos.log"
say "$passed passed, $failed failed"
exit "$code"
