"""What an operator types, rightly and wrongly, at the real programs."""
import subprocess
import unittest

import gateway

USAGE, NOT_FOUND, UNAVAILABLE = 2, 3, 4  # exit codes


class KeysTest(gateway.ScratchTest):

    def nokv(self, *arguments, code=0):
        done = subprocess.run([gateway.BIN / "nokv", *arguments, "--workdir", self.folder / "db"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=gateway.PATIENCE, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def test_what_the_tools_write_the_gateway_serves_and_counts(self):
        self.nokv("put", "zero", "0")
        with gateway.Gateway(self.folder / "db", "--sync", "always") as server:
            client = server.client()
            self.assertEqual(client.call("GET", "zero"), b"0")
            client.call("SELECT", 3)
            self.assertEqual(client.call("MSET", "a", "1", "b", "2"), b"OK")
            self.assertEqual(server.stop(), 0)
        self.nokv("put", "c", "hex:00ff", "--redis-db", "3", "--ttl", "1h")
        self.nokv("delete", "a", "--redis-db", "3")
        self.nokv("put", "b", "new", "--redis-db", "3")
        with gateway.Gateway(self.folder / "db") as server:
            client = server.client()
            self.assertEqual(client.call("DBSIZE"), 1)
            client.call("SELECT", 3)
            self.assertEqual(client.call("DBSIZE"), 2)
            self.assertEqual(client.call("GET", "c"), b"\x00\xff")
            self.assertGreater(client.call("PTTL", "c"), 3_000_000)
            self.assertEqual(client.call("GET", "b"), b"new")
            self.assertEqual(client.keys(), {b"b", b"c"})

    def test_the_tools_read_what_a_running_gateway_has_written(self):
        with gateway.Gateway(self.folder / "db", "--sync", "always") as server:
            client = server.client()
            client.call("SELECT", 15)
            client.call("SET", b"\xff\x00key", b"\x80", "PXAT", 4102444800000)
            self.assertEqual(self.nokv("get", "hex:ff006b6579", "--redis-db", "15", "-o", "raw"),
                             b"\x80")
            self.assertEqual(self.nokv("scan", "--redis-db", "15", "-o", "jsonl"),
                             b'{"key":{"b64":"/wBrZXk="},"value":{"b64":"gA=="},'
                             b'"expiry_ms":4102444800000}\n')
            self.assertEqual(self.nokv("scan"), b"")
            self.nokv("put", "k", "v", code=UNAVAILABLE)


if __name__ == "__main__":
    unittest.main()
