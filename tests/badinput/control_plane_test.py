"""What an operator can get wrong around the control plane: it is refused by name, with the way out, and
what runs goes on."""
import pathlib
import re
import shutil
import time
import unittest

import control_plane
import gateway
from full_disk_test import fill, small_disk

ROOT = pathlib.Path(__file__).resolve().parents[2]


def at(port):
    return f"127.0.0.1:{port}"


class UsageTest(gateway.ScratchTest):

    def meta_root(self, *peers, node="1", transport="127.0.0.1:3380"):
        flags = [word for peer in peers for word in ("--peer", peer)]
        return gateway.run("nokv", "meta-root", "--workdir", self.folder / "root", "--node-id", node,
                           "--transport-addr", transport, "--addr", "127.0.0.1:0", *flags)

    def test_peers_of_the_root_are_three_with_ids_and_addresses_of_their_own(self):
        good = ("1=127.0.0.1:3380", "2=127.0.0.1:3381", "3=127.0.0.1:3382")
        for peers, node, message in (
                ((good[0], "1=127.0.0.1:3381", good[2]), "1", "1"),
                ((good[0], "2=127.0.0.1:3380", good[2]), "1", "127.0.0.1:3380"),
                (good[:2], "1", "three"),
                (good, "7", "7"),
                ((good[0], good[1], "3"), "1", "ID=")):
            code, text = self.meta_root(*peers, node=node)
            self.assertEqual(code, 2, text)
            self.assertIn(message, text)
            self.assertFalse((self.folder / "root").exists())

    def test_a_description_with_ten_mistakes_shows_all_of_them(self):
        bad = (ROOT / "raft_config.example.json").read_text()
        for old, new in (('"max_retries"', '"max_retires"'), ('"store_id": 2,\n', '"store_id": 1,\n'),
                         ('"127.0.0.1:20172"', '"127.0.0.1"'), ('"end_key": "m"', '"end_key": "k"'),
                         ('"leader_store_id": 2', '"leader_store_id": 9'),
                         ('"peer_id": 302', '"peer_id": 202'), ('"docker_addr": "nokv-coordinator-1:2379"', '"docker_addr": 7'),
                         ('"store_id": 3, "peer_id": 301', '"store_id": 4, "peer_id": 301'),
                         ('store-{id}",\n  "stores"', 'store",\n  "stores"')):
            self.assertIn(old, bad)
            bad = bad.replace(old, new)
        path = self.folder / "bad.json"
        path.write_text(bad)
        code, text = gateway.run("nokv-config", "validate", "--config", path)
        self.assertEqual(code, 1)
        count = int(re.search(r"error\[E2203\]: (\d+) mistakes", text).group(1))
        self.assertGreaterEqual(count, 10, text)
        self.assertEqual(len(re.findall(r"^  \S+bad.json:\d+:\d+: ", text, re.M)), count)
        roots = [word for i in (1, 2, 3) for word in ("--root-peer", f"{i}={at(i)}")]
        code, refused = gateway.run("nokv", "coordinator", "--coordinator-id", "c1", *roots,
                                    "--config", path)
        self.assertNotEqual(code, 0)
        self.assertIn(f"{count} mistakes", refused)


class PlaneTest(gateway.ScratchTest):
    """A control plane that runs, with one coordinator."""

    def setUp(self):
        super().setUp()
        self.plane = self.enterContext(control_plane.ControlPlane(
            self.folder / "plane", coordinators=1, flags=control_plane.SHORT_LEASE))
        self.plane.start()
        self.plane.wait_root_ready()  # whichever of them is stopped, the other two have joined
        self.before = self.plane.wait_ready()


