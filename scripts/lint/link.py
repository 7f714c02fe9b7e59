#!/usr/bin/env python3
"""Each module links alone with the modules it names in DEPS: an upward call is an undefined symbol."""
import os
import re
import subprocess

import clang_db
import lintlib
from lintlib import Finding

UNDEFINED = re.compile(r"undefined (?:symbol: |reference to [`'])(.*?)'?$", re.MULTILINE)
FAILED = re.compile(r"^FAILED: \S*?nokv_(\w+)_link_test", re.MULTILINE)


def check(root):
    clang_db.configure(root, "release")
    jobs = os.environ.get("NOKV_JOBS") or str(os.cpu_count())
    result = subprocess.run(["cmake", "--build", "build", "-j", jobs, "--target", "nokv_link_tests",
                             "--", "-k", "0"], cwd=root, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return
    folder_of = {module.name: module.folder for module in lintlib.read_modules(root).values()}
    parts = FAILED.split(result.stdout)
    for module, text in zip(parts[1::2], parts[2::2]):
        symbols = ", ".join(dict.fromkeys(UNDEFINED.findall(text))) or text[:500]
        yield Finding(f"src/{folder_of[module]}/CMakeLists.txt", 0, f"{module} does not link with its DEPS alone; "
                      f"missing: {symbols}")
    if len(parts) == 1:
        yield Finding("build", 0, result.stdout[-2000:] + result.stderr[-500:])


if __name__ == "__main__":
    lintlib.main(check, __doc__.splitlines()[0])
