#!/usr/bin/env python3
"""clang-tidy-19 on the C++ sources changed lately.

Changed lately: in the working tree or in the last few commits (--commits), the most recent first,
at most --limit files. A changed header is seen through the source of the same name.
"""
import re
import subprocess

import clang_db
import lintlib
from lintlib import Finding

DIAGNOSTIC = re.compile(r"^(\S+?):(\d+):\d+: (?:error|warning): (.*)$", re.MULTILINE)


def git(root, *arguments):
    result = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True,
                            check=False)
    return result.stdout.splitlines() if result.returncode == 0 else []


def changed(root, commits):
    """Paths changed lately, the working tree's first; every file if history does not tell."""
    if not git(root, "rev-parse", "--verify", "HEAD"):
        return lintlib.cpp_files(root)
    paths = git(root, "diff", "--name-only", "HEAD")
    paths += git(root, "ls-files", "--others", "--exclude-standard")
    paths += git(root, "log", f"-{commits}", "--no-merges", "--name-only", "--format=")
    return list(dict.fromkeys(path for path in paths if path))


def select(root, commits, limit, known):
    chosen = []
    for path in changed(root, commits):
        source = path[:-2] + ".cc" if path.endswith(".h") else path
        if source in known and (root / source).exists() and source not in chosen:
            chosen.append(source)
    return chosen[:limit]


def check(root, commits, limit):
    folder = clang_db.configure(root)
    files = select(root, commits, limit, clang_db.commands(root))
    jobs = [(path, ["clang-tidy-19", "--quiet", "-p", str(folder), str(root / path)])
            for path in files]
    for path, result in clang_db.run_all(jobs):
        seen = DIAGNOSTIC.findall(result.stdout)
        for file, line, message in seen:
            yield Finding(file.replace(str(root) + "/", ""), int(line), message)
        if result.returncode and not seen:
            yield Finding(path, 0, "clang-tidy-19 failed: " + (result.stderr.strip() or "no message"))


def main():
    parser = lintlib.parser(__doc__.splitlines()[0])
    parser.add_argument("--commits", type=int, default=20)
    parser.add_argument("--limit", type=int, default=30)
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    lintlib.report(dict.fromkeys(check(root, arguments.commits, arguments.limit)))


if __name__ == "__main__":
    main()
