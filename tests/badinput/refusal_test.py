"""What a user can get wrong around a database: refused by name, with the way out, nothing changed."""
import os
import pathlib
import shutil
import socket
import subprocess
import unittest

import gateway

USAGE, NOT_FOUND, UNAVAILABLE, PERMISSION = 2, 3, 4, 7  # exit codes
NOBODY = 65534
LOOPBACK = "127.0.0.1:0"


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no VmRSS of {pid}")


class SecondOpenerTest(gateway.ScratchTest):

    def test_second_gateway_is_refused_and_the_first_goes_on(self):
        with gateway.Gateway(self.folder / "db", "--sync", "always") as first:
            client = first.client()
            self.assertEqual(client.call("SET", "k", "v"), b"OK")
            before = gateway.fingerprint(self.folder / "db")
            code, output = gateway.run("nokv-redis", "--addr", LOOPBACK, "--workdir",
                                       self.folder / "db")
            self.assertEqual(code, UNAVAILABLE, output)
            self.assertIn("error[E1203]", output)
            self.assertIn("db/LOCK", output)
            self.assertIn(f"pid {first.process.pid}", output)
            self.assertIn("stop that process", output)
            self.assertEqual(gateway.fingerprint(self.folder / "db"), before)
            self.assertEqual(client.call("SET", "k", "w"), b"OK")
            self.assertEqual(first.stop(), 0)
        with gateway.Gateway(self.folder / "db") as again:
            self.assertEqual(again.client().call("GET", "k"), b"w")

    def test_an_ingest_into_the_directory_of_a_gateway_is_refused(self):
        with gateway.Gateway(self.folder / "db", "--sync", "always") as server:
            client = server.client()
            self.assertEqual(client.call("SET", "user/000001", "v"), b"OK")
            before = gateway.fingerprint(self.folder / "db")
            # The example of docs/ingest.md takes tables into "db" in the folder it is given.
            code, output = gateway.run("load_example", self.folder)
            self.assertEqual(code, 1, output)
            self.assertIn("db/LOCK", output)
            self.assertIn(f"pid {server.process.pid}", output)
            self.assertIn("stop that process", output)
            self.assertEqual(gateway.fingerprint(self.folder / "db"), before)
            self.assertEqual(client.call("DBSIZE"), 1)

    def test_inspection_works_beside_a_writer_and_changes_nothing(self):
        with gateway.Gateway(self.folder / "db", "--sync", "always") as server:
            client = server.client()
            self.assertEqual(client.call("SET", "k", "v"), b"OK")
            before = gateway.fingerprint(self.folder / "db")
            for tool, text in (("stats", r"Entries +\d+"), ("manifest", "Manifest Log Pointer")):
                code, output = gateway.run("nokv", tool, "--workdir", self.folder / "db")
                self.assertEqual(code, 0, output)
                self.assertRegex(output, text)
            self.assertEqual(gateway.fingerprint(self.folder / "db"), before)
            self.assertEqual(client.call("SET", "k", "w"), b"OK")

    def test_a_lock_of_a_dead_process_is_no_obstacle(self):
        with gateway.Gateway(self.folder / "db") as server:
            server.kill()
        self.assertTrue((self.folder / "db" / "LOCK").exists())
        with gateway.Gateway(self.folder / "db") as server:
            self.assertEqual(server.client().call("PING"), b"PONG")


class AddressTest(gateway.ScratchTest):

    def setUp(self):
        super().setUp()
        self.taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.taken.close)
        self.address = "127.0.0.1:%d" % self.taken.getsockname()[1]

    def test_port_in_use_is_named_before_the_directory_is_touched(self):
        code, output = gateway.run("nokv-redis", "--addr", self.address, "--workdir",
                                   self.folder / "db")
        self.assertEqual(code, UNAVAILABLE, output)
        self.assertIn("error[E2101]", output)
        self.assertIn(self.address, output)
        self.assertRegex(output, r"\n  \w")
        self.assertFalse((self.folder / "db").exists())

    def test_directory_that_cannot_be_made_gets_a_way_out(self):
        code, output = gateway.run("nokv-redis", "--addr", LOOPBACK, "--workdir", "/proc/none")
        self.assertNotEqual(code, 0)
        self.assertIn("create directory /proc/none", output)
        self.assertIn("name a directory on a disk", output)

    def test_metrics_port_in_use_is_named_before_the_directory_is_touched(self):
        code, output = gateway.run("nokv-redis", "--addr", LOOPBACK, "--metrics-addr", self.address,
                                   "--workdir", self.folder / "db")
        self.assertEqual(code, UNAVAILABLE, output)
        self.assertIn("error[E2101]", output)
        self.assertIn(self.address, output)
        self.assertFalse((self.folder / "db").exists())


class FlagTest(gateway.ScratchTest):

    def refused(self, command, *texts):
        code, output = gateway.run(*command)
        self.assertEqual(code, USAGE, output)
        for text in texts:
            self.assertIn(text, output)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_unknown_flag_gets_the_nearest_one(self):
        workdir = str(self.folder / "db")
        self.refused(("nokv-redis", "--adr", LOOPBACK, "--workdir", workdir), '"--adr"',
                     "did you mean --addr?", "nokv-redis --help")
        self.refused(("nokv", "stats", "--workdri", workdir), '"--workdri"',
                     "did you mean --workdir?")
        self.refused(("nokv", "stat", "--workdir", workdir), '"stat"', "stats")

    def test_unknown_policy_is_quoted_with_the_three(self):
        self.refused(("nokv-redis", "--sync", "sometimes", "--workdir", str(self.folder / "db")),
                     '"sometimes"', "always, everysec or no")

    def test_missing_workdir(self):
        self.refused(("nokv-redis",), "--workdir")


