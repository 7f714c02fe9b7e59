#!/usr/bin/env bash
# build.sh [TARGET...]: packages and release build; programs land in build/bin.
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

stage packages scripts/lib/deps.sh
stage build nokv_build release "$@"
