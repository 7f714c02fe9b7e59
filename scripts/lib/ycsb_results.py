#!/usr/bin/env python3
"""ycsb_results.py ROWS CSV: the medians of the runs in the folder ROWS, as a CSV and as a table.

ROWS holds what `nokv-bench ycsb --json` printed, one file for each run. The table shows operations
per second of each engine and, in brackets, nokv's rate over that engine's in the same run.
"""
import csv
import json
import pathlib
import statistics
import sys

OPERATIONS = {"reads": "read", "updates": "update", "inserts": "insert", "scans": "scan",
              "rmw": "read_modify_write"}
COSTS = ("cpu_us_per_op", "bytes_written_per_byte_put", "space_per_live_byte",
         "peak_anonymous_bytes", "settle_seconds", "reopen_ms", "foreign_cores")


def load_runs(folder):
    """{(engine, workload): [row of each run]}; loads of all workloads are runs of "load"."""
    runs = {}
    for path in sorted(folder.glob("*.json")):
        for row in json.loads(path.read_text()):
            runs.setdefault((row["engine"], row["workload"]), []).append(row)
    return runs


def median(rows, field):
    values = [row[field] for row in rows if row[field] is not None]
    return statistics.median(values) if values else None


def csv_row(engine, workload, rows):
    first = rows[0]
    row = {"name": f"{engine}-{workload}", "engine": engine,
           "workload": "load" if workload == "load" else f"YCSB-{workload}",
           "engine_version": first["engine_version"], "runs": len(rows), "ops": first["ops"],
           "ops_per_sec": round(median(rows, "ops_per_sec")),
           "min_ops_per_sec": round(min(row["ops_per_sec"] for row in rows)),
           "max_ops_per_sec": round(max(row["ops_per_sec"] for row in rows))}
    for name, field in (("avg", "mean"), ("p50", "p50"), ("p95", "p95"), ("p99", "p99"),
                        ("p999", "p999")):
        row[f"{name}_ns"] = round(1000 * median(rows, f"{field}_us"))
    row["duration_ns"] = round(1e9 * median(rows, "seconds"))
    row["data_bytes"] = first["put_bytes"]
    row["data_mb"] = round(first["put_bytes"] / 1e6, 1)
    for name, operation in OPERATIONS.items():
        row[name] = first["operations"].get(operation, {}).get("count", 0)
    row["scan_items"] = first["rows_scanned"]
    for field in ("records", "value_size", "threads", "sync", "rate", "seed", "memtable_bytes",
                  "cache_bytes", "engine_options"):
        row[field] = first[field]
    for field in COSTS:
        row[field] = median(rows, field)
    row["process_bytes_per_byte_put"] = statistics.median(
        row["process_bytes_written"] / row["put_bytes"] for row in rows) if first["put_bytes"] else None
    return row


def table(runs):
    engines = sorted({engine for engine, _ in runs}, key=lambda name: (name != "nokv", name))
    workloads = sorted({workload for _, workload in runs}, key=lambda name: (name != "load", name))
    heads = [f"{engine} {runs[engine, workload][0]['engine_version']}"
             for engine in engines
             for workload in [next(w for w in workloads if (engine, w) in runs)]]
    yield "ops/s   " + "".join(f"{head:>24}" for head in heads)
    for workload in workloads:
        cells = []
        own = runs.get(("nokv", workload))
        for engine in engines:
            rows = runs.get((engine, workload))
            if rows is None:
                cells.append("-")
                continue
            rate = median(rows, "ops_per_sec")
            cell = f"{rate:,.0f}"
            if own and engine != "nokv":
                cell += f" ({median(own, 'ops_per_sec') / rate:.2f})"
            cells.append(cell)
        yield f"{workload:<8}" + "".join(f"{cell:>24}" for cell in cells)


def main():
    folder, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    runs = load_runs(folder)
    rows = [csv_row(engine, workload, found) for (engine, workload), found in sorted(runs.items())]
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    print("\n".join(table(runs)))
    print(f"in brackets: nokv's rate over that engine's; the medians are in {target}")


if __name__ == "__main__":
    main()
