"""The three nodes of a metadata root as real processes: killed, paused and restarted, started on
what they cannot use, and what the tools say of them."""
import json
import pathlib
import resource
import signal
import subprocess
import time
import unittest
import urllib.error
import urllib.request

import jsonschema

import gateway

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schemas/root-status.json"


class Node:
    """A `nokv meta-root` process; `log` is the file with what it printed."""

    def __init__(self, group, node, more=()):
        self.id, self.address = node, group.addresses[node]
        self.workdir = group.folder / f"meta-root-{node}"
        self.log = group.folder / f"meta-root-{node}.log"
        peers = [word for peer, address in group.peers.items()
                 for word in ("--peer", f"{peer}={address}")]
        self.command = [gateway.BIN / "nokv", "meta-root", "--addr", self.address, "--workdir",
                        self.workdir, "--node-id", str(node), "--transport-addr",
                        group.peers[node], *peers, *more]
        self.process = None

    def start(self, **options):
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=sink,
                                            stderr=subprocess.STDOUT, **options)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def run_to_its_end(self, **options):
        """Exit code, and what it printed."""
        begin = self.log.stat().st_size if self.log.exists() else 0
        self.start(**options)
        code = self.process.wait(gateway.PATIENCE)
        self.process = None
        return code, self.log.read_bytes()[begin:].decode(errors="replace")


class Group:
    """Three nodes on free ports; none is started yet."""

    def __init__(self, folder, more=()):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        ports = set()
        while len(ports) < 6:
            ports.add(gateway.free_port())
        ports = sorted(ports)
        self.addresses = {i: f"127.0.0.1:{ports[i - 1]}" for i in (1, 2, 3)}
        self.peers = {i: f"127.0.0.1:{ports[i + 2]}" for i in (1, 2, 3)}
        self.nodes = {i: Node(self, i, ["--tick-interval", "20ms", *more]) for i in (1, 2, 3)}

    @property
    def root_peers(self):
        return [word for i, address in self.addresses.items()
                for word in ("--root-peer", f"{i}={address}")]

    def status(self):
        done = gateway.run("nokv", "root", "status", *self.root_peers, "--timeout", "500ms", "--json")
        return json.loads(done[1]) if done[1].startswith("{") else {"health": done[1], "nodes": []}

    def wait(self, health, patience=gateway.PATIENCE):
        """Until the nodes are as they should be, all that answer as far as each other."""
        deadline = time.monotonic() + patience
        while True:
            status = self.status()
            hashes = {node["revision"] for node in status["nodes"] if node["answers"]}
            if status["health"] == health and len(hashes) == 1:
                return status
            if time.monotonic() > deadline:
                raise TimeoutError(json.dumps(status))
            time.sleep(0.05)


