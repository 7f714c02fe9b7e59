"""What an operator types, rightly and wrongly, at the real programs."""
import json
import os
import pty
import select
import signal
import socket
import subprocess
import time
import unittest
import urllib.request

import certificates
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

    def test_port_of_redis_where_that_of_the_metrics_belongs(self):
        with gateway.Gateway(self.folder / "db") as server:
            text = self.mistake(UNAVAILABLE, "nokv", "stats", "--expvar", server.address)
            self.assertIn("no answer came, or one that is not HTTP", text)
            self.assertIn("was started with --metrics-addr", text)

    def test_another_page_of_the_metrics(self):
        metrics = f"127.0.0.1:{gateway.free_port()}"
        with gateway.Gateway(self.folder / "db", "--metrics-addr", metrics):
            self.works(f"nokv stats --expvar http://{metrics}/metrics")

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

    def test_address_where_a_directory_belongs(self):
        metrics = f"127.0.0.1:{gateway.free_port()}"
        with gateway.Gateway(self.folder / "db", "--metrics-addr", metrics):
            text = self.mistake(USAGE, "nokv", "stats", "--workdir", "http://" + metrics)
            self.assertIn("--expvar looks into a server", text)
            self.works(f"nokv stats --expvar http://{metrics}")
        text = self.mistake(USAGE, "nokv", "get", "k", "-w", "redis://127.0.0.1:6380")
        self.assertIn("is an address, not a path; redis-cli talks to a gateway", text)
        text = self.mistake(USAGE, "nokv-redis", "--workdir", "127.0.0.1:6380")
        self.assertIn("--addr is where clients connect", text)
        text = self.mistake(USAGE, "nokv", "stats", "--expvar", "./db")
        self.assertIn("--workdir looks into a directory", text)
        self.works("nokv stats --workdir ./db")

    def test_directory_without_a_database(self):
        for command in ("scan", "stats", "manifest"):
            text = self.mistake(NOT_FOUND, "nokv", command, "--workdir", self.folder / "none")
            self.assertIn("nokv put KEY VALUE --workdir DIR", text)
        self.works("nokv put KEY VALUE --workdir DIR && nokv scan --workdir DIR")

    def test_words_of_other_programs(self):
        for typed, meant in (("set", "put"), ("del", "delete"), ("keys", "scan"), ("info", "stats")):
            self.assertIn(f"did you mean {meant}?", self.mistake(USAGE, "nokv", typed, "k"))
        for typed, meant in (("--port", "--addr HOST:PORT"), ("--dir", "--workdir DIR"),
                             ("--requirepass", "--requirepass-file FILE"), ("-p", "--addr HOST:PORT")):
            self.assertIn(f"did you mean {meant}?", self.mistake(USAGE, "nokv-redis", typed, "6380"))
        self.assertIn('did you mean --workdir "data"?', self.mistake(USAGE, "nokv-redis", "data"))

    def test_directory_that_another_gateway_serves(self):
        with gateway.Gateway(self.folder / "db") as server:
            text = self.mistake(UNAVAILABLE, "nokv-redis", "--addr", "127.0.0.1:0", "--workdir",
                                self.folder / "db")
            self.assertIn(f"pid {server.process.pid}", text)
            self.assertIn("stop that process", text)
            self.works(f"nokv scan --workdir {self.folder / 'db'}")

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


