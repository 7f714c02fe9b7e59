"""redis-server and nokv-redis side by side: the same requests to both, replies with their types."""
import contextlib
import pathlib
import socket
import subprocess
import time

from gateway import PATIENCE, Gateway, encode, free_port


def read_reply(file):
    """One reply as (type, content); aggregates hold a list of replies. Nothing of it is lost."""
    line = file.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionError("the server hung up")
    kind, rest = chr(line[0]), line[1:-2]
    if kind in "$=" and rest != b"-1":
        return kind, file.read(int(rest) + 2)[:-2]
    if kind in "*~>%" and rest != b"-1":
        count = int(rest) * (2 if kind == "%" else 1)
        return kind, [read_reply(file) for _ in range(count)]
    return kind, rest


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def call_all(self, commands):
        """Sends them in one piece; returns the replies."""
        self.socket.sendall(b"".join(encode(*command) for command in commands))
        return [read_reply(self.file) for _ in commands]


class Pair:
    """Both servers. `ask` returns the replies of both to the same commands."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.port = free_port()
        self.stack = contextlib.ExitStack()
        self.redis = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--dir", folder, "--logfile", folder / "redis.log"])
        self.stack.callback(self.redis.wait)
        self.stack.callback(self.redis.kill)
        self.gateway = self.stack.enter_context(Gateway(folder / "data", "--sync", "no"))
        self.connections = []

    def __enter__(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                Connection(self.port).close()
                return self
            if time.monotonic() > deadline:
                raise TimeoutError("redis-server does not start")

    def __exit__(self, *_):
        self.disconnect()
        self.stack.close()

    def connect(self, protocol):
        """New connections, over empty databases."""
        self.disconnect()
        ours = int(self.gateway.address.rsplit(":", 1)[1])
        self.connections = [Connection(self.port), Connection(ours)]
        for connection in self.connections:
            connection.call_all([("HELLO", protocol), ("FLUSHALL",)])

    def disconnect(self):
        for connection in self.connections:
            connection.close()
        self.connections = []

    def ask(self, commands):
        return tuple(connection.call_all(commands) for connection in self.connections)
