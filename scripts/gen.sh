#!/usr/bin/env bash
# gen.sh: formats proto/**/*.proto, checks them and makes the C++ again. The build does the last
# by itself; what it makes is not committed.
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

stage packages scripts/lib/deps.sh
stage contracts scripts/lint/contracts.py --write
stage generate nokv_build release nokv_proto
