#!/usr/bin/env python3
"""Files that nothing uses.

Every C++ file is named in a CMakeLists.txt, every script is named by another file, every page in
docs/ is reached from docs/README.md, and no link in a page is broken.
"""
import pathlib
import re

import lintlib
from lintlib import Finding

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
# Tools find these by their place, not by name.
FOUND_BY_PLACE = re.compile(r"^scripts/lint/tests/\w+\.py$|^\.ci/run$")


def check_sources(root, files):
    named = set()
    for path in files:
        if path.endswith(("CMakeLists.txt", ".cmake")):
            folder = pathlib.PurePosixPath(path).parent
            for token in re.findall(r"[\w./-]+\.(?:cc|h)\b", lintlib.read(root, path)):
                parts = []
                for part in (folder / token).parts:
                    if part == "..":
                        parts = parts[:-1]
                    else:
                        parts.append(part)
                named.add("/".join(parts))
    for path in lintlib.cpp_files(root):
        if path not in named:
            yield Finding(path, 0, "is in no CMakeLists.txt: list it in its module, or delete it")


def check_scripts(root, files):
    texts = {}
    for path in files:
        if path.endswith((".sh", ".py", ".txt", ".md", ".cc", ".h", ".cmake", ".json", "Makefile")) \
                or path.startswith((".ci/", ".github/")):
            texts[path] = lintlib.read(root, path)
    for path in files:
        if not path.startswith("scripts/") or FOUND_BY_PLACE.match(path):
            continue
        name = path.rsplit("/", 1)[-1]
        # A Python module is imported, and a check is run, by its stem.
        stem = name[:-3] if path.startswith("scripts/lint/") and name.endswith((".py", ".sh")) else name
        pattern = re.compile(r"(?<![\w-])" + re.escape(stem) + r"(?!\w)")
        if not any(pattern.search(text) for other, text in texts.items()
                   if other != path and not other.startswith("scripts/lint/tests/")):
            yield Finding(path, 0, "is named by no other file: use it, or delete it")


def check_docs(root, files):
    pages = [path for path in files if path.endswith(".md")]
    reached, todo = set(), ["docs/README.md", "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or page not in pages:
            continue
        reached.add(page)
        for target in LINK.findall(lintlib.read(root, page)):
            if "://" in target or target.startswith("mailto:"):
                continue
            absolute = (root / page).parent / target
            if not absolute.exists():
                yield Finding(page, 0, f"its link to {target} leads nowhere")
            elif target.endswith(".md"):
                todo.append(str(absolute.resolve().relative_to(root)))
    for page in pages:
        if page.startswith("docs/") and page not in reached:
            yield Finding(page, 0, "is not reached from docs/README.md: link it, or delete it")


def check(root):
    files = lintlib.list_files(root)
    yield from check_sources(root, files)
    yield from check_scripts(root, files)
    yield from check_docs(root, files)


if __name__ == "__main__":
    lintlib.main(check, __doc__.splitlines()[0])
