#!/usr/bin/env python3
"""shellcheck on every shell script; each starts in strict mode or sources a library that does."""
import subprocess

import lintlib
from lintlib import Finding


def is_shell(root, path):
    if path.endswith(".sh"):
        return True
    if "." in path.rsplit("/", 1)[-1]:
        return False
    return lintlib.read(root, path)[:64].split("\n")[0] in ("#!/usr/bin/env bash", "#!/bin/bash")


def check(root):
    scripts = [path for path in lintlib.list_files(root) if is_shell(root, path)]
    for path in scripts:
        text = lintlib.read(root, path)
        if text.startswith("#!") and "set -euo pipefail" not in text and "common.sh" not in text:
            yield Finding(path, 0, "add set -euo pipefail, or source scripts/lib/common.sh")
    if scripts:
        result = subprocess.run(["shellcheck", "--severity=style", "--format=gcc", *scripts], cwd=root,
                                capture_output=True, text=True, check=False)
        for line in result.stdout.splitlines():
            path, number, message = line.split(":", 2)
            yield Finding(path, int(number), message)


if __name__ == "__main__":
    lintlib.main(check, __doc__.splitlines()[0])