class RunningTest(PlaneTest):

    def coordinator(self, name, *roots):
        flags = [word for i, root in enumerate(roots, 1) for word in ("--root-peer", f"{i}={root}")]
        address = at(gateway.free_port())
        return control_plane.Node(
            name, address,
            [gateway.BIN / "nokv", "coordinator", "--addr", address, "--coordinator-id", name, *flags],
            self.folder / f"{name}.log")

    def test_a_second_coordinator_with_the_same_id_ends_and_the_first_goes_on(self):
        roots = [node.address for node in self.plane.roots]
        second = self.coordinator("c1", *roots)
        code, text = second.run_to_its_end()
        self.assertNotEqual(code, 0)
        self.assertIn("error[E2303]", text)
        self.assertIn("c1", text)
        self.assertTrue(self.plane.coordinators[0].runs)
        self.assertGreater(self.plane.wait_ready(), self.before)

    def test_a_root_address_that_is_something_else_is_named(self):
        roots = [node.address for node in self.plane.roots]
        # The other port of each node, by mistake.
        code, text = self.coordinator("c2", *map(self.transport, (1, 2, 3))).run_to_its_end()
        self.assertNotEqual(code, 0, text)
        self.assertRegex(text, r"--root-peer (\d)=127.0.0.1:\d+ is no member \1 of a metadata root")
        self.assertIn("not its --transport-addr", text)
        # One that is right is enough to run; the others are named.
        with gateway.Gateway(self.folder / "database") as database:
            for stranger, problem in ((database.address, "fail"),
                                      (self.transport(3), "it is no member of a metadata root")):
                second = self.coordinator("c2", *roots[:2], stranger)
                second.start()
                try:
                    self.wait_for_status(second.address, "  DEGRADED  ",
                                         f"3  {stranger}  does not answer: {problem}")
                finally:
                    second.kill()
        self.assertGreater(self.plane.wait_ready(), self.before)

    def test_a_coordinator_address_that_is_something_else_is_named_and_passed_by(self):
        root = self.plane.roots[0].address
        code, text = gateway.run("nokv", "tso", "--coordinator-addr", root, "--timeout", "500ms")
        self.assertEqual(code, 4, text)
        self.assertIn(f"{root}: something else answers there", text)
        code, text = gateway.run("nokv", "tso", "--coordinator-addr",
                                 f"{root},{self.plane.addresses}")
        self.assertEqual(code, 0, text)
        self.assertGreater(int(text), self.before)

    def wait_for_status(self, address, *parts):
        deadline = time.monotonic() + gateway.PATIENCE
        while True:
            code, text = gateway.run("nokv", "status", "--coordinator-addr", address)
            if code == 0 and all(part in text for part in parts):
                return
            self.assertLess(time.monotonic(), deadline, text)

    def transport(self, node):
        command = [str(word) for word in self.plane.roots[node - 1].command]
        return command[command.index("--transport-addr") + 1]

    def test_a_folder_of_another_node_or_cluster_is_refused_and_nothing_is_lost(self):
        first = self.plane.roots[0]
        self.assertEqual(first.stop(), 0)
        folder = self.folder / "plane/meta-root-1"
        saved = self.folder / "saved"
        folder.rename(saved)
        for stranger in ("meta-root-2", "elsewhere"):
            with self.subTest(stranger):
                if stranger == "elsewhere":
                    with control_plane.ControlPlane(self.folder / "other", coordinators=1) as other:
                        other.start()
                        other.wait_ready()
                        self.assertEqual(other.roots[0].stop(), 0)
                    shutil.copytree(self.folder / "other/meta-root-1", folder)
                else:
                    shutil.copytree(self.folder / "plane/meta-root-2", folder)
                code, text = first.run_to_its_end()
                self.assertNotEqual(code, 0, text)
                self.assertIn("meta-root-1", text)
                shutil.rmtree(folder)
                self.assertGreater(self.plane.wait_ready(), self.before)
        saved.rename(folder)
        first.start()
        self.plane.roots[1].kill()  # the first counts again
        self.assertGreater(self.plane.wait_ready(), self.before)


