"""nokv-redis over TLS, with redis-cli and with Python's own TLS."""
import re
import shutil
import socket
import ssl
import subprocess
import time
import unittest

import certificates
import gateway


class TlsTest(gateway.ScratchTest):

    def setUp(self):
        super().setUp()
        certificates.make_authority(self.folder)
        certificates.issue(self.folder, "server")

    def start(self, *flags):
        server = gateway.Gateway(
            self.folder / "db", "--tls-addr", "127.0.0.1:0", "--tls-cert-file",
            self.folder / "server.crt", "--tls-key-file", self.folder / "server.key", *flags)
        self.addCleanup(server.kill)
        server.tls_port = re.search(r"TLS address 127\.0\.0\.1:(\d+)", server.log).group(1)
        return server

    def redis_cli(self, server, *words, options=()):
        done = subprocess.run(
            ["redis-cli", "-p", server.tls_port, "--tls", "--cacert", self.folder / "ca.crt",
             *options, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=gateway.PATIENCE, check=False)
        return done.stdout.strip()

    def connect(self, server):
        context = ssl.create_default_context(cafile=self.folder / "ca.crt")
        context.check_hostname = False
        raw = socket.create_connection(("127.0.0.1", int(server.tls_port)), gateway.PATIENCE)
        client = context.wrap_socket(raw)
        self.addCleanup(client.close)
        return client

    def serial(self, server):
        return self.connect(server).getpeercert()["serialNumber"]

    def test_redis_cli_and_both_kinds_of_clients_at_once(self):
        server = self.start("--tls-auth-clients", "no")
        self.assertEqual(self.redis_cli(server, "SET", "k", "over TLS"), "OK")
        self.assertEqual(server.client().call("GET", "k"), b"over TLS")
        self.assertEqual(server.stop(), 0)

    def test_large_values_both_ways(self):
        server = self.start("--tls-auth-clients", "no")
        client = self.connect(server)
        value = b"0123456789abcdef" * (1 << 18)
        client.sendall(gateway.encode("SET", "big", value) + gateway.encode("GET", "big"))
        file = client.makefile("rb")
        self.assertEqual(file.readline(), b"+OK\r\n")
        self.assertEqual(file.readline(), b"$%d\r\n" % len(value))
        self.assertEqual(file.read(len(value)), value)

    def test_sockets_served_by_other_threads(self):
        server = self.start("--tls-auth-clients", "no", "--io-threads", "3")
        for i in range(10):
            self.assertEqual(self.redis_cli(server, "INCR", "n"), str(2 * i + 1))
            self.assertEqual(server.client().call("INCR", "n"), 2 * i + 2)
        waits = server.client()
        waits.send(gateway.encode("SET", "last", "1"))
        self.assertEqual(server.stop(), 0)

    def test_clients_show_certificates_unless_told_otherwise(self):
        certificates.issue(self.folder, "client")
        server = self.start("--tls-ca-cert-file", self.folder / "ca.crt")
        own = ("--cert", self.folder / "client.crt", "--key", self.folder / "client.key")
        self.assertEqual(self.redis_cli(server, "PING", options=own), "PONG")
        self.assertNotIn("PONG", self.redis_cli(server, "PING"))

    def test_a_certificate_says_which_user_a_client_is(self):
        certificates.issue(self.folder, "alice")
        users = self.folder / "users.acl"
        users.write_text("user default off\nuser alice on >never-sent ~alice:* +@all\n")
        users.chmod(0o600)
        for threads in ("1", "2"):
            server = self.start("--tls-ca-cert-file", self.folder / "ca.crt", "--aclfile", users,
                                "--tls-auth-clients-user", "CN", "--tls-auth-clients", "optional",
                                "--io-threads", threads)
            own = ("--cert", self.folder / "alice.crt", "--key", self.folder / "alice.key")
            self.assertEqual(self.redis_cli(server, "ACL", "WHOAMI", options=own), "alice")
            self.assertIn("NOPERM", self.redis_cli(server, "GET", "bob:1", options=own))
            self.assertIn("NOAUTH", self.redis_cli(server, "GET", "alice:1"))
            self.assertEqual(server.stop(), 0)

    def test_a_new_certificate_is_used_and_a_broken_one_is_not(self):
        server = self.start("--tls-auth-clients", "no")
        early, old = self.connect(server), self.serial(server)
        (self.folder / "server.crt").write_text("nonsense")
        while "holds no certificate" not in server.log:
            server.read_log(time.monotonic() + gateway.PATIENCE)
        self.assertIn(str(self.folder / "server.crt"), server.log)
        self.assertEqual(self.serial(server), old)
        certificates.issue(self.folder, "next")
        shutil.copy(self.folder / "next.key", self.folder / "server.key")
        shutil.copy(self.folder / "next.crt", self.folder / "server.crt")
        while "TLS: new certificate" not in server.log:
            server.read_log(time.monotonic() + gateway.PATIENCE)
        self.assertNotEqual(self.serial(server), old)
        early.sendall(b"PING\r\n")
        self.assertEqual(early.recv(100), b"+PONG\r\n")

    def test_the_wrong_protocol_is_closed_with_a_line_in_the_log(self):
        server = self.start("--tls-auth-clients", "no")
        with socket.create_connection(("127.0.0.1", int(server.tls_port))) as plain:
            plain.sendall(gateway.encode("PING"))
            while plain.recv(100):
                pass
        server.tls_port = server.address.rsplit(":", 1)[1]
        with self.assertRaises(OSError):
            self.connect(server)
        self.assertEqual(server.client().call("PING"), b"PONG")
        self.assertEqual(server.stop(), 0)
        self.assertIn("TLS handshake failed", server.log)
        self.assertIn(f"it speaks TLS to {server.address}, which does not", server.log)

    def test_mistakes_in_flags_and_files_are_named(self):
        certificates.issue(self.folder, "other")

        def refusal(*flags):
            code, text = gateway.run("nokv-redis", "--workdir", self.folder / "db", "--addr", "",
                                     *flags)
            self.assertNotEqual(code, 0)
            return text

        self.assertIn("neither --addr nor --tls-addr", refusal())
        at = ("--tls-addr", "127.0.0.1:0")
        self.assertIn("--tls-cert-file and --tls-key-file", refusal(*at))
        cert = (*at, "--tls-cert-file", self.folder / "server.crt", "--tls-key-file")
        no = ("--tls-auth-clients", "no")
        self.assertIn("give --tls-auth-clients yes, or optional",
                      refusal(*cert, self.folder / "server.key", *no, "--tls-auth-clients-user",
                              "CN"))
        self.assertIn("give --tls-ca-cert-file", refusal(*cert, self.folder / "server.key"))
        self.assertIn("other.key is not that of the certificate",
                      refusal(*cert, self.folder / "other.key", *no))
        self.assertIn("none.key", refusal(*cert, self.folder / "none.key", *no))
        (self.folder / "server.key").chmod(0o644)
        self.assertIn(f"server.key is open to every user of this machine\n  chmod 600 {self.folder}",
                      refusal(*cert, self.folder / "server.key", *no))


if __name__ == "__main__":
    unittest.main()
