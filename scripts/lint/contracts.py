#!/usr/bin/env python3
"""The contracts of proto/: they compile without a warning, are formatted, and keep what was released.

proto/released.txt lists every field, enum value and method that others may rely on. It may grow but
not change: a number is never given to something else, a type never replaced. --write formats the
files and adds what is new to the list.
"""
import pathlib
import re
import subprocess
import tempfile

import lintlib
from lintlib import Finding

STYLE = "{Language: Proto, BasedOnStyle: Google, ColumnLimit: 100, ReflowComments: false}"
RELEASED = "proto/released.txt"
HEADER = "# What of proto/ others may rely on. Lines are added by scripts/gen.sh, and stay.\n"
TOKEN = re.compile(r'([\w.]+)\s*(?::\s*("(?:[^"\\]|\\.)*"|[\w.-]+)|\{)|(\})')


def contracts(root):
    return [path for path in lintlib.list_files(root)
            if path.startswith("proto/") and path.endswith(".proto")]


def clang_format(root, arguments, files):
    return subprocess.run(["clang-format-19", f"--style={STYLE}", *arguments, *files], cwd=root,
                          capture_output=True, text=True, check=False)


def parse_text(text):
    """Text format as {field: [values]}; messages become dictionaries."""
    stack = [{}]
    for name, value, close in TOKEN.findall(text):
        if close:
            stack.pop()
        elif value:
            stack[-1].setdefault(name, []).append(value.strip('"'))
        else:
            inner = {}
            stack[-1].setdefault(name, []).append(inner)
            stack.append(inner)
    return stack[0]


def first(message, name, default=""):
    return message.get(name, [default])[0]


def members_of_message(message, scope):
    scope = f"{scope}.{first(message, 'name')}"
    for field in message.get("field", []):
        kind = first(field, "type_name") or first(field, "type")
        label = "repeated " if first(field, "label") == "LABEL_REPEATED" else ""
        yield (f"{scope}.{first(field, 'name')}",
               f"= {first(field, 'number')} {label}{kind.removeprefix('TYPE_').lstrip('.')}")
    for inner in message.get("nested_type", []):
        yield from members_of_message(inner, scope)
    for inner in message.get("enum_type", []):
        yield from members_of_enum(inner, scope)


def members_of_enum(enum, scope):
    for value in enum.get("value", []):
        yield f"{scope}.{first(enum, 'name')}.{first(value, 'name')}", f"= {first(value, 'number')}"


def members_of_service(service, scope):
    for method in service.get("method", []):
        sides = ["stream " if first(method, f"{side}_streaming") == "true" else ""
                 for side in ("client", "server")]
        types = [first(method, f"{side}_type").lstrip(".") for side in ("input", "output")]
        yield (f"{scope}.{first(service, 'name')}.{first(method, 'name')}",
               f"({sides[0]}{types[0]}) ({sides[1]}{types[1]})")


def members(descriptors):
    """{full name: what about it must stay}."""
    found = {}
    for file in descriptors.get("file", []):
        scope = first(file, "package")
        for message in file.get("message_type", []):
            found.update(members_of_message(message, scope))
        for enum in file.get("enum_type", []):
            found.update(members_of_enum(enum, scope))
        for service in file.get("service", []):
            found.update(members_of_service(service, scope))
    return found


def compile_contracts(root, files):
    """(what they define, what protoc complains about)."""
    with tempfile.NamedTemporaryFile() as output:
        compiled = subprocess.run(
            ["protoc", "-I", "proto", "--descriptor_set_out", output.name, *files], cwd=root,
            capture_output=True, text=True, check=False)
        if compiled.returncode or compiled.stderr.strip():
            return {}, compiled.stderr.strip()
        text = subprocess.run(
            ["protoc", "--decode=google.protobuf.FileDescriptorSet", "-I/usr/include",
             "google/protobuf/descriptor.proto"], stdin=output, capture_output=True, text=True, check=True)
    return members(parse_text(text.stdout)), ""


def read_released(root):
    file = pathlib.Path(root) / RELEASED
    lines = file.read_text().splitlines() if file.exists() else []
    return dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))


def check(root):
    files = contracts(root)
    if not files:
        return
    found, complaint = compile_contracts(root, files)
    if complaint:
        yield Finding("proto", 0, complaint)
        return
    result = clang_format(root, ["--dry-run", "-Werror"], files)
    for path in sorted({line.split(":")[0] for line in result.stderr.splitlines() if ": error:" in line}):
        yield Finding(path, 0, "is not formatted: run scripts/gen.sh")
    released = read_released(root)
    for name, what in sorted(released.items()):
        if name not in found:
            yield Finding(RELEASED, 0, f"{name} is gone: others may rely on it; keep it, and mark it deprecated")
        elif found[name] != what:
            yield Finding(RELEASED, 0, f"{name} was {what} and is {found[name]}: add a new one instead")
    for name in sorted(set(found) - set(released)):
        yield Finding(RELEASED, 0, f"{name} is not listed: run scripts/gen.sh")


def write(root):
    files = contracts(root)
    clang_format(root, ["-i"], files)
    lines = {**compile_contracts(root, files)[0], **read_released(root)}
    (root / RELEASED).write_text(HEADER + "".join(f"{name} {what}\n" for name, what in sorted(lines.items())))


def main():
    parser = lintlib.parser(__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="format, and list what is new")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    if arguments.write:
        write(root)
    lintlib.report(check(root))


if __name__ == "__main__":
    main()
