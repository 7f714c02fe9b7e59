"""Forty kinds of bad input over RESP, each before and after authentication: the exact reply, the
connection closed only when the stream cannot be understood any more, nobody else harmed, no memory
kept. Texts are those of redis-server 7.0 unless a comment says why not."""
import contextlib
import os
import pathlib
import socket
import time
import unittest

# Freed memory that a sanitizer keeps back is not growth.
os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=8")

import gateway  # noqa: E402  reads the environment

PASSWORD = "pw"
NOAUTH = "NOAUTH Authentication required."
PROTOCOL = "ERR Protocol error: "
MEMORY_GROWTH = 64 << 20
MIB = 1 << 20


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no VmRSS of {pid}")


def error(text):
    return b"-" + text.encode("latin1") + b"\r\n"


def unknown(name, *args):
    listed = "".join(f"'{arg}' " for arg in args)
    return f"ERR unknown command '{name}', with args beginning with: {listed}"


def wrong_arity(name):
    return f"ERR wrong number of arguments for '{name}' command"


class RespTest(gateway.ScratchTest):
    """One gateway with a password; `self.other` is a client that must never notice anything."""

    def setUp(self):
        super().setUp()
        secret = self.folder / "password"
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o600)
        self.server = self.enterContext(
            gateway.Gateway(self.folder / "db", "--requirepass-file", secret))
        self.other = self.client(True)
        self.assertEqual(self.other.call("SET", "k", "v"), b"OK")
        self.before = resident_bytes(self.server.process.pid)

    def tearDown(self):
        self.assertEqual(self.other.call("GET", "k"), b"v")
        self.assertEqual(self.client(True).call("PING"), b"PONG")
        self.assertIsNone(self.server.process.poll())
        grown = resident_bytes(self.server.process.pid) - self.before
        self.assertLess(grown, MEMORY_GROWTH)
        super().tearDown()

    def client(self, authenticated):
        client = self.server.client()
        if authenticated:
            self.assertEqual(client.call("AUTH", PASSWORD), b"OK")
        return client

    def exchange(self, authenticated, data, reply, closed):
        """Sends `data`; exactly `reply` comes back, and then the end, or the answer to a PING."""
        client = self.client(authenticated)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.send(data)
        pong = b"+PONG\r\n" if authenticated else error(NOAUTH)
        if not closed:
            client.send(gateway.encode("PING"))
            self.assertEqual(client.file.read(len(reply + pong)), reply + pong, data[:100])
        else:
            self.assertEqual(client.file.read(len(reply)), reply, data[:100])
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(client.file.read(), b"", data[:100])
        client.close()

    def framing(self, data, text, before=None):
        """Answered with a protocol error and hung up on."""
        for authenticated in (True, False):
            expected = text if authenticated or before is None else before
            with self.subTest(data=data[:60], authenticated=authenticated):
                self.exchange(authenticated, data, error(PROTOCOL + expected), True)

    def semantic(self, *cases):
        """Pairs of a command and its error reply, over one connection that stays open."""
        for authenticated in (True, False):
            client = self.client(authenticated)
            for words, text in cases:
                with self.subTest(words=str(words)[:80], authenticated=authenticated):
                    reply = client.call(*words)
                    known = text.startswith(("ERR unknown command", "ERR wrong number of arg"))
                    expected = text if authenticated or known else NOAUTH
                    self.assertIsInstance(reply, gateway.RedisError)
                    self.assertEqual(str(reply), expected)
            client.close()

    def exists(self, name):
        return self.other.call("COMMAND", "INFO", name) != [None]


