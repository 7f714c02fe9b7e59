#!/usr/bin/env python3
"""Planted bugs that can no longer be planted.

The text that each bug of tests/planted/bugs.txt replaces stands once in the file that it names.
"""
import pathlib
import sys

import lintlib
from lintlib import Finding

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "dev"))
import planted_bugs  # noqa: E402

LIST = "tests/planted/bugs.txt"


def check(root):
    files = lintlib.list_files(root)
    if LIST not in files:
        return
    for name, file, text, _ in planted_bugs.read_bugs(root / LIST):
        times = lintlib.read(root, file).count(text) if file in files else 0
        if times != 1:
            yield Finding(LIST, 0, f"the text of '{name}' is {times} times in {file}; it must be there once")


if __name__ == "__main__":
    lintlib.main(check, __doc__.splitlines()[0])