class MetaRootTest(gateway.ScratchTest):

    def group(self, name="a", more=()):
        group = Group(self.folder / name, more)
        for node in group.nodes.values():
            self.addCleanup(node.kill)
        return group

    def start(self, more=()):
        group = self.group(more=more)
        for node in group.nodes.values():
            node.start()
        return group, group.wait("HEALTHY")

    def test_any_node_may_be_killed_or_paused(self):
        group, status = self.start()
        cluster = status["nodes"][0]["cluster_id"]
        self.assertNotEqual(cluster, "0")
        jsonschema.validate(status, json.loads(SCHEMA.read_text()))
        for _ in range(3):
            leader = group.nodes[status["leader_id"]]
            leader.kill()
            status = group.wait("DEGRADED")
            jsonschema.validate(status, json.loads(SCHEMA.read_text()))
            self.assertNotEqual(status["leader_id"], leader.id)
            leader.start()
            status = group.wait("HEALTHY")
        leader = group.nodes[status["leader_id"]]
        leader.process.send_signal(signal.SIGSTOP)
        self.assertNotEqual(group.wait("DEGRADED")["leader_id"], leader.id)
        leader.process.send_signal(signal.SIGCONT)
        status = group.wait("HEALTHY")
        self.assertEqual({node["cluster_id"] for node in status["nodes"]}, {cluster})
        for node in group.nodes.values():
            node.kill()
        self.assertEqual(gateway.run("nokv", "root", "status", *group.root_peers, "--timeout",
                                     "200ms")[0], 4)
        for node in group.nodes.values():
            node.start()
        status = group.wait("HEALTHY")
        self.assertEqual(status["nodes"][0]["cluster_id"], cluster)

    def test_it_is_healthy_once_all_nodes_take_part(self):
        for name in "abcd":  # two nodes may be sooner than the third, which joins them later
            group = self.group(name)
            for node in group.nodes.values():
                node.start()
            deadline = time.monotonic() + gateway.PATIENCE
            while (status := group.status())["health"] != "HEALTHY":
                self.assertLess(time.monotonic(), deadline, status)
            self.assertEqual({node["leader_id"] for node in status["nodes"]}, {status["leader_id"]})

    def test_a_signal_ends_it_in_good_order(self):
        group, _ = self.start()
        for number in (signal.SIGTERM, signal.SIGINT):
            node = group.nodes[1]
            node.process.send_signal(number)
            self.assertEqual(node.process.wait(gateway.PATIENCE), 0)
            node.start()
            group.wait("HEALTHY")

    def test_one_node_alone_says_what_it_waits_for(self):
        group = self.group(more=["--metrics-addr", "127.0.0.1:0"])
        metrics = gateway.free_port()
        node = Node(group, 1, ["--metrics-addr", f"127.0.0.1:{metrics}"])
        self.addCleanup(node.kill)
        node.start()
        deadline = time.monotonic() + gateway.PATIENCE
        page = ""
        while "no leader" not in page and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{metrics}/readyz?verbose", timeout=5)
            except urllib.error.HTTPError as error:
                page = error.read().decode()
            except OSError:
                time.sleep(0.05)
        self.assertIn("two of the three nodes must see each other", page)
        status = group.status()
        self.assertEqual(status["health"], "UNAVAILABLE")
        self.assertIn("leader", status["nodes"][0]["waits_for"])
        document = json.load(urllib.request.urlopen(f"http://127.0.0.1:{metrics}/debug/vars",
                                                    timeout=5))["nokv_meta_root"]
        for key in ("addr", "node_id", "cluster_epoch", "membership_epoch", "id_fence", "tso_fence",
                    "last_committed", "descriptor_count", "pending_peer_changes",
                    "pending_range_changes", "is_leader", "leader_id"):
            self.assertIn(key, document)
        text = urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=5).read()
        self.assertIn(b"nokv_meta_root_has_leader 0", text)
        self.assertIn(b"ok", urllib.request.urlopen(f"http://127.0.0.1:{metrics}/livez",
                                                    timeout=5).read())

    def test_events_are_listed(self):
        group, _ = self.start()
        code, text = gateway.run("nokv", "root", "events", *group.root_peers, "-o", "jsonl")
        self.assertEqual(code, 0, text)
        self.assertEqual(json.loads(text.splitlines()[0])["event"], "cluster_created")
        code, text = gateway.run("nokv", "root", "events", *group.root_peers, "--after", "1")
        self.assertEqual((code, text.strip()), (0, ""))

    def test_directories_of_others_are_refused(self):
        group, _ = self.start()
        other = self.group("b")
        stranger = other.nodes[1]
        stranger.command[stranger.command.index("--workdir") + 1] = group.nodes[2].workdir
        code, text = stranger.run_to_its_end()
        self.assertEqual(code, 4, text)
        self.assertIn("E1203", text)
        group.nodes[2].kill()
        code, text = stranger.run_to_its_end()
        self.assertEqual(code, 5, text)
        self.assertIn("E2304", text)
        self.assertIn("belongs to node 2 of 1=", text)
        group.nodes[2].start()
        group.wait("HEALTHY")

    def test_bad_input_is_refused(self):
        group, _ = self.start()
        node = self.group("b").nodes[1]
        good = list(node.command)

        def refused(code, *parts, **options):
            status, text = node.run_to_its_end(**options)
            self.assertEqual(status, code, text)
            for part in parts:
                self.assertIn(part, text)
            self.assertNotIn("ready: ", text)
            node.command = list(good)

        last = len(good) - 1 - good[::-1].index("--peer")
        node.command[last + 1] = "1=127.0.0.1:9"
        refused(2, "have the same id", "each member of the metadata root has its own")
        del node.command[last:last + 2]
        refused(2, "--peer must be given 3 times, not 2")
        node.command[node.command.index("--node-id") + 1] = "9"
        refused(2, "--node-id 9 is none of the --peer", "--peer 9=HOST:PORT")
        for flag, address in (("--addr", group.addresses[1]), ("--transport-addr", group.peers[1])):
            node.command[node.command.index(flag) + 1] = address
            refused(4, "E2101", address)
        node.command += ["--metrics-addr", group.addresses[1]]
        refused(4, "E2101", group.addresses[1])
        limit = (64 << 10, 64 << 10)
        refused(1, "limit of file size", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
        node.start()
        time.sleep(0.2)
        self.assertIsNone(node.process.poll(), node.log.read_text())


if __name__ == "__main__":
    unittest.main()