class FramingTest(RespTest):

    def test_01_negative_count_is_no_request(self):
        self.exchange(True, b"*-10\r\n", b"", False)
        self.exchange(False, b"*-10\r\n", b"", False)

    def test_02_count_beyond_an_integer(self):
        self.framing(b"*3000000000\r\n", "invalid multibulk length")

    def test_03_one_argument_too_many(self):
        self.framing(b"*1048577\r\n", "invalid multibulk length")

    def test_04_count_is_no_number(self):
        for count in (b"abc", b"", b"1x", b"-", b"1 ", b"0x10"):
            self.framing(b"*" + count + b"\r\n", "invalid multibulk length")

    def test_05_10_26_end_in_the_middle(self):
        for data in (b"*", b"*1", b"*1\r\n$3\r\nab", b"*2\r\n$4\r\nECHO\r\n$5\r\nabc", b"PIN"):
            for authenticated in (True, False):
                client = self.client(authenticated)
                client.send(data)
                client.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(client.file.read(), b"")
                client.close()
                client = self.client(authenticated)
                client.send(data)
                client.close()

    def test_06_07_08_length_out_of_range(self):
        for length in (b"-10", b"-1", b"2000000000", b"536870913", b"blabla", b""):
            self.framing(b"*1\r\n$" + length + b"\r\n", "invalid bulk length")

    def test_09_22_argument_is_no_bulk_string(self):
        for data, got in ((b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "f"),
                          (b"*1\r\n*1\r\n$4\r\nPING\r\n", "*"), (b"*1\r\n:1\r\n", ":"),
                          (b"*1\r\n\r\n", " ")):
            self.framing(data, f"expected '$', got '{got}'")

    def test_11_bulk_string_without_its_line_end(self):
        # Redis skips two bytes, whatever they are, and reads on.
        self.framing(b"*1\r\n$4\r\nPINGxx*1\r\n", "bulk string is not followed by CRLF")

    def test_12_lines_that_end_in_lf(self):
        self.framing(b"*1\n$4\nPING\n" + b"*1\n$4\nPING\n" * 7000, "too big mbulk count string")
        self.framing(b"*1\r\n$4\n" + b"PING\n" * 14000, "too big bulk count string")
        self.exchange(True, b"PING\nPING\n", b"+PONG\r\n+PONG\r\n", False)

    def test_13_zero_bytes(self):
        junk = b"x" * 1024 + b"\n"
        self.framing(b"*\0" + junk * 70, "too big mbulk count string")
        self.framing(b"*\0\r\n", "invalid multibulk length")
        self.framing(b"*1\r\n$\0\r\n", "invalid bulk length")
        self.framing(b"$\0" + b"x" * 70000, "too big inline request")

    def test_14_inline_request_too_long(self):
        self.framing(b"x" * 65537, "too big inline request")

    def test_15_unbalanced_quotes(self):
        for line in (b'PING "abc', b"PING 'abc", b'PING "abc"d', b'PING "\\', b'"'):
            self.framing(line + b"\r\n", "unbalanced quotes in request")

    def test_16_bad_escapes_are_taken_as_they_stand(self):
        self.exchange(True, b'ECHO "\\xZZ\\x4\\q"\r\n', b"$6\r\nxZZx4q\r\n", False)
        self.exchange(False, b'ECHO "\\xZZ"\r\n', error(NOAUTH), False)

    def test_17_names_of_any_bytes(self):
        name = b"\xff\xfe\x80"
        text = error(unknown(name.decode("latin1")))
        for authenticated in (True, False):
            self.exchange(authenticated, name + b"\r\n", text, False)
            self.exchange(authenticated, gateway.encode(name), text, False)

    def test_18_long_name(self):
        name = b"x" * 65536
        self.exchange(True, gateway.encode(name), error(unknown("x" * 128)), False)
        self.exchange(False, gateway.encode(name),
                      error(PROTOCOL + "unauthenticated bulk length"), True)

    def test_19_20_numbers_in_other_forms(self):
        for length in (b"00000000000000000001", b"+1", b" 1", b"1 ", b"9223372036854775808",
                       b"18446744073709551617", b"-9223372036854775809", b"1.0", b"1e0"):
            self.framing(b"*1\r\n$" + length + b"\r\n", "invalid bulk length")
            self.framing(b"*" + length + b"\r\n", "invalid multibulk length")

    def test_21_other_types_are_inline_commands(self):
        for line in ("%1", "~1", ",1.5", "_", "#t", ":1", "+OK", "(1", "=1", ">1"):
            for authenticated in (True, False):
                self.exchange(authenticated, line.encode() + b"\r\n", error(unknown(line)), False)

    def test_23_other_protocols(self):
        for authenticated in (True, False):
            for line in (b"POST / HTTP/1.1\r\n", b"Host: localhost\r\n"):
                self.exchange(authenticated, line + b"X: y\r\n\r\n", b"", True)
        self.exchange(True, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", error(wrong_arity("get")), True)
        # Redis waits for the end of a line.
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(32)) * 8
        self.exchange(False, hello, b"", True)
        self.server.stop()
        self.assertRegex(self.server.log, r"127\.0\.0\.1:\d+ speaks HTTP")
        self.assertRegex(self.server.log, r"127\.0\.0\.1:\d+: closed, it speaks TLS")
        self.restart()

    def restart(self):
        self.server = self.enterContext(
            gateway.Gateway(self.folder / "db", "--requirepass-file", self.folder / "password"))
        self.other = self.client(True)

    def test_24_byte_by_byte_does_not_outlive_the_idle_timeout(self):
        # Redis counts every byte as life.
        self.assertEqual(self.other.call("CONFIG", "SET", "timeout", "1"), b"OK")
        slow = [self.client(authenticated) for authenticated in (True, False)]
        deadline = time.monotonic() + gateway.PATIENCE
        data = iter(b"*2\r\n$4\r\nECHO\r\n$9999\r\n" + b"x" * 9999)
        while slow and time.monotonic() < deadline:
            piece = bytes([next(data)])
            self.other.call("PING")
            for client in list(slow):
                try:
                    client.socket.send(piece)
                    client.socket.settimeout(0.05)
                    if client.socket.recv(1) == b"":
                        slow.remove(client)
                except TimeoutError:
                    pass
                except OSError:
                    slow.remove(client)
        self.assertEqual(slow, [])

    def test_25_replies_that_nobody_reads(self):
        pings = b"PING\r\n" * 1000
        for authenticated in (True, False):
            client = self.client(authenticated)
            client.socket.settimeout(0.5)
            with contextlib.suppress(TimeoutError, ConnectionError):
                for _ in range(1000):
                    client.socket.sendall(pings)
                client.socket.settimeout(gateway.PATIENCE)

    def test_26_what_follows_a_large_request_does_not_hold_its_memory(self):
        value = b"x" * (4 * MIB)
        for _ in range(32):
            client = self.client(True)
            client.send(gateway.encode("ECHO", value) + b"*")
            self.assertEqual(client.reply(), value)  # and the connection stays

    def test_27_before_authentication_requests_are_small(self):
        self.exchange(False, b"*11\r\n", error(PROTOCOL + "unauthenticated multibulk length"), True)
        self.exchange(False, b"*2\r\n$4\r\nAUTH\r\n$16385\r\n",
                      error(PROTOCOL + "unauthenticated bulk length"), True)
        self.exchange(False, gateway.encode("PING", b"x" * 16384), error(NOAUTH), False)
        self.exchange(False, gateway.encode("PING", *"abcdefghi"), error(NOAUTH), False)
        self.exchange(True, gateway.encode("EXISTS", *"abcdefghijkl"), b":1\r\n", False)


