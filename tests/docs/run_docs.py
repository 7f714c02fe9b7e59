#!/usr/bin/env python3
"""Runs what the pages tell the reader to type.

Three kinds of fenced blocks count; the word after the language says which:

  ```sh run       executed, in order, one shell per page, in an empty folder, with the built programs
                  in PATH and the folder scripts/. Ports that servers have by default (PORTS), and those of
                  clusters, are replaced by free ones. After a line that ends
                  in & the shell waits until the port named in that line answers.
  ```text output  follows a run block: these lines must be what it printed, in this order; `...`
                  within a line stands for anything, a line of its own for any lines
  ```cpp from F   must stand in the file F of the repository, which a test builds and runs
  ```sh           not executed: each line must be a command that .ci/run executes anyway; those are
                  listed in ci_commands.txt with the line of .ci/run that does it

A page with a command that is none of these fails. Usage: run_docs.py ROOT BIN_DIR [PAGE...]
"""
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
from typing import NamedTuple

FENCE = re.compile(r"^```[ \t]*([^\n]*)\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
MARK = "<<nokv-docs-block-{}>>"
TIMEOUT_SECONDS = 120
ROOT = pathlib.Path(__file__).resolve().parents[2]
PORTS = (6380, 9100, 9494)
# Of a control plane; pages may show them with --port-offset 100, too.
CLUSTER_PORTS = (2379, 2380, 2381, 2382, 2383, 3380, 3381, 3382)
PORT_OFFSET = 100
PRELUDE = """set -euo pipefail
wait_for() {
  for _ in $(seq 600); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
    kill -0 $! 2>/dev/null || break
    sleep 0.05
  done
  echo "nothing listens on port $1" >&2
  return 1
}
"""


class Block(NamedTuple):
    line: int
    kind: str  # "run", "output" or "listed"
    text: str


def blocks(page_text):
    kinds = {"sh run": "run", "text output": "output", "sh": "listed", "bash": "listed",
             "shell": "listed", "console": "listed"}
    for match in FENCE.finditer(page_text):
        kind = kinds.get(match.group(1).strip())
        if kind:
            yield Block(page_text.count("\n", 0, match.start()) + 1, kind, match.group(2))


def commands(text):
    """The commands of a block: continuation lines joined, comments and blank lines dropped."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [re.sub(r"\s+#.*$", "", line).strip() for line in lines
            if line.strip() and not line.lstrip().startswith("#")]


def read_list(path):
    """{command: the line of .ci/run that executes it}."""
    listed = {}
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            command, _, runner = line.partition("|")
            listed[command.strip()] = runner.strip()
    return listed


def free_port():
    """Below the ports that the system gives to connections, so that it stays free between two
    servers of a page."""
    while True:
        port = random.randrange(10000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def free_offset():
    """What can be added to the ports of a cluster."""
    while True:
        offset = free_port() - CLUSTER_PORTS[0]
        try:
            for port in CLUSTER_PORTS:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return offset


def choose_ports():
    """{port in pages: free one}"""
    offset = free_offset()
    ports = {port: free_port() for port in PORTS}
    for port in CLUSTER_PORTS:
        ports[port] = ports[port + PORT_OFFSET] = port + offset
    return ports


def substitute_ports(text, ports):
    offset = ports.get(CLUSTER_PORTS[0], 0) - CLUSTER_PORTS[0]
    text = re.sub(rf"--port-offset {PORT_OFFSET}\b", f"--port-offset {offset}", text)
    return re.sub(r"\b\d{4}\b", lambda found: str(ports.get(int(found[0]), found[0])), text)


def script(run_blocks):
    parts = [PRELUDE]
    for index, block in enumerate(run_blocks):
        parts.append(f"echo '{MARK.format(index)}'")
        for command in block.text.rstrip("\n").splitlines():
            parts.append(command)
            port = re.search(r":(\d{4,5})\b", command)
            if command.rstrip().endswith("&") and port:
                parts.append(f"wait_for {port.group(1)}")
    return "\n".join(parts) + "\n"


def execute(text, bin_dir):
    """Runs a script in an empty folder; returns its exit code and everything it printed."""
    with tempfile.TemporaryDirectory(prefix="nokv-docs-") as folder:
        output = pathlib.Path(folder, "output")
        work = pathlib.Path(folder, "work")
        work.mkdir()
        (work / "scripts").symlink_to(ROOT / "scripts")
        environment = dict(os.environ, PATH=f"{bin_dir}:{os.environ['PATH']}", HOME=str(work),
                           NOKV_BINARY_DIR=str(bin_dir))
        with output.open("wb") as sink:
            process = subprocess.Popen(["bash", "-c", text], cwd=work, env=environment, stdout=sink,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                       start_new_session=True)
            try:
                code = process.wait(TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                code = 124
            try:
                os.killpg(process.pid, signal.SIGKILL)  # what the page left in the background
            except ProcessLookupError:
                pass
            process.wait()
        return code, output.read_text(errors="replace")


def matches(expected, printed):
    """True if the lines printed are the lines expected, with `...` as a wildcard."""
    pattern = ""
    for line in expected.rstrip("\n").splitlines():
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += "[^\n]*".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ ]*\n"
    return re.fullmatch(pattern, printed if printed.endswith("\n") else printed + "\n") is not None


def check_page(path, text, bin_dir, listed):
    """Complaints about one page."""
    found = list(blocks(text))
    for block in found:
        if block.kind == "listed":
            for command in commands(block.text):
                if command not in listed:
                    yield (f"{path}:{block.line}: nothing runs '{command}': make it a ```sh run block, "
                           "or list it in tests/docs/ci_commands.txt if .ci/run executes it")
    ports = choose_ports()
    run_blocks = [Block(block.line, block.kind, substitute_ports(block.text, ports))
                  for block in found if block.kind == "run"]
    if not run_blocks:
        return
    code, printed = execute(script(run_blocks), bin_dir)
    if code:
        yield f"{path}: its commands end with exit code {code}; they printed:\n{printed}"
        return
    pieces = re.split(MARK.format(r"\d+") + "\n", printed)[1:]
    index = -1
    for block in found:
        if block.kind == "run":
            index += 1
        elif block.kind == "output":
            expected = substitute_ports(block.text, ports)
            if index < 0 or not matches(expected, pieces[index]):
                got = pieces[index] if index >= 0 else "nothing: no run block stands before it"
                yield f"{path}:{block.line}: expected\n{expected}but the commands printed\n{got}"


def check_quotes(root, path, text):
    """Complaints about code that is not what its file says."""
    for match in FENCE.finditer(text):
        quoted = re.fullmatch(r"cpp from (\S+)", match.group(1).strip())
        if quoted and match.group(2) not in (root / quoted.group(1)).read_text():
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: this is not in {quoted.group(1)}"


def check_list(root, listed):
    ci = (root / ".ci/run").read_text()
    makefile = (root / "Makefile").read_text()
    for command, runner in listed.items():
        if runner not in ci:
            yield f"tests/docs/ci_commands.txt: .ci/run has no '{runner}', said to run '{command}'"
        target = re.fullmatch(r"make ([a-z]+)", command)
        if target and not re.search(rf"^{target.group(1)}:", makefile, re.MULTILINE):
            yield f"tests/docs/ci_commands.txt: the Makefile has no target for '{command}'"


def main():
    root, bin_dir = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    pages = [pathlib.Path(page) for page in sys.argv[3:]]
    pages = pages or sorted([*root.glob("*.md"), *root.glob("docs/**/*.md")])
    listed = read_list(root / "tests/docs/ci_commands.txt")
    complaints = list(check_list(root, listed))
    for page in pages:
        name, text = os.path.relpath(page, root), page.read_text()
        complaints += check_page(name, text, bin_dir, listed)
        complaints += check_quotes(root, name, text)
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
