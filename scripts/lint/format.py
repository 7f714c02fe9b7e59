#!/usr/bin/env python3
"""Every C++ file is as clang-format-19 writes it; --write makes it so."""
import subprocess

import lintlib
from lintlib import Finding


def run(root, arguments, files):
    return subprocess.run(["clang-format-19", "--style=file", *arguments, *files], cwd=root,
                          capture_output=True, text=True, check=False)


def check(root):
    files = lintlib.cpp_files(root)
    if not files:
        return
    result = run(root, ["--dry-run", "-Werror"], files)
    bad = {line.split(":")[0] for line in result.stderr.splitlines() if ": error:" in line}
    for path in sorted(bad):
        yield Finding(path, 0, "is not formatted: run make format")
    if result.returncode and not bad:
        yield Finding("clang-format-19", 0, result.stderr.strip() or "failed")


def main():
    parser = lintlib.parser(__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="format in place")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    if arguments.write:
        run(root, ["-i"], lintlib.cpp_files(root))
    lintlib.report(check(root))


if __name__ == "__main__":
    main()
