#!/usr/bin/env bash
# serve-coordinator.sh --coordinator-id ID --root-peer ID=ADDR (three times) [--addr ADDR]
#                      [--metrics-addr ADDR] [--root-refresh TIME] [--lease-ttl TIME]
#                      [--lease-renew-before TIME] [[--extra|--] FLAG...]
#
# Runs one coordinator until SIGTERM or Ctrl+C. It keeps nothing on disk; any number may run.
#
#   --coordinator-id ID       its name, which no other one has
#   --root-peer ID=ADDR       a node of the metadata root and its --addr; exactly three
#   --addr ADDR               where clients connect (127.0.0.1:2379)
#   --metrics-addr ADDR       /metrics, /debug/vars, /livez, /readyz
#   --root-refresh TIME       how often it looks at the root at least (200ms)
#   --lease-ttl TIME          how long a lease lasts (10s)
#   --lease-renew-before TIME how long before its end it is renewed (3s)
#
# Every other flag of `nokv coordinator` may follow. The programs are taken from NOKV_BINARY_DIR,
# else from build/bin, else from PATH.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

usage_if_asked "$@"
run_node coordinator "$@"
