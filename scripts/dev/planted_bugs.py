#!/usr/bin/env python3
"""planted_bugs.py [--only PROGRAM] [WORD...]: checks that the tests find bugs.

Builds each bug of tests/planted/bugs.txt (or those whose name holds one of the words) in a copy of
the sources under build/planted and runs against it the unit tests of the storage modules and of the
gateway and the crash simulators, or those of the raft core, or one of these programs only. Prints
what found it; the last line is "N planted, N found". A test that hangs has found the bug, too.
Exits with 1 if one was missed.
"""
import argparse
import filecmp
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TREE = ROOT / "build/planted/tree"
BUILD = ROOT / "build/planted/build"
JOBS = os.environ.get("NOKV_JOBS") or str(os.cpu_count())
TESTS = ["nokv_vfs_test", "nokv_rpc_test", "nokv_wal_test", "nokv_manifest_test", "nokv_vlog_test",
         "nokv_lsm_test", "nokv_engine_test", "nokv_redis_test", "nokv_raft_test", "nokv_raftlog_test", "nokv_raftnode_test",
         "nokv_sim_raft_test"]
SEEDS = range(1, 7)
CHECKS = [[f"bin/{name}", "--gtest_brief=1", "--gtest_fail_fast"] for name in TESTS] + [
    ["bin/nokv-sim", "crash", "--seed", str(seed), "--ops", "150", "--losses", "1", "--stride", "2",
     "--faults", "40"] for seed in SEEDS] + [
    ["bin/nokv-sim", "crash", "--workload", "raftlog", "--seed", str(seed), "--ops", "150", "--losses",
     "1", "--faults", "40"] for seed in SEEDS] + [
    ["bin/nokv-sim", "gateway", "--sync", sync, "--seed", str(seed), "--ops", "200", "--losses", "1",
     "--stride", "3", "--faults", "20"] for sync in ("always", "everysec") for seed in SEEDS[:3]]
TIMEOUT = 120


def read_bugs(path):
    """[(name, file, text, replacement)]"""
    bugs = []
    for block in re.split(r"^bug: ", path.read_text(), flags=re.M)[1:]:
        name, _, rest = block.partition("\n")
        file, _, rest = rest.removeprefix("file: ").partition("\n")
        before, _, after = rest.partition("====\n")
        bugs.append((name, file, before, after.rstrip("\n") + "\n" if after.strip() else ""))
    return bugs


def copy_tree():
    """Copies what CMake needs; files that did not change keep their time."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "src", "sim", "include", "proto", "cmake",
         "CMakeLists.txt", "scripts/lint/layers.txt"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    for old in [path for path in TREE.rglob("*") if path.is_file()]:
        if str(old.relative_to(TREE)) not in names:
            old.unlink()
    for name in names:
        source, target = ROOT / name, TREE / name
        if not source.exists() or (target.exists() and filecmp.cmp(source, target, shallow=False)):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def run(command, timeout=None):
    """(exit code, output); the code is None if time ran out."""
    try:
        done = subprocess.run(command, cwd=BUILD, timeout=timeout, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return None, ""


def build(checks):
    programs = sorted({check[0].removeprefix("bin/") for check in checks})
    code, output = run(["cmake", "--build", ".", "-j", JOBS, "--target", *programs])
    return "" if code == 0 else output[-3000:]


def first_finder(checks):
    """What found a bug, or an empty string."""
    for check in checks:
        code, output = run(check, TIMEOUT)
        if code == 0:
            continue
        if code is None:
            return f"{' '.join(check)} hangs"
        line = re.search(r"^\[  FAILED  \] (\S+)|^violation: (.{0,110})", output, re.M)
        return f"{check[0][4:]}: {line[1] or line[2] if line else f'exit code {code}'}"
    return ""


def uses(check, file):
    """False if the check cannot see the file: nothing but their own tests uses the raft modules."""
    of_raft = check[0] in ("bin/nokv_raft_test", "bin/nokv_sim_raft_test")
    of_raftlog = check[0] == "bin/nokv_raftlog_test" or "raftlog" in check
    if file.startswith("src/raft/"):
        return of_raft
    if file.startswith("src/raftlog/"):
        return of_raftlog
    return not of_raft and not (of_raftlog and check[0] == "bin/nokv-sim")


def plant(bug, checks):
    """(what found it, why it could not be planted)"""
    name, file, before, after = bug
    path = TREE / file
    checks = [check for check in checks if uses(check, file)]
    original = path.read_text()
    if original.count(before) != 1:
        return "", f"its text is {original.count(before)} times in {file}"
    path.write_text(original.replace(before, after))
    try:
        errors = build(checks)
        return ("", "it does not build:\n" + errors) if errors else (first_finder(checks), "")
    finally:
        path.write_text(original)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", metavar="PROGRAM", help="run this one, say nokv-sim")
    parser.add_argument("words", nargs="*", metavar="WORD")
    arguments = parser.parse_args()
    words = arguments.words
    checks = [check for check in CHECKS if arguments.only in check[0]]
    bugs = [bug for bug in read_bugs(ROOT / "tests/planted/bugs.txt")
            if not words or any(word in bug[0] for word in words)]
    copy_tree()
    BUILD.mkdir(parents=True, exist_ok=True)
    code, output = run(["cmake", "-G", "Ninja", "-S", str(TREE), "-B", str(BUILD),
                        "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_CXX_FLAGS=-w"])
    errors = output[-3000:] if code != 0 else build(checks)
    if errors:
        sys.exit(f"{errors}\nerror: the sources do not build as they are")
    finder = first_finder(checks)
    if finder:
        sys.exit(f"error: the sources fail as they are: {finder}")
    found = 0
    for bug in bugs:
        start = time.monotonic()
        finder, trouble = plant(bug, checks)
        found += bool(finder)
        verdict = f"found by {finder}" if finder else f"MISSED {trouble}"
        print(f"{time.monotonic() - start:4.0f} s  {bug[0]}: {verdict}", flush=True)
    print(f"{len(bugs)} planted, {found} found")
    sys.exit(0 if found == len(bugs) else 1)


if __name__ == "__main__":
    main()
