"""The scripts that seed, start and debug, run as an operator runs them."""
import contextlib
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import time
import unittest

import gateway

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "raft_config.example.json"


def script(name, *arguments, **options):
    """Runs a script to its end; returns exit code and everything that it printed."""
    done = subprocess.run([ROOT / "scripts" / name, *map(str, arguments)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=gateway.PATIENCE, **options)
    return done.returncode, done.stdout.decode(errors="replace")


class UsageTest(unittest.TestCase):

    def test_help_is_shown_from_any_folder(self):
        for name in ("dev/cluster.sh", "ops/bootstrap.sh", "ops/serve-meta-root.sh",
                     "ops/serve-coordinator.sh", "debug.sh"):
            path = os.path.relpath(ROOT / "scripts" / name, "/tmp")
            for flag in ("-h", "--help"):
                done = subprocess.run([path, flag], cwd="/tmp", stdout=subprocess.PIPE, check=True,
                                      timeout=gateway.PATIENCE, text=True)
                self.assertTrue(done.stdout.startswith(name.rpartition("/")[2]), done.stdout)

    def test_wrong_usage_says_what_is_wrong(self):
        for name, arguments, message in (
                ("dev/cluster.sh", ["--colour", "red"], "unknown option '--colour'"),
                ("dev/cluster.sh", ["--workdir"], "--workdir needs a value"),
                ("dev/cluster.sh", ["--port-offset", "-1"], "--port-offset '-1' is not a number"),
                ("dev/cluster.sh", ["--port-offset", "65000"], "65000 more is no port"),
                ("dev/cluster.sh", ["--config", "nowhere.json"], "nowhere.json: --config names"),
                ("ops/bootstrap.sh", [], "--path-template is missing"),
                ("ops/bootstrap.sh", ["--path-template", "/data"], "has no {id}"),
                ("ops/bootstrap.sh", ["--path-template", "/{id}", "--state", "new"],
                 "neither running nor tombstone"),
                ("debug.sh", ["wal"], "a module and a test are needed")):
            code, text = script(name, *arguments)
            self.assertEqual(code, 1, text)
            self.assertIn(message, text)


class BootstrapTest(gateway.ScratchTest):

    def bootstrap(self, *arguments):
        return script("ops/bootstrap.sh", "--path-template", "store-{id}", *arguments,
                      cwd=self.folder)

    def regions(self, store):
        code, text = gateway.run("nokv", "regions", "--workdir", self.folder / f"store-{store}")
        self.assertEqual(code, 0, text)
        return text

    def test_seeds_every_store_with_its_regions_and_may_run_again(self):
        config = self.folder / "config.json"
        config.write_text(EXAMPLE.read_text().replace(
            '{"store_id": 3, "peer_id": 301}', "").replace('"peer_id": 201},', '"peer_id": 201}'))
        for _ in range(2):
            code, text = self.bootstrap("--config", "config.json")
            self.assertEqual(code, 0, text)
            self.assertEqual(len(re.findall(r"store [123]: \S+/store-[123] is seeded", text)), 3)
        self.assertEqual(self.regions(1).count("id="), 2)
        self.assertEqual(self.regions(3).count("id="), 1)
        self.assertIn('range=["","m") peers=[{store:1 peer:101} {store:2 peer:201}]',
                      self.regions(2))

    def test_leaves_alone_what_has_data(self):
        code, text = gateway.run("nokv", "put", "a", "b", "--workdir", self.folder / "store-2")
        self.assertEqual(code, 0, text)
        before = gateway.fingerprint(self.folder / "store-2")
        code, text = self.bootstrap()
        self.assertEqual(code, 0, text)
        self.assertIn("/store-2 has data; left as it is\n", text)
        self.assertEqual(gateway.fingerprint(self.folder / "store-2"), before)
        self.assertEqual(self.regions(3).count("id="), 2)

    def test_refuses_dirty_folders_before_it_touches_any(self):
        (self.folder / "store-3").mkdir()
        (self.folder / "store-3" / "000001.wal").write_bytes(b"x")
        (self.folder / "store-3" / ".hidden").write_bytes(b"x")
        code, text = self.bootstrap()
        self.assertEqual(code, 1)
        self.assertIn("/store-3 is no folder for a new store: it holds 000001.wal .hidden\n", text)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["store-3"])

    def test_shows_every_mistake_of_the_description(self):
        (self.folder / "bad.json").write_text(EXAMPLE.read_text().replace('"end_key": "m"',
                                                                          '"end_kee": "k"'))
        code, text = self.bootstrap("--config", "bad.json")
        self.assertEqual(code, 1)
        self.assertIn("did you mean end_key?", text)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["bad.json"])

    def test_a_lock_that_a_process_holds_is_respected_and_stays(self):
        with gateway.Gateway(self.folder / "store-1") as server:
            for path in (self.folder / "store-1").iterdir():
                if path.name != "LOCK":
                    path.unlink()  # as if it were new, but held
            code, text = self.bootstrap()
            self.assertEqual(code, 1, text)
            self.assertIn(f"LOCK is held by pid {server.process.pid}", text)
            self.assertTrue((self.folder / "store-1" / "LOCK").exists())

    def test_the_lock_of_a_process_that_died_stops_nobody(self):
        (self.folder / "store-1").mkdir()
        (self.folder / "store-1" / "LOCK").write_text("")
        code, text = self.bootstrap()
        self.assertEqual(code, 0, text)