class SettingsTest(gateway.ScratchTest):
    """Settings from files, read by the real programs from the real places."""

    def setUp(self):
        super().setUp()
        self.user = self.folder / "xdg" / "nokv" / "config.json"
        self.user.parent.mkdir(parents=True)

    def run_here(self, program, *arguments, code=0, **variables):
        done = subprocess.run([gateway.BIN / program, *map(str, arguments)], cwd=self.folder,
                              env={"XDG_CONFIG_HOME": str(self.folder / "xdg"), **variables},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=gateway.PATIENCE, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout + done.stderr

    def source_of(self, setting, *arguments, **variables):
        lines = self.run_here("nokv-redis", "--check-config", *arguments, **variables).splitlines()
        return next(line for line in lines if line.startswith(setting + " ")).split()[1:]

    def test_flag_variable_folder_and_user_in_this_order(self):
        self.user.write_text('{"sync": "no", "workdir": "data"}')
        self.assertEqual(self.source_of("sync"), ["no", f"{self.user}:1:10"])
        self.assertEqual(self.source_of("workdir")[0], str(self.user.parent / "data"))
        (self.folder / "nokv.json").write_text('{"sync": "always"}')
        self.assertEqual(self.source_of("sync"), ["always", "./nokv.json:1:10"])
        self.assertEqual(self.source_of("sync", NOKV_SYNC="no"), ["no", "NOKV_SYNC"])
        self.assertEqual(self.source_of("sync", "--sync", "everysec", NOKV_SYNC="no"),
                         ["everysec", "--sync"])
        (self.folder / "other.json").write_text('{"io-threads": 2}')
        self.assertEqual(self.source_of("sync", "--config", "other.json")[0], "no")
        self.assertEqual(self.source_of("io-threads", NOKV_CONFIG="other.json")[0], "2")

    def test_the_gateway_serves_with_the_settings_of_a_file(self):
        (self.folder / "nokv.json").write_text('{"sync": "always"}')
        with gateway.Gateway(self.folder / "db", "-C", self.folder / "nokv.json") as server:
            self.assertIn("sync always", server.log)

    def test_a_terminal_that_is_closed_does_not_end_the_gateway(self):
        with gateway.Gateway(self.folder / "db") as server:
            server.process.send_signal(signal.SIGHUP)
            self.assertEqual(server.client().call("PING"), b"PONG")
            self.assertEqual(server.stop(), 0)

    def test_mistakes_keep_the_gateway_from_starting(self):
        (self.folder / "nokv.json").write_text('{\n  "workdir": "db",\n  "snyc": "no",\n'
                                               '  "io-threads": "2"\n}\n')
        for arguments in ((), ("--check-config",)):
            text = self.run_here("nokv-redis", *arguments, code=USAGE)
            self.assertIn("error[E2201]", text)
            self.assertIn('\n  ./nokv.json:3:3: unknown setting "snyc"; did you mean sync?', text)
            self.assertIn("\n  ./nokv.json:4:17: io-threads must be a number, not text", text)
        self.assertFalse((self.folder / "db").exists())
        self.run_here("nokv", "help", "E2201")

    def test_a_pipe_is_not_waited_for(self):
        os.mkfifo(self.folder / "nokv.json")
        self.assertIn("error[E2202]", self.run_here("nokv", "scan", "-w", "db", code=USAGE))

    def test_the_check_looks_at_what_settings_name(self):
        certificates.make_authority(self.folder)
        certificates.issue(self.folder, "server")
        certificates.issue(self.folder, "other")
        (self.folder / "users").write_text("user web on nopass +@read\n")
        (self.folder / "users").chmod(0o600)
        (self.folder / "file").write_text("")
        good = {"workdir": "new/db", "tls-addr": ":7000", "tls-cert-file": "server.crt",
                "tls-key-file": "server.key", "tls-auth-clients": "no", "aclfile": "users"}
        (self.folder / "nokv.json").write_text(json.dumps(good))
        self.run_here("nokv-redis", "--check-config")
        self.assertFalse((self.folder / "new").exists(), "it changes nothing")
        with gateway.Gateway(self.folder / "db"):
            self.run_here("nokv-redis", "--check-config", "--workdir", "db")
        (self.folder / "users").write_text("user web nonsense\n")
        (self.folder / "nokv.json").write_text(json.dumps(
            {**good, "workdir": "file/db", "tls-key-file": "other.key"}))
        text = self.run_here("nokv-redis", "--check-config", "-q", code=7)
        self.assertIn("error: --workdir: file is no directory", text)
        self.assertIn("error: --aclfile: ", text)
        self.assertIn("error: --tls-addr: the key in other.key is not that of the certificate", text)

    def test_the_doctor_looks_at_certificate_and_secrets(self):
        certificates.make_authority(self.folder)
        certificates.issue(self.folder, "server", days=20)
        certificates.issue(self.folder, "other")
        (self.folder / "password").write_text("secret\n")
        for name, mode in (("password", 0o644), ("server.key", 0o600)):
            (self.folder / name).chmod(mode)
        (self.folder / "nokv.json").write_text(json.dumps(
            {"tls-cert-file": "server.crt", "tls-key-file": "server.key",
             "requirepass-file": "password"}))
        text = self.run_here("nokv", "doctor", "-o", "raw", code=1)
        self.assertRegex(text, r"TLS\twarning\tserver.crt expires in (19|20) days\t")
        self.assertIn("secrets\tproblem\tthe gateway refuses what others may use: password\t"
                      "chmod 600 password", text)
        (self.folder / "password").chmod(0o600)
        text = self.run_here("nokv", "doctor", "-o", "raw", "--tls-key-file", "other.key", code=1)
        self.assertIn("TLS\tproblem\tthe key in other.key is not that of the certificate", text)
        self.assertIn("secrets\tok\t", text)


class WatchTest(gateway.ScratchTest):

    def setUp(self):
        super().setUp()
        gateway.run("nokv", "put", "k", "v", "--workdir", self.folder / "db")

    def watch(self, out, *more):
        return subprocess.Popen([gateway.BIN / "nokv", "stats", "--workdir", self.folder / "db",
                                 "--watch=100ms", *more], stdout=out, stderr=subprocess.PIPE)

    def read_until(self, source, count, mark):
        text, deadline = b"", time.monotonic() + gateway.PATIENCE
        while text.count(mark) < count:
            self.assertTrue(select.select([source], [], [], max(0, deadline - time.monotonic()))[0])
            text += os.read(source, 1 << 16)
        return text

    def end(self, process):
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(gateway.PATIENCE), 0)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()

    def test_a_pipe_gets_one_block_behind_the_other_until_ctrl_c(self):
        for more, mark in (((), b"Entries "), (("-o", "jsonl"), b'{"entries"'),
                           (("-o", "csv"), b"\nentries,")):
            process = self.watch(subprocess.PIPE, *more)
            text = self.read_until(process.stdout.fileno(), 3, mark)
            self.assertNotIn(b"\x1b", text)
            self.assertEqual(text.count(b"name,value"), 1 if "csv" in more else 0)
            self.end(process)
            process.stdout.close()

    def test_a_terminal_shows_it_in_one_place(self):
        gateway.need_terminal(self)
        ours, theirs = pty.openpty()
        process = self.watch(theirs)
        text = self.read_until(ours, 3, b"Entries ")
        self.assertTrue(text.startswith(b"\x1b[Hevery 100ms; Ctrl-C ends"), text[:60])
        self.assertIn(b"\x1b[J\x1b[H", text)
        os.write(ours, b"x")
        self.end(process)
        os.close(ours)
        os.close(theirs)

    def test_what_fails_at_first_ends_it(self):
        done = subprocess.run([gateway.BIN / "nokv", "stats", "--workdir", self.folder / "none",
                               "--watch"], stderr=subprocess.PIPE, check=False,
                              timeout=gateway.PATIENCE)
        self.assertEqual(done.returncode, NOT_FOUND)


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