class WorkdirTest(gateway.ScratchTest):

    def test_workdir_is_a_file(self):
        file = self.folder / "file"
        file.write_text("mine")
        for workdir in (file, file / "below"):
            for command in (("nokv-redis", "--addr", LOOPBACK), ("nokv", "stats"),
                            ("nokv", "manifest")):
                with self.subTest(command=command, workdir=workdir):
                    code, output = gateway.run(*command, "--workdir", workdir)
                    self.assertNotEqual(code, 0)
                    self.assertIn(str(file), output)
                    if code != NOT_FOUND:
                        self.assertIn("\n  name a directory; this path leads to a file\n", output)
        self.assertEqual(file.read_text(), "mine")
        self.assertEqual(os.listdir(self.folder), ["file"])

    def test_inspection_of_a_missing_directory_does_not_create_it(self):
        for tool in ("stats", "manifest"):
            code, output = gateway.run("nokv", tool, "--workdir", self.folder / "none")
            self.assertEqual(code, NOT_FOUND)
            self.assertIn(str(self.folder / "none"), output)
        self.assertEqual(os.listdir(self.folder), [])

    def run_as_nobody(self, workdir):
        if os.getuid() != 0:
            return gateway.run("nokv-redis", "--addr", LOOPBACK, "--workdir", workdir)
        # Permissions do not bind root; and nobody may not be let into the build's folder.
        program = self.folder / "program"
        shutil.copy(gateway.BIN / "nokv-redis", program)
        self.folder.chmod(0o755)
        done = subprocess.run([program, "--addr", LOOPBACK, "--workdir", workdir], user=NOBODY,
                              group=NOBODY, extra_groups=[], stdout=subprocess.PIPE, cwd="/",
                              stderr=subprocess.STDOUT, timeout=gateway.PATIENCE, check=False)
        return done.returncode, done.stdout.decode()

    def test_workdir_that_may_not_be_written(self):
        locked = self.folder / "locked"
        locked.mkdir(mode=0o555)
        for workdir in (locked, locked / "new"):
            with self.subTest(workdir=workdir):
                code, output = self.run_as_nobody(workdir)
                self.assertEqual(code, PERMISSION, output)
                self.assertRegex(output, rf"(?s){workdir}.*\n  \w")
        self.assertEqual(os.listdir(locked), [])

    def test_secrets_that_others_may_read(self):
        secret = self.folder / "secret"
        secret.write_text("")
        for flag in ("--requirepass-file", "--aclfile"):
            for mode in (0o604, 0o660):
                with self.subTest(flag=flag, mode=mode):
                    secret.chmod(mode)
                    code, output = gateway.run("nokv-redis", "--addr", LOOPBACK, "--workdir",
                                               self.folder / "db", flag, secret)
                    self.assertEqual(code, PERMISSION, output)
                    self.assertIn(f"the secret in {secret} is open to", output)
                    self.assertIn(f"\n  chmod 600 {secret}\n", output)

    def test_database_of_somebody_else(self):
        with gateway.Gateway(self.folder / "db") as server:
            self.assertEqual(server.client().call("SET", "k", "v"), b"OK")
            self.assertEqual(server.stop(), 0)
        before = gateway.fingerprint(self.folder / "db")
        if os.getuid() == 0:
            code, output = self.run_as_nobody(self.folder / "db")
            self.assertEqual(code, PERMISSION, output)
            self.assertRegex(output, rf"(?s){self.folder}/db.*\n  \w")
        self.assertEqual(gateway.fingerprint(self.folder / "db"), before)


class ProtocolTest(gateway.ScratchTest):

    def setUp(self):
        super().setUp()
        self.server = self.enterContext(gateway.Gateway(self.folder / "db"))
        self.other = self.server.client()
        self.assertEqual(self.other.call("SET", "k", "v"), b"OK")

    def refused(self, request, message):
        """`request` is answered `message` and hung up on; nobody else notices, no memory goes."""
        before = resident_bytes(self.server.process.pid)
        client = self.server.client()
        client.send(request)
        reply = client.reply()
        self.assertIsInstance(reply, gateway.RedisError)
        self.assertEqual(str(reply), message)
        with self.assertRaises(ConnectionError):
            client.reply()
        self.assertEqual(self.other.call("GET", "k"), b"v")
        self.assertLess(resident_bytes(self.server.process.pid) - before, 16 << 20)

    def test_bulk_length_out_of_range(self):
        for length in (2**63, 2**63 - 1, 2**64, 2**64 + 1, -2**63, -1, 512 * 2**20 + 1):
            with self.subTest(length=length):
                self.refused(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % length,
                             "ERR Protocol error: invalid bulk length")

    def test_multibulk_length_out_of_range(self):
        for length in (2**63, 2**63 - 1, 2**64 + 1):
            with self.subTest(length=length):
                self.refused(b"*%d\r\n" % length, "ERR Protocol error: invalid multibulk length")

    def test_long_length_that_is_announced_takes_no_memory(self):
        before = resident_bytes(self.server.process.pid)
        clients = [self.server.client() for _ in range(10)]
        for client in clients:
            client.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\nabc" % (512 << 20))
        self.assertEqual(self.other.call("GET", "k"), b"v")
        self.assertLess(resident_bytes(self.server.process.pid) - before, 64 << 20)


if __name__ == "__main__":
    unittest.main()
