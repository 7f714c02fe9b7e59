"""A coordinator as a process, without a metadata root."""
import subprocess

import gateway


class Coordinator:
    """A running coordinator whose metadata root does not exist."""

    def __init__(self, *flags):
        self.address = f"127.0.0.1:{gateway.free_port()}"
        self.pages = f"127.0.0.1:{gateway.free_port()}"
        peers = [f"--root-peer={node}=127.0.0.1:{gateway.free_port()}" for node in (1, 2, 3)]
        self.process = subprocess.Popen(
            [gateway.BIN / "nokv", "coordinator", "--coordinator-id", "c1", "--addr", self.address,
             "--metrics-addr", self.pages, *peers, *flags], stderr=subprocess.PIPE, text=True)
        self.ready = self.process.stderr.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
