#!/usr/bin/env bash
# run_benchmarks.sh [FLAG...]: runs the YCSB workloads over nokv and its peers, in turn, so that all
# meet the same moods of the machine; FLAGs go to every `nokv-bench ycsb`. Prints medians and ratios
# and leaves a CSV in artifacts/benchmarks. docs/benchmarks.md says what the figures mean. Settings:
#   YCSB_ENGINES=nokv,rocksdb,leveldb,lmdb   YCSB_WORKLOADS=A,B,C,D,E,F   YCSB_ROUNDS=3
#   YCSB_RECORDS=1000000   YCSB_OPS=1000000   YCSB_WARM_OPS=0   YCSB_CONC=16   YCSB_RATE=0
#   YCSB_VALUE_SIZE=1000   YCSB_SCAN_LEN=100  YCSB_SEED=42      YCSB_SYNC_WRITES=false
#   YCSB_MEMTABLE_MB=64    YCSB_BLOCK_CACHE_MB=256              YCSB_BENCHDIR=DIR (temporary files)
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

known=" YCSB_ENGINES YCSB_WORKLOADS YCSB_ROUNDS YCSB_RECORDS YCSB_OPS YCSB_WARM_OPS YCSB_CONC YCSB_RATE
  YCSB_VALUE_SIZE YCSB_SCAN_LEN YCSB_SEED YCSB_SYNC_WRITES YCSB_MEMTABLE_MB YCSB_BLOCK_CACHE_MB
  YCSB_BENCHDIR "
for name in "${!YCSB_@}"; do
  [[ "${known//$'\n'/ }" == *" $name "* ]] || die "there is no setting $name; the head of $0 lists them"
done

IFS=, read -ra engines <<<"${YCSB_ENGINES:-nokv,rocksdb,leveldb,lmdb}"
IFS=, read -ra workloads <<<"${YCSB_WORKLOADS:-A,B,C,D,E,F}"
rounds="${YCSB_ROUNDS:-3}"
flags=(--records "${YCSB_RECORDS:-1000000}" --ops "${YCSB_OPS:-1000000}"
  --warm-ops "${YCSB_WARM_OPS:-0}" --threads "${YCSB_CONC:-16}" --rate "${YCSB_RATE:-0}"
  --value-size "${YCSB_VALUE_SIZE:-1000}" --scan-rows "${YCSB_SCAN_LEN:-100}"
  --seed "${YCSB_SEED:-42}" --memtable "${YCSB_MEMTABLE_MB:-64}MiB"
  --cache "${YCSB_BLOCK_CACHE_MB:-256}MiB")
case "${YCSB_SYNC_WRITES:-false}" in
  true | 1) flags+=(--sync) ;;
  false | 0) ;;
  *) die "YCSB_SYNC_WRITES is '$YCSB_SYNC_WRITES'; it can be true or false" ;;
esac
if [[ -n "${YCSB_BENCHDIR:-}" ]]; then
  mkdir -p "$YCSB_BENCHDIR"
  flags+=(--dir "$YCSB_BENCHDIR")
fi

scripts/lib/deps.sh bench
nokv_build release nokv-bench

results="artifacts/benchmarks"
stamp="$(date +%Y%m%d_%H%M%S)"
rows="$results/ycsb_rows_$stamp"
mkdir -p "$rows"
total=$((rounds * ${#workloads[@]} * ${#engines[@]}))
done=0
for ((round = 1; round <= rounds; round++)); do
  for workload in "${workloads[@]}"; do
    for engine in "${engines[@]}"; do
      done=$((done + 1))
      printf '[%d/%d] round %d: %s of %s\n' "$done" "$total" "$round" "$workload" "$engine" >&2
      build/bin/nokv-bench ycsb --engine "$engine" --workload "$workload" "${flags[@]}" --json "$@" \
        >"$rows/$engine.$workload.$round.json"
    done
  done
done
scripts/lib/ycsb_results.py "$rows" "$results/ycsb_results_$stamp.csv"
