"""What the checks share: listing files, reading CMakeLists.txt, C++ without its comments, reporting.

A check is a script with a function check(root) that yields Findings; main(check) runs it on the
repository, or on the tree named by --root (the tests of the checks do that).
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

SKIPPED_FOLDERS = {".git", "build", "artifacts", ".cache", "__pycache__"}
CPP_FOLDERS = ("src", "include", "sim", "bench", "tests")
WAIVER = re.compile(r"//\s*lint:\s*allow\(([a-z-]+)\)\s*(\S?)")


class Finding(NamedTuple):
    path: str
    line: int
    message: str


def list_files(root):
    """Paths of the files under version control or about to be, relative to root and sorted."""
    root = pathlib.Path(root)
    if (root / ".git").exists():
        out = subprocess.run(
            ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"],
            capture_output=True, text=True, check=True).stdout
        return sorted(path for path in out.splitlines() if (root / path).is_file())
    found = []
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name not in SKIPPED_FOLDERS]
        found += [str((pathlib.Path(folder) / file).relative_to(root)) for file in files]
    return sorted(found)


def cpp_files(root):
    return [path for path in list_files(root)
            if path.endswith((".h", ".cc")) and path.split("/")[0] in CPP_FOLDERS]


def is_test(path):
    """True for tests, benchmarks, fuzzers and what only they include."""
    name = path.rsplit("/", 1)[-1]
    return (re.search(r"_(test|bench|fuzz)\.cc$", name) is not None or "test_util" in name
            or name.startswith("testing_") or path.startswith(("tests/", "bench/", "src/testing/")))


def read(root, path):
    return (pathlib.Path(root) / path).read_text(encoding="utf-8", errors="replace")


_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<raw>[^(\s]*)\(.*?\)(?P=raw)"|"(?:\\.|[^"\\\n])*"|'
    r"(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])*'", re.DOTALL)


def strip_cpp(text, keep_strings=False):
    """C++ text with comments (and the insides of literals) blanked; line numbers stay."""
    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        if keep_strings:
            return token
        return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]
    return _TOKEN.sub(blank, text)


def waived(lines, number, rule):
    """True if line `number` (from 1), or the comment right above it, allows the rule with a reason."""
    for index in (number - 1, number - 2):
        if 0 <= index < len(lines):
            if index == number - 2 and not lines[index].lstrip().startswith("//"):
                continue
            match = WAIVER.search(lines[index])
            if match and match.group(1) == rule and match.group(2):
                return True
    return False


def cmake_calls(text, name):
    """The argument lists of every call of `name`, as {keyword: [values]}; '' holds what comes first."""
    text = re.sub(r"#[^\n]*", "", text)
    calls = []
    for match in re.finditer(r"\b" + name + r"\s*\(([^()]*)\)", text):
        groups, keyword = {"": []}, ""
        for token in match.group(1).split():
            token = token.strip('"')
            if re.fullmatch(r"[A-Z][A-Z_]+", token):
                keyword = token
                groups.setdefault(keyword, [])
            else:
                groups[keyword].append(token)
        calls.append(groups)
    return calls


class Module(NamedTuple):
    folder: str  # below src/, as the layer table has it
    name: str
    headers: list
    sources: list
    deps: list  # folders of the modules it names, or "name?" for one that does not exist
    test_deps: list
    program_deps: list  # of the programs beside the library, from target_link_libraries


def read_modules(root):
    """{folder below src/: Module} from every CMakeLists.txt with a nokv_module call."""
    calls, tests, linked = {}, {}, {}
    for path in sorted(pathlib.Path(root).glob("src/**/CMakeLists.txt")):
        folder = str(path.parent.relative_to(pathlib.Path(root) / "src"))
        text = path.read_text()
        for call in cmake_calls(text, "nokv_module"):
            calls[folder] = call
            beside = "\n".join([text] + [file.read_text() for file in path.parent.glob("*.cmake")])
            tests[folder] = cmake_calls(beside, "nokv_(?:test|fuzz)")
            linked[folder] = [word[5:] for group in cmake_calls(beside, "target_link_libraries")
                              for words in group.values() for word in words if word.startswith("nokv_")]
    folder_of = {call["NAME"][0]: folder for folder, call in calls.items()}

    def folders(names):
        return [folder_of.get(name, name + "?") for name in names]

    modules = {}
    for folder, call in calls.items():
        test_deps = call.get("TEST_DEPS", []) + [dep for test in tests[folder]
                                                 for dep in test.get("DEPS", [])]
        modules[folder] = Module(folder, call["NAME"][0], call.get("HEADERS", []),
                                 call.get("SOURCES", []), folders(call.get("DEPS", [])),
                                 folders(test_deps), folders(linked[folder]))
    return modules


def module_of(path, modules):
    """The folder of the module that owns a file below src/, else an empty string."""
    parts = path.split("/")
    if parts[0] != "src":
        return ""
    for end in range(len(parts) - 1, 1, -1):
        folder = "/".join(parts[1:end])
        if folder in modules:
            return folder
    return ""


class Layer(NamedTuple):
    floor: int
    module: str
    owns: str


def read_layers(root):
    layers = []
    for line in read(root, "scripts/lint/layers.txt").splitlines():
        match = re.match(r"(\d+)\s+([a-z0-9_/]+)\s*\|\s*(.*)", line)
        if match:
            layers.append(Layer(int(match.group(1)), match.group(2), match.group(3).strip()))
    return layers


def default_root():
    return pathlib.Path(__file__).resolve().parents[2]


def parser(description):
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--root", default=default_root(), type=pathlib.Path,
                        help="the tree to check (this repository)")
    return result


def report(findings):
    """Prints findings the way compilers do and exits: 1 if there are any."""
    findings = list(findings)
    for finding in findings:
        place = f"{finding.path}:{finding.line}" if finding.line else finding.path
        print(f"{place}: {finding.message}")
    sys.exit(1 if findings else 0)


def main(check, description):
    report(check(parser(description).parse_args().root.resolve()))