class DebugTest(unittest.TestCase):

    def test_runs_one_test_under_gdb(self):
        if not shutil.which("gdb"):
            self.skipTest("gdb is not installed; scripts/lib/deps.sh installs it")
        code, text = script("debug.sh", "rpc", "HostPortTest.TakesTheDocumentedFormsAndNoOther",
                            "-batch", "-ex", "run")
        if "ptrace" in text:
            self.skipTest("debuggers are not allowed here")
        self.assertEqual(code, 0, text)
        self.assertIn("[  PASSED  ] 1 test.", text)

    def test_says_what_is_not_there(self):
        self.assertIn("is 'wall' a module of src/?", script("debug.sh", "wall", "X.Y")[1])
        self.assertIn("nokv_rpc_test has no test 'X.Y'", script("debug.sh", "rpc", "X.Y")[1])


READY = "^  Stop +Ctrl"

# A program that does what cluster.sh wants of nokv, and all that it is told to a file.
STAND_IN = """#!/usr/bin/env python3
import os, signal, socket, sys, time
command, flags = sys.argv[1], dict(zip(sys.argv[2::2], sys.argv[3::2]))
folder = os.path.dirname(os.path.abspath(__file__))
def listens(address):
    try:
        host, port = address.split(":")
        socket.create_connection((host, int(port))).close()
        return True
    except OSError:
        return False
if command == "serve" and sys.argv[2] == "--help":
    sys.exit(0 if os.path.exists(folder + "/serves") else 1)
if command == "status":
    sys.exit(print("HEALTHY"))
if command == "tso":
    sys.exit(print(1) if listens(flags["--coordinator-addr"]) else 4)
with open(folder + "/told", "a") as told:
    print(*sys.argv[1:], file=told)
if os.path.exists(folder + "/fails-" + command):
    sys.exit("it cannot")
listener = socket.create_server(("127.0.0.1", int(flags["--addr"].split(":")[1])))
def end(number, frame):
    if not os.path.exists(folder + "/stubborn-" + command):
        print("ending", flush=True)
        with open(folder + "/told", "a") as told:
            print("ended", command, file=told)
        sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True:
    time.sleep(100)
"""


