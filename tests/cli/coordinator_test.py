"""nokv coordinator as a process, without a metadata root: it starts, says what it waits for, answers
what it can, and refuses what cannot be."""
import json
import re
import signal
import subprocess
import time
import unittest
import urllib.error
import urllib.request

import control_plane
import gateway
from lone_coordinator import Coordinator


def fetch(address, page):
    """(status, body)."""
    try:
        with urllib.request.urlopen(f"http://{address}{page}", timeout=gateway.PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


class CoordinatorTest(gateway.ScratchTest):

    def test_starts_without_a_root_and_says_so(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Coordinator() as coordinator:
                self.assertRegex(coordinator.ready, f"ready: coordinator c1 on {coordinator.address}")
                code, text = gateway.run("nokv", "status", "--coordinator-addr", coordinator.address)
                self.assertEqual(code, 0, text)
                self.assertRegex(text, r"UNAVAILABLE .*no ids and timestamps are given out")
                self.assertIn("the metadata root is not heard", text)
                self.assertEqual(fetch(coordinator.pages, "/livez"), (200, "ok\n"))
                status, body = fetch(coordinator.pages, "/readyz?verbose")
                self.assertEqual(status, 503)
                self.assertIn("[-] root: unavailable: the metadata root is not heard", body)
                self.assertIn("[-] lease: unavailable: no coordinator holds the lease", body)
                self.assertIn("[+] id: ok", body)
                self.assertIn("nokv_coordinator_lease_held 0", fetch(coordinator.pages, "/metrics")[1])
                document = json.loads(fetch(coordinator.pages, "/debug/vars")[1])["nokv_coordinator"]
                self.assertEqual(document["root_mode"], "remote")
                for part, keys in (
                        ("allocator", "id_current id_window_high tso_current tso_window_high"),
                        ("root", "configured served_token current_token root_lag catch_up_state "
                         "degraded_mode served_by_leader storage_leader_id last_reload_unix_nano "
                         "last_reload_error read_state_load_error"),
                        ("lease", "enabled coordinator_id ttl_nanos renew_before_nanos holder_id "
                         "expires_unix_nano active held_by_self usable_by_self cert_generation "
                         "issued_cursor")):
                    self.assertLessEqual(set(keys.split()), set(document["state"][part]))
                coordinator.process.send_signal(number)
                self.assertEqual(coordinator.process.wait(gateway.PATIENCE), 0)

    def test_says_what_it_waits_for(self):
        with Coordinator() as coordinator:
            self.assertRegex(coordinator.process.stderr.readline(),
                             r"waits for the metadata root; 127\.0\.0\.1:\d+ \S+")

    def test_lists_are_empty_without_a_root(self):
        with Coordinator() as coordinator:
            for name in ("stores", "regions", "transitions", "events", "plan"):
                code, text = gateway.run("nokv", "coordinator", name, "--json", "-q",
                                         "--coordinator-addr", coordinator.address)
                self.assertEqual((code, json.loads(text)), (0, []), name)
                code, text = gateway.run("nokv", "coordinator", name, "--coordinator-addr",
                                         coordinator.address)
                self.assertEqual(code, 0, text)
                self.assertIn("note: this coordinator has not read the metadata root: nothing is "
                              "known\n", text)
            self.assertIn("note: no store has reported to this coordinator: there is nothing to "
                          "plan from\n", text)
            code, text = gateway.run("nokv", "coordinator", "transitions", "--retry", "split:1:",
                                     "--timeout", "500ms", "--coordinator-addr", coordinator.address)
            self.assertEqual(code, 4, text)

    def test_while_nothing_answers_commands_end_with_4(self):
        nowhere = f"127.0.0.1:{gateway.free_port()}"
        for command in (["status"], ["coordinator", "stores"]):
            code, text = gateway.run("nokv", *command, "--coordinator-addr", nowhere, "--timeout",
                                     "300ms")
            self.assertEqual(code, 4, text)
            self.assertIn(f"is a coordinator running at {nowhere}?", text)

    def test_addresses_that_are_none_are_wrong_usage(self):
        for address in ("nonsense", ",", "127.0.0.1:2379,x:"):
            code, text = gateway.run("nokv", "status", "--coordinator-addr", address)
            self.assertEqual(code, 2, text)
            self.assertIn("--coordinator-addr", text)

    def test_bad_flags_are_refused_with_the_way_out(self):
        peers = ["--root-peer=1=a:1", "--root-peer=2=b:2"]
        cases = (
            ([*peers], "--root-peer must be given 3 times, not 2"),
            ([*peers, "--root-peer=2=c:3"], "have the same id"),
            ([*peers, "--root-peer=3=a:1"], "have the same address"),
            ([*peers, "--root-peer=3=c:3", "--coordinator-id", "c 1"], "is no id of a coordinator"),
            ([*peers, "--root-peer=3=c:3", "--lease-ttl", "2s", "--lease-renew-before", "2s"],
             "--lease-renew-before must be shorter than --lease-ttl"),
            ([*peers, "--root-peer=3=c:3", "--addr", "127.0.0.1:0"], "needs a port of its own"))
        for flags, message in cases:
            if "--coordinator-id" not in flags:
                flags = ["--coordinator-id", "c1", *flags]
            code, text = gateway.run("nokv", "coordinator", *flags)
            self.assertEqual(code, 2, text)
            self.assertIn(message, text)

    def test_a_root_address_that_is_a_coordinator_is_named(self):
        with Coordinator() as other:
            code, text = gateway.run(
                "nokv", "coordinator", "--coordinator-id", "c2", "--addr",
                f"127.0.0.1:{gateway.free_port()}", f"--root-peer=1={other.address}",
                "--root-peer=2=127.0.0.1:1", "--root-peer=3=127.0.0.1:2")
            self.assertNotEqual(code, 0)
            self.assertIn(f"--root-peer 1={other.address} is no member 1 of a metadata root", text)
            self.assertIn("not its --transport-addr", text)

    def test_a_port_in_use_and_a_config_with_mistakes(self):
        with Coordinator() as other:
            peers = [f"--root-peer={node}=127.0.0.1:{node}" for node in (1, 2, 3)]
            code, text = gateway.run("nokv", "coordinator", "--coordinator-id", "c2", "--addr",
                                     other.address, *peers)
            self.assertNotEqual(code, 0)
            self.assertIn(other.address, text)
            (self.folder / "bad.json").write_text('{"stores": [{"store_id": 0}]}')
            code, text = gateway.run("nokv", "coordinator", "--coordinator-id", "c2", "--config",
                                     self.folder / "bad.json", *peers)
            self.assertNotEqual(code, 0)
            self.assertIn("error[E2203]", text)

    def test_the_address_comes_from_the_config_unless_it_is_given(self):
        port = gateway.free_port()
        config = self.folder / "raft_config.json"
        config.write_text(json.dumps({
            "coordinator": {"addr": f"127.0.0.1:{port},127.0.0.1:1"},
            "stores": [{"store_id": 1, "addr": "127.0.0.1:20170"}],
            "regions": [{"id": 1, "start_key": "", "end_key": "",
                         "epoch": {"version": 1, "conf_version": 1}, "leader_store_id": 1,
                         "peers": [{"store_id": 1, "peer_id": 101}]}]}))
        peers = [f"--root-peer={node}=127.0.0.1:{node}" for node in (1, 2, 3)]
        process = subprocess.Popen(
            [gateway.BIN / "nokv", "coordinator", "--coordinator-id", "c1", "--config", config, *peers],
            stderr=subprocess.PIPE, text=True)
        with process:
            ready = process.stderr.readline()
            self.assertTrue(re.search(rf"on 127.0.0.1:{port}\b", ready), ready)
            process.terminate()
            self.assertEqual(process.wait(gateway.PATIENCE), 0)


class WithRootTest(gateway.ScratchTest):

    def nokv(self, *words):
        code, text = gateway.run("nokv", *words)
        self.assertEqual(code, 0, text)
        return text

    def test_a_coordinator_that_comes_late_shows_all_that_the_root_keeps(self):
        plane = self.enterContext(control_plane.ControlPlane(self.folder / "plane", coordinators=2))
        for node in plane.roots + plane.coordinators[:1]:
            node.start()
        plane.wait_ready()
        late = plane.coordinators[1]
        late.start()
        late.wait_listening()
        deadline = time.monotonic() + gateway.PATIENCE
        while True:
            text = self.nokv("coordinator", "events", "--coordinator-addr", late.address, "-q")
            if re.search(r"^ *1 +cluster_created", text, re.M):
                break
            self.assertLess(time.monotonic(), deadline, text)
        # The last ones of those that the root keeps, and the first ones after a revision.
        roots = [word for i, root in enumerate(plane.roots, 1)
                 for word in ("--root-peer", f"{i}={root.address}")]
        events = [json.loads(line) for line in
                  self.nokv("root", "events", *roots, "-o", "jsonl", "--limit", "2").splitlines()]
        self.assertEqual(len(events), 2)
        self.assertEqual(events[1]["revision"], events[0]["revision"] + 1)
        self.assertGreater(events[0]["revision"], 1)
        first = self.nokv("root", "events", *roots, "-o", "jsonl", "--limit", "2", "--after", "0")
        self.assertEqual([json.loads(line)["revision"] for line in first.splitlines()], [1, 2])
        self.assertIn("note: no store has reported to this coordinator",
                      self.nokv("coordinator", "plan", "--coordinator-addr", late.address))
        # What is shown while the root is not there says so.
        for root in plane.roots:
            root.kill()
        while True:
            text = self.nokv("coordinator", "events", "--coordinator-addr", late.address)
            if "note: the metadata root has not been heard for " in text:
                break
            self.assertLess(time.monotonic(), deadline, text)


if __name__ == "__main__":
    unittest.main()
