"""Every example that help shows runs as it is printed.

The examples are read off the help itself: its first lines, up to the first blank one. Ports are
replaced by free ones through the environment and in the text; a server runs until it answers.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import time
import unittest

import control_plane
import gateway

SERVERS = ("nokv-redis --", "nokv coordinator --", "nokv tso serve --", "nokv-tso --",
           "nokv meta-root --")
# Processes that a benchmark starts and ends.
WORKERS = ("nokv-bench raft-member --", "nokv-bench bare-follower --")
PORTS = ("6380", "9100", "9494", "2379", "2380", "2381", "2382", "3380", "3381", "3382",
         "7101", "7102", "7103", "7104")


def helped(*command):
    return subprocess.run([gateway.BIN / command[0], *command[1:]], stdout=subprocess.PIPE,
                          check=True, timeout=gateway.PATIENCE, text=True).stdout


def examples(text):
    lines = text.split("\n\n")[0].splitlines()
    return [re.sub(r"  +# .*", "", line) for line in lines]


def commands(program):
    """The names of a program's commands that are built, each as a list with those above it."""
    text = re.search(r"^Commands:\n(.*?)\n\n", helped(*program, "--help"), re.M | re.S)
    for name in re.findall(r"^  ([a-z-]+) ", text.group(1), re.M) if text else []:
        yield [*program, name]
        yield from commands([*program, name])


class ExamplesTest(gateway.ScratchTest):

    def setUp(self):
        super().setUp()
        self.ports = {port: str(gateway.free_port()) for port in PORTS}
        self.coordinator = f"127.0.0.1:{gateway.free_port()}"
        self.environment = dict(
            os.environ, PATH=f"{gateway.BIN}:{os.environ['PATH']}", HOME=str(self.folder),
            NOKV_ADDR="127.0.0.1:" + self.ports["6380"], NOKV_ROUNDS="1", NOKV_MILLIS="50",
            NOKV_REQUESTS="1000", NOKV_DURATION="100ms", NOKV_COORDINATOR_ADDR=self.coordinator)
        for line in ("nokv put greeting hi --workdir mydb", "nokv put session x --workdir mydb",
                     "nokv put user:1 Ada --workdir data --redis-db 3"):
            self.bash(line)
        example = pathlib.Path(__file__).resolve().parents[2] / "raft_config.example.json"
        (self.folder / "raft_config.json").write_text(
            example.read_text().replace("127.0.0.1:2379", self.coordinator))
        (self.folder / "nokv.json").write_text('{"sync": "always"}')

    def bash(self, line):
        if line.startswith("nokv root ") and "--root-peer" not in line:
            # What it asks by default may be taken on this machine.
            line += "".join(f" --root-peer {node}=127.0.0.1:{2379 + node}" for node in (1, 2, 3))
        for port, free in self.ports.items():
            line = re.sub(rf"\b{port}\b", free, line)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=self.folder,
                              env=self.environment, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200)
        self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout.decode(errors='replace')}")

    def start(self, line):
        for port, free in self.ports.items():
            line = re.sub(rf"\b{port}\b", free, line)
        named = re.search(r"--addr (\S+)", line)
        address = named.group(1) if named else "127.0.0.1:" + self.ports["6380"]
        process = subprocess.Popen(["bash", "-c", "exec " + line], cwd=self.folder,
                                   env=self.environment, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + gateway.PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client = gateway.Client(address)
            except OSError:
                time.sleep(0.02)
                continue
            answer = client.call("PING") if line.startswith("nokv-redis") else b"PONG"
            client.close()
            if answer == b"PONG":
                return process
        self.fail(f"{line} does not answer")

    def start_control_plane(self, address):
        """With one coordinator, at this address."""
        ports = [*control_plane.free_ports(6), int(address.rsplit(":", 1)[1])]
        plane = control_plane.ControlPlane(self.folder / "plane", coordinators=1, ports=ports)
        self.enterContext(plane)
        plane.start()
        plane.wait_ready()

    def run_to_its_end(self, line):
        if "--watch" in line:
            # Until Ctrl-C, which comes once: without --foreground it would come twice.
            self.bash(f"timeout --foreground --preserve-status --signal=INT 1 {line}")
        elif line.startswith(WORKERS):
            self.bash(f"timeout 1 {line} || test $? = 124")
        else:
            self.bash(line)

    def run_all(self, lines):
        server = None
        for line in lines:
            with self.subTest(line):
                if line.startswith(SERVERS) and "--check-config" not in line:
                    if server:
                        server.terminate()
                        self.assertEqual(server.wait(gateway.PATIENCE), 0)
                    server = self.start(line)
                else:
                    self.run_to_its_end(line)

    def lines_of(self, program):
        """Each once, in order."""
        lines = examples(helped(program, "--help"))
        for command in commands([program]):
            lines += examples(helped(*command, "--help"))
        self.assertGreater(len(lines), 3)
        return list(dict.fromkeys(lines))

    def run_program(self, program):
        self.run_all(self.lines_of(program))

    def run_side_by_side(self, program, at_once):
        """For programs whose examples have nothing to do with each other."""
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            runs = {line: pool.submit(self.run_to_its_end, line) for line in self.lines_of(program)}
        for line, run in runs.items():
            with self.subTest(line):
                run.result()

    def test_nokv(self):
        self.start_control_plane(self.coordinator)
        self.start("nokv-redis --workdir ./data --metrics-addr 127.0.0.1:9100")
        # Two nodes of a metadata root; the third is an example.
        for i in (2, 3):
            self.start(f"nokv meta-root --addr 127.0.0.1:238{i - 1} --workdir ./meta-root-{i} "
                       f"--node-id {i} --transport-addr 127.0.0.1:338{i - 1} "
                       "--peer 1=127.0.0.1:3380 --peer 2=127.0.0.1:3381 --peer 3=127.0.0.1:3382")
        self.run_program("nokv")

    def test_nokv_tso(self):
        self.run_program("nokv-tso")

    def test_nokv_redis(self):
        self.run_program("nokv-redis")

    def test_nokv_config(self):
        self.run_program("nokv-config")

    def test_nokv_sim(self):
        self.run_side_by_side("nokv-sim", at_once=2)

    def test_nokv_bench(self):
        self.start_control_plane("127.0.0.1:" + self.ports["2379"])
        # They wait most of their time.
        self.run_side_by_side("nokv-bench", at_once=6)


if __name__ == "__main__":
    unittest.main()
