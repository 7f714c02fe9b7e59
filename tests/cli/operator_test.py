"""What an operator types, rightly and wrongly, at the real programs."""
import subprocess
import unittest
import urllib.request

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


class MistakeTest(gateway.ScratchTest):
    """One message is enough to find the command that was meant; what it names works."""

    def mistake(self, code, *command):
        """What the mistake prints; nothing of it on standard output."""
        done = subprocess.run([gateway.BIN / command[0], *map(str, command[1:])], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=gateway.PATIENCE)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertLessEqual(len(done.stderr.splitlines()), 3, done.stderr)
        return done.stderr

    def works(self, line):
        done = subprocess.run(line, shell=True, cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=gateway.PATIENCE, check=False,
                              text=True, env={"PATH": f"{gateway.BIN}:/usr/bin:/bin"})
        self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout}")
        return done.stdout

    def test_mistyped_command(self):
        text = self.mistake(USAGE, "nokv", "scna", "--workdir", "db")
        self.assertIn("did you mean scan?", text)
        self.works("nokv scan --help")

    def test_missing_workdir(self):
        text = self.mistake(USAGE, "nokv", "get", "greeting")
        example = text.rsplit("for example: ", 1)[1]
        self.works("nokv put greeting hi --workdir ./mydb")
        self.assertEqual(self.works(example), "hi\n")

    def test_server_that_does_not_run(self):
        address = f"127.0.0.1:{gateway.free_port()}"
        text = self.mistake(UNAVAILABLE, "nokv", "stats", "--expvar", address)
        self.assertIn(address, text)
        self.assertIn("--metrics-addr", text)
        self.assertIn("nokv stats --workdir DIR", text)
        self.works("nokv put k v --workdir db")
        self.works("nokv stats --workdir db")

    def test_directory_that_the_gateway_has_open(self):
        with gateway.Gateway(self.folder / "db") as server:
            text = self.mistake(UNAVAILABLE, "nokv", "put", "k", "v", "--workdir",
                                self.folder / "db")
            self.assertIn(f"pid {server.process.pid}", text)
            self.assertIn("redis-cli", text)
            self.assertIn("nokv help E1203", text)
            port = server.address.rsplit(":", 1)[1]
            self.assertEqual(self.works(f"redis-cli -p {port} SET k v"), "OK\n")
        self.works("nokv help E1203")

    def test_unknown_key(self):
        self.works("nokv put greeting hi --workdir db --redis-db 3")
        text = self.mistake(NOT_FOUND, "nokv", "get", "greting", "--workdir", self.folder / "db",
                            "--redis-db", 3)
        self.assertTrue(text.startswith('not found: "greting"\n'))
        self.assertEqual(self.works(text.rsplit(": ", 1)[1]), "greeting\n")

    def test_wrong_port_is_seen_by_the_doctor(self):
        address = f"127.0.0.1:{gateway.free_port()}"
        done = subprocess.run([gateway.BIN / "nokv", "doctor", "--addr", address], check=False,
                              stdout=subprocess.PIPE, text=True, timeout=gateway.PATIENCE)
        self.assertEqual(done.returncode, UNAVAILABLE)
        self.assertIn(f"start it: nokv-redis --addr {address}", done.stdout)


class MetricsTest(gateway.ScratchTest):

    def test_counts_commands_by_name_and_result(self):
        metrics = f"127.0.0.1:{gateway.free_port()}"
        with gateway.Gateway(self.folder / "db", "--metrics-addr", metrics) as server:
            client = server.client()
            client.call("SET", "text", "x")
            client.call("GET", "text")
            client.call("GET", "none")
            self.assertIsInstance(client.call("INCR", "text"), gateway.RedisError)
            self.assertIsInstance(client.call("NOSUCH"), gateway.RedisError)
            with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=10) as page:
                lines = page.read().decode().splitlines()
            for line in ('nokv_redis_commands_total{cmd="get",result="ok"} 2',
                         'nokv_redis_commands_total{cmd="incr",result="ok"} 0',
                         'nokv_redis_commands_total{cmd="incr",result="error"} 1',
                         'nokv_redis_commands_total{cmd="other",result="error"} 1',
                         "nokv_redis_errors_total 2", "nokv_redis_keyspace_misses_total 1",
                         "nokv_redis_connections 1"):
                self.assertIn(line, lines)
            self.assertTrue(any(line.startswith("nokv_build_info{version=") for line in lines))
            done = subprocess.run([gateway.BIN / "nokv", "stats", "--expvar", metrics, "-o", "raw"],
                                  stdout=subprocess.PIPE, text=True, check=True,
                                  timeout=gateway.PATIENCE)
            self.assertIn("redis.errors_per_operation.incr\t1\n", done.stdout)


class DoctorTest(gateway.ScratchTest):

    def test_sees_a_gateway_and_who_has_the_directory(self):
        with gateway.Gateway(self.folder / "db") as server:
            done = subprocess.run([gateway.BIN / "nokv", "doctor", "--workdir", self.folder / "db",
                                   "--addr", server.address], check=False, stdout=subprocess.PIPE,
                                  text=True, timeout=gateway.PATIENCE)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("answers PING", done.stdout)
            self.assertIn(f"pid {server.process.pid} (nokv-redis) has it open", done.stdout)
            self.assertNotIn("problem", done.stdout)


if __name__ == "__main__":
    unittest.main()