class SemanticTest(RespTest):

    def test_28_wrong_number_of_words(self):
        cases = []

        def add(info):
            name, arity, subcommands = info[0].decode(), info[1], info[9]
            words = name.split("|")
            least = abs(arity)
            if len(words) < least:
                cases.append((words + ["x"] * (least - 1 - len(words)), wrong_arity(name)))
            if arity > 0 and least < 10:
                cases.append((words + ["x"] * (least + 1 - len(words)), wrong_arity(name)))
            for subcommand in subcommands:
                add(subcommand)

        for info in self.other.call("COMMAND"):
            if info[9]:
                if info[1] < -1:  # COMMAND alone is a command
                    cases.append(([info[0].decode()], wrong_arity(info[0].decode())))
                for subcommand in info[9]:
                    add(subcommand)
            elif info[0] != b"exec":  # has words of its own, see test_37
                add(info)
        self.assertGreater(len(cases), 100)
        self.semantic(*cases)

    def test_29_options_of_set_that_exclude_each_other(self):
        syntax = "ERR syntax error"
        expire = "ERR invalid expire time in 'set' command"
        self.semantic((("SET", "a", "b", "EX", 1, "PX", 1), syntax),
                      (("SET", "a", "b", "EX", 1, "KEEPTTL"), syntax),
                      (("SET", "a", "b", "NX", "XX"), syntax), (("SET", "a", "b", "EX"), syntax),
                      (("SET", "a", "b", "EX", 0), expire), (("SET", "a", "b", "EX", -1), expire),
                      (("SET", "a", "b", "EX", 2**63 - 1), expire),
                      (("SET", "a", "b", "PXAT", 0), expire),
                      (("SET", "a", "b", "EX", "1x"),
                       "ERR value is not an integer or out of range"))
        self.assertIsNone(self.other.call("GET", "a"))

    def test_30_counters(self):
        no_integer = "ERR value is not an integer or out of range"
        for value in (b"1 ", b"0x1", b"", b"01", b"1.0", b"9223372036854775808", b"\xff"):
            self.other.call("SET", "n", value)
            self.semantic((("INCR", "n"), no_integer))
            self.assertEqual(self.other.call("GET", "n"), value)
        self.other.call("SET", "n", 2**63 - 1)
        overflow = "ERR increment or decrement would overflow"
        self.semantic((("INCR", "n"), overflow), (("INCRBY", "n", 1), overflow),
                      (("INCRBY", "n", 2**63), no_integer),
                      (("DECRBY", "n", -2**63), "ERR decrement would overflow"))
        self.assertEqual(self.other.call("GET", "n"), b"9223372036854775807")

    def test_31_floats(self):
        no_float = "ERR value is not a valid float"
        infinite = "ERR increment would produce NaN or Infinity"
        self.other.call("SET", "f", "1.5")
        self.semantic((("INCRBYFLOAT", "f", "nan"), no_float), (("INCRBYFLOAT", "f", " 1"), no_float),
                      (("INCRBYFLOAT", "f", "1x"), no_float), (("INCRBYFLOAT", "f", ""), no_float),
                      (("INCRBYFLOAT", "f", "inf"), infinite),
                      (("INCRBYFLOAT", "f", "-inf"), infinite))
        self.assertEqual(self.other.call("GET", "f"), b"1.5")

    def test_32_ranges_out_of_range(self):
        too_long = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
        self.semantic((("SETRANGE", "k", 2**62, "x"), too_long),
                      (("SETRANGE", "k", 2**63 - 1, "x"), too_long),
                      (("SETRANGE", "k", -1, "x"), "ERR offset is out of range"),
                      (("SETRANGE", "k", 2**63, "x"),
                       "ERR value is not an integer or out of range"))
        for first, last, part in ((-2**63, 2**63 - 1, b"v"), (2**63 - 1, -2**63, b""), (5, 9, b""),
                                  (-2**63, -2**63, b"v")):
            self.assertEqual(self.other.call("GETRANGE", "k", first, last), part)

    def test_33_34_36_commands_of_other_types(self):
        wrong_type = "WRONGTYPE Operation against a key holding the wrong kind of value"
        no_float = "ERR value is not a valid float"
        for words, text in ((("LRANGE", "k", 2**62, -2**62), wrong_type),
                            (("ZRANGE", "k", "(1", "[a", "BYSCORE"), "ERR min or max is not a float"),
                            (("ZADD", "z", "nan", "a"), no_float),
                            (("ZADD", "z", "INCR", 1, "a", 2, "b"),
                             "ERR INCR option supports a single increment-element pair"),
                            (("LPUSH", "k", "x"), wrong_type), (("HSET", "k", "f", "x"), wrong_type),
                            (("SADD", "k", "x"), wrong_type), (("ZADD", "k", 1, "x"), wrong_type),
                            (("XADD", "k", "*", "f", "x"), wrong_type)):
            self.semantic((words, text if self.exists(words[0]) else
                           unknown(words[0], *words[1:])))
        self.assertEqual(self.other.call("GET", "k"), b"v")

    def test_35_cursors(self):
        cursor = "ERR invalid cursor"
        self.semantic((("SCAN", "abc"), cursor), (("SCAN", -1), cursor), (("SCAN", "1x"), cursor),
                      (("SCAN", 2**64), cursor), (("SCAN", 12345), cursor),  # Redis takes any number
                      (("SCAN", 0, "COUNT", 0), "ERR syntax error"),
                      (("SCAN", 0, "COUNT", -1), "ERR syntax error"),
                      (("SCAN", 0, "COUNT", 2**63), "ERR value is not an integer or out of range"),
                      (("SCAN", 0, "MATCH"), "ERR syntax error"))

    def test_37_transactions(self):
        self.semantic((("DISCARD",), "ERR DISCARD without MULTI"))
        client = self.client(False)
        self.assertEqual(str(client.call("MULTI")), NOAUTH)
        self.assertEqual(str(client.call("EXEC")),
                         f"EXECABORT Transaction discarded because of: {NOAUTH}")
        client = self.client(True)
        self.assertEqual(str(client.call("EXEC")), "ERR EXEC without MULTI")
        self.assertEqual(client.call("MULTI"), b"OK")
        self.assertEqual(str(client.call("MULTI")), "ERR MULTI calls can not be nested")
        if self.exists("WATCH"):
            self.assertEqual(str(client.call("WATCH", "k")), "ERR WATCH inside MULTI is not allowed")
        self.assertEqual(str(client.call("EXEC", "x")),
                         "EXECABORT Transaction discarded because of: wrong number of arguments "
                         "for 'exec' command")
        self.assertEqual(client.call("MULTI"), b"OK")
        count = 100_000
        client.send(gateway.encode("INCR", "n") * count)
        for _ in range(count):
            self.assertEqual(client.reply(), b"QUEUED")
        self.assertIsNone(self.other.call("GET", "n"))
        self.assertEqual(client.call("EXEC")[-1], count)

    def test_38_keys_and_values_at_their_limits(self):
        for key in (b"", b"\0", b"\xff" * 100, b"\0\xff\0", b"\x01k", b"data\0key", b"k" * MIB):
            self.assertEqual(self.other.call("SET", key, b"\0\xff"), b"OK")
            self.assertEqual(self.other.call("GET", key), b"\0\xff")
            self.assertEqual(self.other.call("DEL", key), 1)
        reply = str(self.other.call("SET", b"k" * (MIB + 1), "v"))
        self.assertEqual(reply, f"ERR key of {MIB + 1} bytes exceeds the limit of {MIB}")
        self.assertEqual(self.other.call("DBSIZE"), 1)
        # A length just beyond the limit is refused before its bytes come.
        self.assertEqual(self.other.call("CONFIG", "SET", "proto-max-bulk-len", 8 * MIB), b"OK")
        self.assertEqual(self.other.call("SET", "v", b"x" * (8 * MIB)), b"OK")
        self.exchange(True, b"*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$%d\r\n" % (8 * MIB + 1),
                      error(PROTOCOL + "invalid bulk length"), True)
        too_long = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
        self.assertEqual(str(self.other.call("APPEND", "v", "x")), too_long)
        self.assertEqual(self.other.call("STRLEN", "v"), 8 * MIB)
        self.other.call("DEL", "v")

    def test_39_passwords_and_users(self):
        wrong = "WRONGPASS invalid username-password pair or user is disabled."
        for secret in ("wrong", "", b"pw\0", b"\0", b"\xff" * 100):
            self.assertEqual(str(self.client(False).call("AUTH", secret)), wrong)
        self.assertEqual(str(self.client(True).call("AUTH", b"x" * MIB)), wrong)
        self.exchange(False, gateway.encode("AUTH", b"x" * MIB),
                      error(PROTOCOL + "unauthenticated bulk length"), True)
        client = self.client(False)
        self.assertEqual(str(client.call("HELLO", 9)), "NOPROTO unsupported protocol version")
        self.assertEqual(str(client.call("HELLO", "x")),
                         "ERR Protocol version is not an integer or out of range")
        self.assertEqual(str(client.call("HELLO", 3, "AUTH", "default", "x")), wrong)
        self.assertEqual(str(client.call("HELLO", 3, "AUTH")),
                         "ERR Syntax error in HELLO option 'AUTH'")
        self.assertEqual(str(client.call("PING")), NOAUTH)
        self.other.call("ACL", "SETUSER", "u", "on", "nopass", "+get", "~a*")
        self.assertEqual(client.call("AUTH", "u", "x"), b"OK")
        self.assertIsNone(client.call("GET", "a"))
        self.assertEqual(str(client.call("GET", "k")),
                         "NOPERM this user has no permissions to access one of the keys used as "
                         "arguments")
        self.assertEqual(str(client.call("SET", "a", "b")),
                         "NOPERM this user has no permissions to run the 'set' command")
        self.assertIsNone(self.other.call("GET", "a"))

    def test_40_what_changes_the_server_is_not_for_everybody(self):
        self.other.call("ACL", "SETUSER", "u", "on", "nopass", "~*", "&*", "+@all", "-@dangerous",
                        "-@scripting", "-@admin")
        user = self.client(False)
        self.assertEqual(user.call("AUTH", "u", "x"), b"OK")
        for words in (("EVAL", "return 1", 0), ("DEBUG", "SLEEP", 0), ("CONFIG", "SET", "dir", "/"),
                      ("SHUTDOWN", "NOSAVE"), ("REPLICAOF", "NO", "ONE"), ("SLAVEOF", "NO", "ONE"),
                      ("MIGRATE", "h", 1, "k", 0, 1), ("MODULE", "LOAD", "x.so"),
                      ("ACL", "SETUSER", "u", "+@all"), ("FLUSHALL",), ("KEYS", "*"),
                      ("MONITOR",), ("CLIENT", "KILL", "ID", 1)):
            reply = str(user.call(*words))
            with self.subTest(words=words):
                self.assertRegex(reply, "^NOPERM this user has no permissions to run the |"
                                 "^ERR [A-Z]+ is not supported: ")
                self.assertRegex(str(self.client(False).call(*words)),
                                 "^NOAUTH |^ERR [A-Z]+ is not supported: ")
        # Some are for nobody.
        self.assertRegex(str(self.other.call("CONFIG", "SET", "dir", "/")), "can't set immutable")
        for words in (("MODULE", "LOAD", "x.so"), ("MIGRATE", "h", 1, "k", 0, 1),
                      ("REPLICAOF", "h", 1)):
            self.assertRegex(str(self.other.call(*words)), "^ERR ")


if __name__ == "__main__":
    unittest.main()
