#!/usr/bin/env python3
"""Every library compiles under Clang with -Wthread-safety and all warnings as errors."""
import os
import re
import subprocess

import clang_db
import lintlib
from lintlib import Finding

ERROR = re.compile(r"^(\S+?):(\d+):\d+: (?:fatal )?error: (.*)$", re.MULTILINE)


def check(root):
    folder = clang_db.configure(root)
    jobs = os.environ.get("NOKV_JOBS") or str(os.cpu_count())
    result = subprocess.run(["cmake", "--build", str(folder), "-j", jobs, "--target",
                             "nokv_libraries", "--", "-k", "0"],
                            capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return
    found = ERROR.findall(result.stdout)
    for path, line, message in dict.fromkeys(found):
        absolute = os.path.normpath(os.path.join(folder, path))
        yield Finding(absolute.removeprefix(f"{root}/"), int(line), message)
    if not found:
        yield Finding(f"build/{clang_db.PRESET}", 0, result.stdout[-2000:] + result.stderr[-500:])


if __name__ == "__main__":
    lintlib.main(check, __doc__.splitlines()[0])
