#!/usr/bin/env python3
"""Sizes: no source file over 800 lines, nine in ten at most 500, functions at most 70 lines.

Functions that are longer stand in long_functions.txt with their length; that list may only shrink.
--update lowers its numbers and drops what is gone; it never adds.
"""
import re

import lintlib
from lintlib import Finding

FILE_LIMIT = 800
FILE_GOAL = 500
FUNCTION_LIMIT = 70
RATCHET = "scripts/lint/long_functions.txt"
SCOPE = re.compile(r"\b(?:namespace|class|struct|union|enum)\b[^()]*$|\bextern\s*\"")
NAME = re.compile(r"([~\w:]+|operator\S+)\s*\(")


def opens_scope(head):
    """True if the text before a brace opens a namespace or a type, not a function or initialiser."""
    head = re.sub(r"\b(?:CAPABILITY|SCOPED_CAPABILITY|alignas)\s*\([^()]*\)", "", head)
    return SCOPE.search(head) is not None


def functions(text):
    """(name, first line, lines) of every function defined at namespace or class level."""
    text = lintlib.strip_cpp(text)
    text = re.sub(r"^[ \t]*#.*?(?<!\\)$", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text,
                  flags=re.MULTILINE | re.DOTALL)
    depth, start, head_from, name = 0, 0, 0, ""
    for match in re.finditer(r"[{};]", text):
        mark, at = match.group(0), match.start()
        if depth:  # inside a function: only count braces
            depth += {"{": 1, "}": -1}.get(mark, 0)
            if depth == 0:
                first = text.count("\n", 0, start) + 1
                yield name, first, text.count("\n", start, at) + 1
                head_from = at + 1
            continue
        if mark == "{":
            head = text[head_from:at].strip()
            named = NAME.search(head)
            if named and not opens_scope(head):
                lead = len(text[head_from:at]) - len(text[head_from:at].lstrip())
                depth, start, name = 1, head_from + lead, named.group(1)
            elif not opens_scope(head):
                depth, start, name = 1, at, "(initialiser)"
        head_from = at + 1


def long_functions(root):
    """{(path, name): (first line, lines)} for all over the limit."""
    found = {}
    for path in lintlib.cpp_files(root):
        for name, first, lines in functions(lintlib.read(root, path)):
            if lines > FUNCTION_LIMIT and name != "(initialiser)":
                found[path, name] = (first, lines)
    return found


def read_ratchet(root):
    allowed = {}
    file = root / RATCHET
    if file.exists():
        for line in file.read_text().splitlines():
            if line and not line.startswith("#"):
                path, name, lines = line.split()
                allowed[path, name] = int(lines)
    return allowed


def check_functions(root):
    allowed = read_ratchet(root)
    found = long_functions(root)
    for (path, name), (first, lines) in sorted(found.items()):
        limit = allowed.get((path, name), FUNCTION_LIMIT)
        if lines > limit:
            yield Finding(path, first, f"{name} has {lines} lines, the limit is {limit}: split it")
    for (path, name), limit in sorted(allowed.items()):
        lines = found.get((path, name), (0, 0))[1]
        if lines < limit:
            yield Finding(RATCHET, 0, f"{path} {name} is shorter than the {limit} lines listed: run "
                          "scripts/lint/sizes.py --update")


def check(root):
    sizes = {path: lintlib.read(root, path).count("\n") for path in lintlib.cpp_files(root)}
    for path, lines in sorted(sizes.items()):
        if lines > FILE_LIMIT:
            yield Finding(path, 0, f"{lines} lines, the limit is {FILE_LIMIT}: split the file")
    large = [path for path, lines in sizes.items() if lines > FILE_GOAL]
    if len(large) * 10 > len(sizes):
        yield Finding(", ".join(sorted(large)), 0, f"{len(large)} of {len(sizes)} files have more "
                      f"than {FILE_GOAL} lines, at most one in ten may: split some")
    yield from check_functions(root)


def update(root):
    found = long_functions(root)
    header = [line for line in lintlib.read(root, RATCHET).splitlines() if line.startswith("#")]
    rows = [f"{path} {name} {min(limit, found[path, name][1])}"
            for (path, name), limit in sorted(read_ratchet(root).items()) if (path, name) in found]
    (root / RATCHET).write_text("\n".join(header + rows) + "\n")


def main():
    parser = lintlib.parser(__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="shrink the list of long functions")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    if arguments.update:
        update(root)
    lintlib.report(check(root))


if __name__ == "__main__":
    main()