class IdentityTest(PlaneTest):
    """Directories that were lost, or come from an older cluster with the same addresses."""

    def folder_of(self, node):
        return self.folder / "plane" / node.name

    def check_goes_on(self):
        self.assertGreater(self.plane.wait_ready(), self.before)

    def wait_for_cluster_of(self, node):
        deadline = time.monotonic() + gateway.PATIENCE
        identity = self.folder_of(node) / "IDENTITY"
        while not re.search(r" cluster [1-9]", identity.read_text()):
            self.assertLess(time.monotonic(), deadline, identity.read_text())
            time.sleep(0.05)

    def test_a_node_that_lost_its_directory_is_refused_and_says_so(self):
        node, other = self.plane.roots[2], self.plane.roots[0]
        node.kill()
        self.folder_of(node).rename(self.folder / "saved")
        code, text = node.run_to_its_end()
        self.assertEqual(code, 5, text)
        self.assertRegex(text, r"error\[E2306\]: node [12] knows this node, 3, by another directory")
        self.check_goes_on()
        shutil.rmtree(self.folder_of(node))
        (self.folder / "saved").rename(self.folder_of(node))
        node.start()
        other.kill()  # the third counts again
        self.check_goes_on()

    def test_a_directory_of_an_older_cluster_is_refused_on_both_sides(self):
        old, *fresh = self.plane.roots
        self.wait_for_cluster_of(old)  # two of three are ready without it
        for node in self.plane.nodes:
            node.kill()
        for node in fresh:
            shutil.rmtree(self.folder_of(node))
            node.start()
        self.plane.coordinators[0].start()
        self.check_goes_on()
        old.start()
        deadline = time.monotonic() + gateway.PATIENCE
        for node in (old, fresh[0]):
            while not re.search(r"\[identity\]: node \d is of cluster \d+, and this node of cluster \d+",
                                node.log.read_text()):
                self.assertLess(time.monotonic(), deadline, node.log.read_text())
                time.sleep(0.1)
        self.assertTrue(old.runs)
        self.check_goes_on()


class FullDiskTest(gateway.ScratchTest):

    def test_a_node_without_disk_space_says_so_and_the_others_go_on(self):
        folder = self.folder / "meta-root-1"
        folder.mkdir()
        with small_disk(folder, 100), \
                control_plane.ControlPlane(self.folder, coordinators=1) as plane:
            plane.start()
            plane.wait_root_ready()
            before = plane.wait_ready()
            node, other = plane.roots[0], plane.roots[1]
            self.assertEqual(node.stop(), 0)
            ballast = fill(folder, 4)
            code, text = node.run_to_its_end()
            self.assertEqual(code, 1, text)
            self.assertRegex(text, r"error\[E2307\]: node 1 cannot write to .*meta-root-1/\S+: "
                                   r"No space left on device\n +free disk space, then start it again")
            self.assertGreater(plane.wait_ready(), before)
            ballast.unlink()
            node.start()
            other.kill()  # the first counts again
            self.assertGreater(plane.wait_ready(), before)

    def fill_logs(self, plane):
        """Tells the root more than a segment of its log holds; every command must be taken."""
        addresses = ",".join(node.address for node in plane.roots)
        code, text = gateway.run("root_filler", addresses, "20")
        self.assertEqual(code, 0, text)

    def test_a_disk_that_fills_under_a_running_node_ends_it_and_nothing_is_lost(self):
        folder = self.folder / "meta-root-1"
        folder.mkdir()
        with small_disk(folder, 300), \
                control_plane.ControlPlane(self.folder, coordinators=0) as plane:
            plane.start()
            self.fill_logs(plane)
            node = plane.roots[0]
            ballast = fill(folder, 0)
            while node.runs:
                self.fill_logs(plane)
            self.assertEqual(node.process.wait(), 1)
            text = node.log.read_text()
            self.assertRegex(text, r"error\[E2307\]: node 1 cannot write to \S+meta-root-1: ")
            self.assertIn("No space left on device", text)
            self.assertIn("free disk space, then start it again", text)
            ballast.unlink()
            node.start()
            plane.roots[1].kill()  # the first counts again
            self.fill_logs(plane)


if __name__ == "__main__":
    unittest.main()
