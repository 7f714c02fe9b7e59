"""Drives nokv-redis and the tools as real processes: start, talk, kill, and compare directories."""
import contextlib
import hashlib
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["NOKV_BINARY_DIR"])
PATIENCE = 30  # seconds until something that should happen counts as failed


class RedisError(Exception):
    """An error reply."""


def encode(*words):
    """One command in RESP; words are str, bytes or int."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Client:
    """A connection. Replies come back as bytes, int, None, list or RedisError."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server hung up")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            return RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"*":
            return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        if rest == b"-1":
            return None
        data = self.file.read(int(rest) + 2)
        if len(data) != int(rest) + 2:
            raise ConnectionError("the server hung up")
        return data[:-2]

    def call(self, *words):
        self.send(encode(*words))
        return self.reply()

    def keys(self):
        """Every key, by SCAN, each once."""
        found, cursor = set(), b"0"
        while True:
            cursor, some = self.call("SCAN", cursor, "COUNT", 1000)
            found.update(some)
            if cursor == b"0":
                return found


class Gateway:
    """A running nokv-redis on a free port. `log` is what it has printed; `prefix` a program, with
    its arguments, that starts it."""

    def __init__(self, workdir, *flags, prefix=()):
        self.process = subprocess.Popen(
            [*prefix, BIN / "nokv-redis", "--addr", "127.0.0.1:0", "--workdir", workdir, *flags],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.log = ""
        self.address = None
        self.clients = []
        try:
            deadline = time.monotonic() + PATIENCE
            while self.address is None:
                self.read_log(deadline)
                ready = re.search(r"ready: address ([^,\s]+)", self.log)
                self.address = ready and ready.group(1)
        except BaseException:
            self.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def read_log(self, deadline):
        pipe = self.process.stdout
        if not select.select([pipe], [], [], max(0, deadline - time.monotonic()))[0]:
            raise TimeoutError(f"nokv-redis is not ready: {self.log}")
        data = os.read(pipe.fileno(), 1 << 16)
        if not data:
            raise RuntimeError(f"nokv-redis ended, exit code {self.process.wait()}: {self.log}")
        self.log += data.decode(errors="replace")

    def client(self):
        self.clients.append(Client(self.address))
        return self.clients[-1]

    def kill(self):
        """As kill -9 does."""
        self.process.kill()
        self.end()

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def end(self):
        if self.process.stdout.closed:
            return self.process.wait()
        self.log += self.process.stdout.read().decode(errors="replace")
        self.process.stdout.close()
        for client in self.clients:
            client.close()
        self.clients = []
        return self.process.wait(PATIENCE)


def free_port():
    """A port on which nobody listens, and that the system gives to no connection meanwhile."""
    while True:
        port = random.randrange(10000, 30000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def run(program, *arguments, **options):
    """Runs a program to its end; returns exit code and everything that it printed."""
    done = subprocess.run([BIN / program, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=PATIENCE, check=False, **options)
    return done.returncode, done.stdout.decode(errors="replace")


def fingerprint(folder):
    """Content, by hash, of every file but LOCK, which names the last process that tried, and what a
    running process does when it finds the time: the spare segment, and the note in the header of a
    segment how far the log is synced."""
    def content(path):
        data = path.read_bytes()
        return data[:52] + data[64:] if path.suffix == ".wal" else data
    return {path.name: hashlib.sha1(content(path)).hexdigest()
            for path in pathlib.Path(folder).iterdir()
            if path.name not in ("LOCK", "spare.wal.tmp")}


def need_terminal(test):
    """Skips `test` where the system has no pseudo terminals, as in a bare chroot."""
    try:
        ends = os.openpty()
    except OSError:
        test.skipTest("there are no pseudo terminals: is /dev/pts mounted?")
    for end in ends:
        os.close(end)


@contextlib.contextmanager
def scratch():
    """An empty folder, removed at the end."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nokv_test_"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class ScratchTest(unittest.TestCase):
    """A test with a folder of its own in `self.folder`."""

    def setUp(self):
        self.folder = self.enterContext(scratch())
