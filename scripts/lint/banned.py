#!/usr/bin/env python3
"""Calls that belong to one floor only; each message names the replacement.

A line is excused by a comment on it or right above it:  // lint: allow(rule) reason
"""
import re
from typing import NamedTuple

import lintlib
from lintlib import Finding


class Rule(NamedTuple):
    name: str
    pattern: str
    allowed: tuple  # path prefixes where the call belongs
    in_tests: bool  # whether tests and benchmarks must obey too
    instead: str


ABOVE_FACADE = ("src/redis/", "src/server/", "src/console/", "src/cli/")
RULES = [
    Rule("clock", r"\b(?:steady|system|high_resolution)_clock::now\b|\bclock_gettime\s*\(|"
         r"\bgettimeofday\s*\(|(?<![\w.>])(?:std::|::)?time\s*\(\s*(?:nullptr|NULL|0|&)",
         ("src/base/clock.cc",), False, "take a base::Clock& (runtime::Runtime::clock())"),
    Rule("thread", r"\bstd::(?:jthread|async)\b|\bstd::thread\b(?!::)|\bpthread_create\b",
         ("src/runtime/",), False, "post a task to runtime::Runtime"),
    Rule("sleep", r"\bsleep_(?:for|until)\b|(?<![\w.>])(?:::)?(?:u|nano)?sleep\s*\(",
         ("src/runtime/",), True,
         "use runtime::Runtime::PostAfter; in tests, SimRuntime's virtual time"),
    Rule("random", r"\bstd::(?:random_device|mt19937(?:_64)?|default_random_engine|minstd_rand)\b|"
         r"(?<![\w.>])(?<!Random )(?:std::|::)?s?rand\s*\(|::s?random\s*\(|\bgetrandom\s*\(|\bdrand48\s*\(",
         ("src/base/random.cc",), True, "take a base::Random& made from a seed"),
    Rule("file", r"\bstd::(?:basic_)?[io]?fstream\b|\bstd::filesystem\b|\b(?:std::|::)?fopen\s*\(|"
         r"(?<![\w:.>])::(?:open|openat|creat|read|write|pread|pwrite|pwritev|unlink|rename|mkdir|"
         r"rmdir|fsync|fdatasync|ftruncate|fallocate|stat|fstat|opendir|mmap|munmap|msync)\s*\(",
         ("src/vfs/",), False, "take a vfs::FileSystem&"),
    Rule("socket", r"(?<![\w:.>])::(?:socket|bind|listen|connect|accept4?|send|recv|sendmsg|recvmsg|"
         r"getaddrinfo|epoll_\w+)\s*\(|<sys/socket\.h>|<netinet/|<asio|<httplib\.h>",
         ("src/rpc/",), False, "use the byte streams and HTTP of rpc/"),
    Rule("wait", r"\bCondVar\b|\bstd::condition_variable(?:_any)?\b|\bstd::(?:latch|barrier|promise|"
         r"future|shared_future|counting_semaphore|binary_semaphore)\b|(?:\.|->)Wait\s*\(\s*\)",
         ("src/base/", "src/runtime/", "src/engine/db.cc", "src/engine/outcome.h",
          "src/engine/transaction.cc", "src/rpc/") + ABOVE_FACADE, False,
         "nothing below the engine's facade waits: complete a callback on runtime::Runtime "
         "(docs/design/0002)"),
    Rule("mutex", r"\bstd::(?:recursive_|shared_|timed_)?mutex\b|"
         r"\bstd::(?:lock_guard|unique_lock|scoped_lock|shared_lock)\b|\bpthread_mutex",
         ("src/base/mutex.h",), True, "use base::Mutex and base::MutexLock, which Clang checks"),
    Rule("environment", r"\b(?:secure_)?getenv\s*\(|\bsetenv\s*\(", ("src/cli/", "src/testing/"),
         False, "read it in cli/ and pass it on as an option"),
    Rule("console", r"\bstd::(?:cout|cerr|clog)\b|(?<![\w.>])(?:std::|::)?(?:f?printf|f?puts)\s*\(",
         ("src/cli/", "src/base/check.cc", "sim/main", "sim/cli"), False,
         "return the text, or log through base::Logger"),
    Rule("exit", r"(?<![\w.>])(?:std::|::)?(?:_?exit|quick_exit|abort)\s*\(",
         ("src/cli/", "src/base/"), False, "return a Status; NOKV_CHECK for broken invariants"),
    Rule("throw", r"\bthrow\b", (), True, "return a Status"),
]
COMPILED = [(rule, re.compile(rule.pattern)) for rule in RULES]
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
UNORDERED = re.compile(
    r"\b(?:std::unordered_(?:multi)?(?:map|set)|StringMap|StringSet|(?:flat|node)_hash_(?:map|set))"
    r"\s*<[^;(){}]*?>\s*&?\s*(\w+)\s*(?:GUARDED_BY\([^)]*\)\s*)?[;={,)]")
RANGE_FOR = re.compile(r"\bfor\s*\([^;()]*?:\s*([^)]*?)(\w+)(?:\(\))?\s*\)\s*[{\w]")


def applies(rule, path):
    if path.startswith(rule.allowed):
        return False
    return rule.in_tests or not lintlib.is_test(path)


def unordered_names(root, path):
    """Variables of hash-map type declared in this file or the header of the same name."""
    texts = [lintlib.strip_cpp(lintlib.read(root, path))]
    if path.endswith(".cc"):
        header = root / (path[:-3] + ".h")
        if header.exists():
            texts.append(lintlib.strip_cpp(header.read_text()))
    return {match.group(1) for text in texts for match in UNORDERED.finditer(text)}


def check_file(root, path):
    raw = lintlib.read(root, path)
    lines = raw.splitlines()
    text = lintlib.strip_cpp(raw)
    # An include in angle brackets is code to these patterns.
    for number, line in enumerate(text.splitlines(), 1):
        for rule, pattern in COMPILED:
            if applies(rule, path) and pattern.search(line) and \
                    not lintlib.waived(lines, number, rule.name):
                yield Finding(path, number, f"banned here ({rule.name}): {rule.instead}")
    for number, line in enumerate(lines, 1):
        if UNFINISHED.search(line):
            yield Finding(path, number, "banned (unfinished): finish it or leave it out")
    if lintlib.is_test(path):
        return
    names = unordered_names(root, path)
    for match in RANGE_FOR.finditer(text):
        number = text.count("\n", 0, match.start()) + 1
        if match.group(2) in names and not lintlib.waived(lines, number, "hash-order"):
            yield Finding(path, number, f"banned here (hash-order): {match.group(2)} has no order; "
                          "use std::map, or copy the keys and sort them")


def check(root):
    for path in lintlib.cpp_files(root):
        if path.startswith(("src/", "include/", "sim/", "tests/", "bench/")):
            yield from check_file(root, path)


if __name__ == "__main__":
    lintlib.main(check, __doc__.splitlines()[0])
