#!/usr/bin/env python3
"""Every header compiles alone, with the flags of the sources beside it."""
import re

import clang_db
import lintlib
from lintlib import Finding

ERROR = re.compile(r"^(\S+?):(\d+):\d+: (?:fatal )?error: (.*)$", re.MULTILINE)


def flags_for(header, commands):
    """The flags of the source of the same name, else of any source in its folder or module."""
    folder = header.rsplit("/", 1)[0] + "/"
    module = "/".join(header.split("/")[:2]) + "/"
    if header[:-2] + ".cc" in commands:
        return commands[header[:-2] + ".cc"]
    for prefix in (folder, module):
        for path in sorted(commands):
            if path.startswith(prefix):
                return commands[path]
    return clang_db.FALLBACK


def check(root):
    clang_db.configure(root)
    commands = clang_db.commands(root)
    jobs = []
    for header in lintlib.cpp_files(root):
        if header.endswith(".h"):
            jobs.append((header, ["clang++-19", *flags_for(header, commands), f"-I{root}/src",
                                  f"-I{root}/include", f"-I{root}", "-fsyntax-only",
                                  "-Wno-pragma-once-outside-header", "-Wno-unused-function",
                                  "-Wno-unused-const-variable", "-x", "c++",
                                  str(root / header)]))
        if header.endswith(".h") and "#pragma once" not in lintlib.read(root, header):
            yield Finding(header, 0, "has no #pragma once")
    for header, result in clang_db.run_all(jobs):
        if result.returncode:
            match = ERROR.search(result.stderr)
            line, message = (int(match.group(2)), match.group(3)) if match else (0, result.stderr)
            yield Finding(header, line, f"does not compile alone: {message}")


if __name__ == "__main__":
    lintlib.main(check, __doc__.splitlines()[0])
