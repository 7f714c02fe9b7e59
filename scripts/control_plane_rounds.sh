#!/usr/bin/env bash
# control_plane_rounds.sh [--rounds N] [--from N] [--seed N] [--workdir DIR]
#
# Kills, pauses and restarts the processes of a control plane with a lease of one second, round after
# round, while clients ask for timestamps and ids, and checks what they were given (docs/testing.md).
#
#   --rounds N     so many (1000)
#   --from N       begin with round N, on what the rounds before it left
#   --seed N       other rounds (1)
#   --workdir DIR  data, logs and answers (artifacts/control-plane-rounds)
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

usage_if_asked "$@"
if [[ -z "${NOKV_BINARY_DIR:-}" ]]; then scripts/build.sh nokv requester; fi
NOKV_BINARY_DIR="${NOKV_BINARY_DIR:-$NOKV_ROOT/build/bin}" PYTHONPATH=tests/programs \
  exec python3 -B tests/cluster/rounds.py "$@"
