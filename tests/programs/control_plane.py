"""Starts a control plane of real processes, three nodes of the root and some coordinators, by the
scripts that operators use, and breaks it: kill -9, SIGSTOP, restarts."""
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import gateway

LEASE_SECONDS = 1
SHORT_LEASE = ("--lease-ttl", f"{LEASE_SECONDS}s", "--lease-renew-before", "300ms")
SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts/ops"


def free_ports(count):
    """So many ports on which nobody listens, below those that the system gives to connections."""
    found = []
    while len(found) < count:
        port = random.randrange(10000, 30000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        if port not in found:
            found.append(port)
    return found


class Node:
    """One process, started and ended any number of times. `log` is the file with what it printed."""

    def __init__(self, name, address, command, log):
        self.name, self.address, self.command, self.log = name, address, command, log
        self.process = None

    @property
    def runs(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                start_new_session=True)

    def kill(self):
        """As kill -9 does; nothing if it does not run."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def wait_listening(self):
        """Until it takes connections; then it also knows what to do with a signal."""
        deadline = time.monotonic() + gateway.PATIENCE
        while True:
            try:
                host, port = self.address.split(":")
                return socket.create_connection((host, int(port))).close()
            except OSError:
                if time.monotonic() > deadline or not self.runs:
                    raise
                time.sleep(0.02)

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.wait_listening()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(gateway.PATIENCE)
        self.process = None
        return code

    def run_to_its_end(self):
        """Starts it, because it must end by itself; returns the exit code and what it printed."""
        begin = self.log.stat().st_size if self.log.exists() else 0
        self.start()
        try:
            code = self.process.wait(gateway.PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            code = None
        self.process = None
        return code, self.log.read_bytes()[begin:].decode(errors="replace")

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)


class ControlPlane:
    """Nodes of a root in `folder`, and coordinators; none is started yet."""

    def __init__(self, folder, coordinators=3, flags=(), root_flags=(), ports=None):
        folder.mkdir(parents=True, exist_ok=True)
        at = [f"127.0.0.1:{port}" for port in ports or free_ports(6 + coordinators)]
        peers = [word for i in (1, 2, 3) for word in ("--peer", f"{i}={at[2 + i]}")]
        self.roots = [
            Node(f"meta-root-{i}", at[i - 1],
                 [SCRIPTS / "serve-meta-root.sh", "--addr", at[i - 1], "--workdir",
                  folder / f"meta-root-{i}", "--node-id", str(i), "--transport-addr", at[2 + i],
                  *peers, *root_flags], folder / f"meta-root-{i}.log")
            for i in (1, 2, 3)]
        root_peers = [word for i in (1, 2, 3) for word in ("--root-peer", f"{i}={at[i - 1]}")]
        self.coordinators = [
            Node(f"coordinator-{i}", at[5 + i],
                 [SCRIPTS / "serve-coordinator.sh", "--addr", at[5 + i], "--coordinator-id", f"c{i}",
                  *root_peers, *flags], folder / f"coordinator-{i}.log")
            for i in range(1, coordinators + 1)]

    @property
    def nodes(self):
        return self.roots + self.coordinators

    @property
    def addresses(self):
        """Of the coordinators, as --coordinator-addr takes them."""
        return ",".join(node.address for node in self.coordinators)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.kill()

    def start(self):
        for node in self.nodes:
            node.start()

    def wait_root_ready(self, patience=gateway.PATIENCE):
        """Until all nodes of the root answer, and know of one leader."""
        peers = [word for i, root in enumerate(self.roots, 1)
                 for word in ("--root-peer", f"{i}={root.address}")]
        deadline = time.monotonic() + patience
        while True:
            code, text = gateway.run("nokv", "root", "status", "--json", *peers)
            if code == 0 and json.loads(text)["health"] == "HEALTHY":
                return
            if time.monotonic() > deadline:
                raise TimeoutError(text)
            time.sleep(0.05)

    def wait_ready(self, patience=gateway.PATIENCE):
        """Until timestamps are given out; returns one."""
        deadline = time.monotonic() + patience
        while True:
            code, text = gateway.run("nokv", "tso", "--coordinator-addr", self.addresses,
                                     "--timeout", "2s")
            if code == 0:
                return int(text)
            if time.monotonic() > deadline:
                raise TimeoutError(text)


class Requester:
    """Asks for timestamps and ids all the time, in a process of its own. `answers` grows."""

    def __init__(self, addresses, *flags):
        self.process = subprocess.Popen([gateway.BIN / "requester", addresses, *flags],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stdin.close()

    def answers(self):
        """What came since the last call: (kind, start, end, first, count), times of time.monotonic()
        in nanoseconds."""
        data = self.rest + (self.process.stdout.read() or b"")
        whole, _, self.rest = data.rpartition(b"\n")
        if self.process.poll() is not None:
            raise RuntimeError(f"requester ended, exit code {self.process.returncode}")
        lines = [line.split(b" ", 4) for line in whole.splitlines()]
        return [(line[0].decode(), *map(int, line[1:])) for line in lines if line[0] != b"e"]