class PatienceTest(gateway.ScratchTest):

    def test_a_server_that_does_not_answer_is_waited_for_as_long_as_told(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            for command in (("stats", "--expvar"), ("doctor", "--addr")):
                began = time.monotonic()
                done = subprocess.run([gateway.BIN / "nokv", *command, address, "--timeout",
                                       "100ms"], check=False, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True,
                                      timeout=gateway.PATIENCE)
                self.assertEqual(done.returncode, UNAVAILABLE, done.stdout)
                self.assertIn(address, done.stdout)
                self.assertLess(time.monotonic() - began, 9, "that is what it waits by default")


class VerbosityTest(gateway.ScratchTest):

    def test_twice_v_shows_what_the_engine_says(self):
        def messages(*flags):
            done = subprocess.run([gateway.BIN / "nokv", "put", "k", "v", "--workdir",
                                   self.folder / "db", *flags], check=True, stderr=subprocess.PIPE,
                                  text=True, timeout=gateway.PATIENCE)
            return done.stderr

        self.assertEqual(messages(), "")
        self.assertEqual(messages("-v"), 'replaced "k", 1 bytes\n')
        self.assertRegex(messages("-vv"), r"(?s)^\d{4}-\S+Z \w+: .*replaced \"k\", 1 bytes\n")
        self.assertEqual(messages("-q"), "")


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
