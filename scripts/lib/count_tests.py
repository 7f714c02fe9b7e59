#!/usr/bin/env python3
"""Prints "N passed, N failed" for a results folder that run_ctest.sh wrote.

A GoogleTest binary counts as the tests in it, any other ctest entry as one. A binary that ended
badly without naming a failed test (a crash, a time-out) adds one failure. Skipped tests count as
neither.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def count_gtest(path):
    passed = failed = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None:
            failed += 1
        elif case.get("status") == "run" and case.get("result") == "completed":
            passed += 1
    return passed, failed


def count(results):
    report = results / "ctest.xml"
    if not report.exists():
        return 0, 0
    passed = failed = 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        ok = case.get("status") == "run"
        skipped = case.find("skipped")
        if case.get("status") == "disabled" or (
                skipped is not None and skipped.get("message", "").startswith("SKIP_")):
            continue  # any other test that did not run (its program is missing) failed
        gtest = results / "gtest" / (case.get("name") + ".xml")
        if not gtest.exists():
            passed, failed = (passed + 1, failed) if ok else (passed, failed + 1)
            continue
        try:
            good, bad = count_gtest(gtest)
        except ElementTree.ParseError:
            good, bad = 0, 0
        passed += good
        failed += bad if ok or bad else 1
    return passed, failed


def main():
    passed, failed = count(pathlib.Path(sys.argv[1]))
    print(f"{passed} passed, {failed} failed")


if __name__ == "__main__":
    main()
