#!/usr/bin/env python3
"""The layer table against the includes.

A module may include itself and the modules it names in DEPS; those stand on earlier lines of
scripts/lint/layers.txt, so there can be no circle. Nothing in src/ uses sim/, bench/ or tests/.
No header that brings in heavy third-party headers is included by another module. ARCHITECTURE.md
quotes the table (--write renews it).

What is made from proto/ counts as a heavy header of the module proto. What programs embed, engine
and all below it, names neither proto nor rpc: it links no gRPC and no protobuf.
"""
import pathlib
import re

import lintlib
from lintlib import Finding

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
HEAVY = ("asio", "nlohmann/", "CLI/", "httplib", "spdlog/", "fmt/", "absl/", "grpc", "google/")
EMBEDDED = "engine"
NOT_EMBEDDED = ("proto", "rpc")
GENERATED = ".pb.h"  # made from proto/ by the module of that name
TABLE = re.compile(r"<!-- layers:begin -->\n.*?<!-- layers:end -->", re.DOTALL)


def is_heavy(angled):
    return bool(angled) and (angled.startswith(HEAVY) or angled.endswith(GENERATED))


def includes(root, path):
    """(line, quoted, angled) for each include of a file."""
    text = lintlib.strip_cpp(lintlib.read(root, path), keep_strings=True)
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2)


def check_modules(modules, order):
    for name, module in sorted(modules.items()):
        path = f"src/{name}/CMakeLists.txt"
        if name not in order:
            yield Finding(path, 0, f"module {name} is not in scripts/lint/layers.txt: give it a floor")
            continue
        for dep in module.deps + [dep for dep in module.program_deps if dep in order]:
            if dep not in order:
                yield Finding(path, 0, f"DEPS names {dep}, which is not in scripts/lint/layers.txt")
            elif order[dep] >= order[name] and (dep != name or dep in module.deps):
                yield Finding(path, 0, f"{name} may not use {dep}: it stands above or beside it; "
                              "take an interface from the caller instead")


def check_embedded(modules):
    """What is embedded stays cheap to link."""
    todo, seen = [EMBEDDED], set()
    while todo:
        name = todo.pop()
        if name in seen or name not in modules:
            continue
        seen.add(name)
        todo += modules[name].deps
        if name.split("/")[0] in NOT_EMBEDDED:
            yield Finding("src/engine/CMakeLists.txt", 0, f"the embedded library reaches {name} through "
                          "its DEPS: it must link neither gRPC nor protobuf")


def check_src_include(path, line, included, modules, owners):
    """A quoted include in src/."""
    user = lintlib.module_of(path, modules)
    top = included.split("/")[0]
    if top == "nokv":
        used = owners.get("include/" + included, "")
    else:
        used = lintlib.module_of("src/" + included, modules)
    if top in ("sim", "bench", "tests"):
        yield Finding(path, line, f"src/ may not use {top}/: move what you need into a module")
    elif top == "nokv" and not used:
        yield Finding(path, line, f'"{included}" is listed in HEADERS of no module')
    elif not used:
        yield Finding(path, line, f'"{included}" is in no module: write "module/file.h", or '
                      "<...> for what is not ours")
    elif used != user:
        allowed = set(modules[user].deps)
        if lintlib.is_test(path):
            allowed |= set(modules[user].test_deps)
        own = modules[user].headers + modules[user].sources
        if path[len(f"src/{user}/"):] not in own:  # of a program beside the library
            allowed |= set(modules[user].program_deps)
        if used not in allowed:
            yield Finding(path, line, f"{user} includes {included} but does not name "
                          f"{modules[used].name} in DEPS of src/{user}/CMakeLists.txt: name it if its "
                          "floor allows, else take an interface from the caller")


def check_generated(path, line, included, modules):
    """An include in src/ of what is made from proto/."""
    user = lintlib.module_of(path, modules)
    allowed = modules[user].deps + (modules[user].test_deps if lintlib.is_test(path) else [])
    if "proto" not in allowed:
        yield Finding(path, line, f"{user} includes {included} but does not name proto in DEPS of "
                      f"src/{user}/CMakeLists.txt")


def heavy_headers(root):
    """{header in src/, as it is included: the heavy header that it brings in, perhaps through others}."""
    direct, used = {}, {}
    for path in lintlib.cpp_files(root):
        if path.startswith("src/") and path.endswith(".h"):
            found = list(includes(root, path))
            direct[path[4:]] = next((a for _, _, a in found if is_heavy(a)), "")
            used[path[4:]] = [quoted for _, quoted, _ in found if quoted]
    changed = True
    while changed:
        changed = False
        for header in used:
            reached = next((direct[u] for u in used[header] if direct.get(u)), "")
            if reached and not direct[header]:
                direct[header] = reached
                changed = True
    return {header: heavy for header, heavy in direct.items() if heavy}


def public_owners(modules):
    """{include/nokv/x.h: the module that lists it in HEADERS}."""
    owners = {}
    for name, module in modules.items():
        for header in module.headers:
            match = re.search(r"include/nokv/.*", header)
            if match:
                owners[match.group(0)] = name
    return owners


def table(layers):
    rows = ["<!-- layers:begin -->", "| floor | module | what it owns |", "|---|---|---|"]
    rows += [f"| {layer.floor} | `{layer.module}/` | {layer.owns} |" for layer in layers]
    return "\n".join(rows + ["<!-- layers:end -->"])


def check(root):
    layers = lintlib.read_layers(root)
    order = {layer.module: index for index, layer in enumerate(layers)}
    modules = lintlib.read_modules(root)
    owners = public_owners(modules)
    heavy = heavy_headers(root)
    yield from check_modules(modules, order)
    yield from check_embedded(modules)
    if [layer.floor for layer in layers] != sorted(layer.floor for layer in layers):
        yield Finding("scripts/lint/layers.txt", 0, "floors must rise from line to line")
    for path in lintlib.cpp_files(root):
        for line, quoted, angled in includes(root, path):
            if path.startswith("include/"):
                if quoted and not quoted.startswith("nokv/"):
                    yield Finding(path, line, f'a public header may not include "{quoted}": only '
                                  "nokv/ and standard headers")
                if angled and "/" in angled or is_heavy(angled):
                    yield Finding(path, line, f"a public header may not include <{angled}>: no "
                                  "third-party type in a public signature")
            elif (angled or "").endswith(GENERATED) and lintlib.module_of(path, modules):
                yield from check_generated(path, line, angled, modules)
            elif quoted and lintlib.module_of(path, modules):
                yield from check_src_include(path, line, quoted, modules, owners)
                if quoted in heavy and \
                        lintlib.module_of("src/" + quoted, modules) != lintlib.module_of(path, modules):
                    yield Finding(path, line, f'"{quoted}" brings in <{heavy[quoted]}>: keep that '
                                  "in the .cc files of its module")
    architecture = pathlib.Path(root) / "ARCHITECTURE.md"
    if architecture.exists() and table(layers) not in architecture.read_text():
        yield Finding("ARCHITECTURE.md", 0, "its layer table differs from scripts/lint/layers.txt: "
                      "run scripts/lint/layers.py --write")


def main():
    parser = lintlib.parser(__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="renew the table in ARCHITECTURE.md")
    arguments = parser.parse_args()
    if arguments.write:
        path = arguments.root / "ARCHITECTURE.md"
        new = table(lintlib.read_layers(arguments.root))
        path.write_text(TABLE.sub(lambda _: new, path.read_text()))
    lintlib.report(check(arguments.root.resolve()))


if __name__ == "__main__":
    main()
