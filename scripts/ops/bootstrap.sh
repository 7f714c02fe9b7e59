#!/usr/bin/env bash
# bootstrap.sh --path-template DIR [--config FILE] [--state running|tombstone]
#
# Writes the regions of a cluster's description into the folders of its stores, for their first
# start. A folder with data (CURRENT) is left alone, so that it may run again; one that holds
# anything else is refused before any is touched. It is no way to repair or to restart a store.
#
#   --path-template DIR   the folder of a store; {id} stands for its id: /data/store-{id}
#   --config FILE         the description (raft_config.example.json)
#   --state STATE         whether the regions live on their stores (running) or are gone (tombstone)
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
. "$NOKV_ROOT/scripts/lib/config.sh"
. "$NOKV_ROOT/scripts/lib/workdir.sh"

config="$NOKV_ROOT/raft_config.example.json" template="" state=running
usage_if_asked "$@"
while (($# > 0)); do
  (($# >= 2)) || die "$1 needs a value, or is no option: see $0 --help"
  case "$1" in
    --config) config="$(caller_path "$2")" ;;
    --path-template) template="$(caller_path "$2")" ;;
    --state) state="$2" ;;
    *) die "unknown option '$1': see $0 --help" ;;
  esac
  shift 2
done
[[ -n "$template" ]] || die "--path-template is missing: for example /data/store-{id}"
[[ "$template" == *'{id}'* ]] || die "--path-template $template has no {id}: the stores need folders of their own"
[[ "$state" == running || "$state" == tombstone ]] || die "--state '$state' is neither running nor tombstone"

use_programs nokv-config
config_read "$config"
seed_stores "$template" "$state"