class Launched:
    """A running cluster.sh; `text` is what it has printed."""

    def __init__(self, folder, programs, *arguments):
        self.process = subprocess.Popen(
            [ROOT / "scripts/dev/cluster.sh", "--workdir", folder / "work", *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, env=dict(os.environ, NOKV_BINARY_DIR=str(programs)))
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.end()

    def until(self, pattern):
        deadline = time.monotonic() + gateway.PATIENCE
        while not re.search(pattern, self.text, re.M):
            if not select.select([self.process.stdout], [], [], deadline - time.monotonic())[0]:
                raise TimeoutError(self.text)
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                raise EOFError(self.text)
            self.text += data.decode()

    def end(self):
        """Waits for its end; returns the exit code."""
        if not self.process.stdout.closed:
            self.text += self.process.stdout.read().decode()
            self.process.stdout.close()
        return self.process.wait(gateway.PATIENCE)


def free_offset(ports):
    """An offset at which nobody listens on any of the ports."""
    while True:
        offset = random.randrange(1000, 30000)
        with contextlib.ExitStack() as stack:
            try:
                for port in ports:
                    stack.enter_context(socket.create_server(("127.0.0.1", port + offset)))
            except OSError:
                continue
        return offset


class ClusterScriptTest(gateway.ScratchTest):
    NODES = ("meta-root-1", "meta-root-2", "meta-root-3", "coordinator")
    PORTS = (2379, 2380, 2381, 2382, 3380, 3381, 3382, 20170, 20171, 20172)

    def setUp(self):
        super().setUp()
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        (self.programs / "nokv-config").symlink_to(gateway.BIN / "nokv-config")
        (self.programs / "nokv").write_text(STAND_IN)
        (self.programs / "nokv").chmod(0o755)
        self.offset = free_offset(self.PORTS)

    def launch(self, *arguments):
        return Launched(self.folder, self.programs, "--port-offset", self.offset, *arguments)

    def pid(self, name):
        return int((self.folder / "work" / (name + ".pid")).read_text())

    def told(self):
        return (self.programs / "told").read_text()

    def assert_gone(self, pids):
        for pid in pids:
            with self.assertRaises(ProcessLookupError):
                os.kill(pid, 0)
        self.assertEqual(list((self.folder / "work").glob("*.pid")), [])

    def test_both_signals_stop_every_node(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.launch() as cluster:
                cluster.until(READY)
                pids = [self.pid(name) for name in self.NODES]
                for pid in pids:
                    parent = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
                    self.assertEqual(int(parent.split()[1]), cluster.process.pid)
                os.killpg(cluster.process.pid, number)  # as a terminal does
                self.assertEqual(cluster.end(), 0, cluster.text)
                self.assertIn("\nStopped. ", cluster.text)
                self.assert_gone(pids)
                for name in self.NODES:
                    self.assertIn(f"[{name}] ready\n", cluster.text)
                    self.assertIn(f"[{name}] ending\n", cluster.text)
        ended = [line for line in self.told().splitlines() if line.startswith("ended")]
        self.assertEqual(ended, 3 * (["ended coordinator"] + 3 * ["ended meta-root"]))

    def test_nothing_outlives_a_script_that_is_killed(self):
        with self.launch() as cluster:
            cluster.until(READY)
            cluster.process.kill()
            cluster.end()  # the nodes hold its output open
            ended = [line for line in self.told().splitlines() if line.startswith("ended")]
            self.assertEqual(len(ended), len(self.NODES))

    def test_logs_are_filed_and_stores_are_seeded(self):
        with self.launch() as cluster:
            cluster.until(READY)
            self.assertIn("\nHEALTHY\n", cluster.text)
            self.assertIn("\nThis build cannot serve stores yet; their folders are seeded.\n",
                          cluster.text)
        work = self.folder / "work"
        for log in ("meta-root-1/root.log", "meta-root-3/root.log", "coordinator.log"):
            self.assertEqual((work / log).read_text(), "ready\nending\n")
        for store in (1, 2, 3):
            self.assertTrue((work / f"store-{store}" / "REGIONS").exists())

    def test_ports_and_flags_are_those_documented(self):
        with self.launch("--coordinator-id", "c9", "--lease-ttl", "1s") as cluster:
            cluster.until(READY)
        at = lambda port: f"127.0.0.1:{port + self.offset}"
        work = self.folder / "work"
        told = self.told()
        peers = " ".join(f"--peer {i}={at(3379 + i)}" for i in (1, 2, 3))
        for i in (1, 2, 3):
            self.assertIn(f"meta-root --addr {at(2379 + i)} --workdir {work}/meta-root-{i} "
                          f"--node-id {i} --transport-addr {at(3379 + i)} {peers}\n", told)
        roots = " ".join(f"--root-peer {i}={at(2379 + i)}" for i in (1, 2, 3))
        self.assertIn(f"coordinator --addr {at(2379)} --coordinator-id c9 {roots} "
                      f"--config {work}/raft_config.json --lease-ttl 1s\n", told)
        code, stores = gateway.run("nokv-config", "stores", "--config", work / "raft_config.json")
        self.assertEqual(code, 0, stores)
        self.assertEqual([line.split()[2] for line in stores.splitlines()],
                         [at(20170), at(20171), at(20172)])
        self.assertEqual([line.split()[4] for line in stores.splitlines()],
                         [f"nokv-store-{i}:20160" for i in (1, 2, 3)])

    def test_starts_the_stores_when_this_build_can(self):
        (self.programs / "serves").touch()
        with self.launch("--raft-debug-log") as cluster:
            cluster.until(READY)
            self.assertNotIn("cannot serve stores", cluster.text)
            os.kill(self.pid("store-2"), 0)
        at = lambda port: f"127.0.0.1:{port + self.offset}"
        self.assertIn(f"serve --config {self.folder}/work/raft_config.json --store-id 2 "
                      f"--workdir {self.folder}/work/store-2 "
                      f"--addr {at(20171)} --coordinator-addr {at(2379)} "
                      f"--store-addr 1={at(20170)} --store-addr 3={at(20172)} --raft-debug-log\n",
                      self.told())
        ended = [line for line in self.told().splitlines() if line.startswith("ended")]
        self.assertEqual(ended[:4], 3 * ["ended serve"] + ["ended coordinator"])

    def test_a_port_in_use_is_named_with_its_owner_and_the_way_out(self):
        with socket.create_server(("127.0.0.1", 2381 + self.offset)), self.launch() as cluster:
            self.assertEqual(cluster.end(), 1, cluster.text)
        self.assertRegex(cluster.text, rf"127.0.0.1:{2381 + self.offset}, of meta-root-2, is in use by "
                         rf"\S+ \(pid {os.getpid()}\)\n")
        offset = re.search(r"other ports: scripts/dev/cluster.sh --port-offset (\d+)\n", cluster.text)
        self.assertGreaterEqual(int(offset.group(1)), 100)
        self.assertFalse((self.folder / "work").exists())

    def test_a_node_that_ends_is_named_with_its_command_and_the_others_go_on(self):
        with self.launch() as cluster:
            cluster.until(READY)
            os.kill(self.pid("meta-root-2"), signal.SIGKILL)
            cluster.until("^meta-root-2 ended with exit code 137; start it again with:\n  nokv meta-root")
            os.kill(self.pid("coordinator"), 0)
            self.assertFalse((self.folder / "work/meta-root-2.pid").exists())

    def test_a_node_that_cannot_start_stops_all(self):
        (self.programs / "fails-coordinator").touch()
        with self.launch() as cluster:
            self.assertEqual(cluster.end(), 1, cluster.text)
        self.assertIn("[coordinator] it cannot\n", cluster.text)
        self.assertIn("error: coordinator ended; its log says why\n", cluster.text)
        self.assert_gone([])

    def test_the_second_signal_stops_at_once(self):
        (self.programs / "stubborn-meta-root").touch()
        with self.launch() as cluster:
            cluster.until(READY)
            pids = [self.pid(name) for name in self.NODES]
            cluster.process.send_signal(signal.SIGINT)
            cluster.until("^Stopping 4 processes")
            cluster.process.send_signal(signal.SIGINT)
            self.assertEqual(cluster.end(), 0, cluster.text)
            self.assert_gone(pids)

    def test_refuses_dirty_folders_of_stores(self):
        (self.folder / "work/store-1").mkdir(parents=True)
        (self.folder / "work/store-1/mine.txt").write_text("x")
        with self.launch() as cluster:
            self.assertEqual(cluster.end(), 1, cluster.text)
        self.assertIn("store-1 is no folder for a new store: it holds mine.txt", cluster.text)
        self.assertFalse((self.programs / "told").exists())


class ControlPlaneTest(gateway.ScratchTest):
    """cluster.sh with the real programs."""

    def test_is_healthy_within_five_seconds_and_comes_back_with_what_it_knew(self):
        took, timestamps, offset = [], [], free_offset(ClusterScriptTest.PORTS)
        # A machine that has other things to do may be late; not every time.
        while len(took) < 2 or (len(took) < 4 and min(took) >= 5):
            with Launched(self.folder, gateway.BIN, "--port-offset", offset) as cluster:
                cluster.until(READY)
                self.assertIn(" HEALTHY ", cluster.text)
                took.append(float(re.search(r"^Ready in (\S+) s", cluster.text, re.M).group(1)))
                address = re.search(r"nokv tso --coordinator-addr (\S+)", cluster.text).group(1)
                code, text = gateway.run("nokv", "tso", "--coordinator-addr", address)
                self.assertEqual(code, 0, text)
                timestamps.append(int(text))
                cluster.process.send_signal(signal.SIGINT)
                self.assertEqual(cluster.end(), 0, cluster.text)
                self.assertNotIn("is killed", cluster.text)
        self.assertLess(min(took), 5)
        self.assertEqual(timestamps, sorted(set(timestamps)))


if __name__ == "__main__":
    unittest.main()
