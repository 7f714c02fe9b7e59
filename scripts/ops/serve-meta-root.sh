#!/usr/bin/env bash
# serve-meta-root.sh --workdir DIR --node-id N --transport-addr ADDR --peer ID=ADDR (three times)
#                    [--addr ADDR] [--metrics-addr ADDR] [[--extra|--] FLAG...]
#
# Runs one of the three nodes of the metadata root until SIGTERM or Ctrl+C, for the first time or
# again: the same command on the same folder.
#
#   --workdir DIR         what the node keeps
#   --node-id N           which of the peers it is
#   --transport-addr ADDR where the other nodes reach it
#   --peer ID=ADDR        a node and its --transport-addr, itself included; exactly three
#   --addr ADDR           where coordinators and tools connect (127.0.0.1:2380)
#   --metrics-addr ADDR   /metrics, /debug/vars, /livez, /readyz
#
# Every other flag of `nokv meta-root` may follow. The programs are taken from NOKV_BINARY_DIR, else
# from build/bin, else from PATH.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

usage_if_asked "$@"
run_node meta-root "$@"
