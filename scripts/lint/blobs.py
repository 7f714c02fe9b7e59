#!/usr/bin/env python3
"""No binary file, and none over 256 KiB, in the repository: history keeps it for ever."""
import lintlib
from lintlib import Finding

LIMIT_BYTES = 256 * 1024


def check(root):
    for path in lintlib.list_files(root):
        size = (root / path).stat().st_size
        if size > LIMIT_BYTES:
            yield Finding(path, 0, f"{size} bytes, the limit is {LIMIT_BYTES}: generate it in the test "
                          "or leave it out")
        elif b"\0" in (root / path).read_bytes():
            yield Finding(path, 0, "is binary, and no difference can be read: generate it in the test, "
                          "or write it as text")


if __name__ == "__main__":
    lintlib.main(check, __doc__.splitlines()[0])
