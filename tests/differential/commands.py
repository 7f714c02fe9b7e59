"""Random commands, only such that the gateway has; all of it from one seed."""
import random
import time

KEYS = [b"k%d" % i for i in range(8)] + [b"", b"k\x00\xff\r\n", b"n" * 300, b"{tag}a"]
INTEGERS = [0, 1, -1, 7, 100, 2**31, 2**63 - 1, -2**63, 2**63, -2**63 - 1, 10**30]
BAD_NUMBERS = [b"", b" 1", b"1 ", b"01", b"+1", b"-0", b"1.0", b"0x10", b"abc", b"1e3", b"\xff", b"--1",
               b"9223372036854775808"]
FLOATS = [b"0.1", b"-0.1", b"3.0e3", b"1e-5", b"1e17", b"123456789.123456789", b"5e-324", b"1e308",
          b"1e4932", b"inf", b"-inf", b"nan", b"0x1p3", b".5", b"5.", b"-0.0", b"1e400", b"1e5000"]
VALUES = [b"", b"a", b"hello", b"\x00\x01\xff", b"x" * 44, b"x" * 45, b"y" * 1000, b"ohmytext", b"mynewtext"]
OPTION_CASES = (str.upper, str.lower, str.capitalize)


class Commands:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.now = int(time.time())

    def pick(self, choices):
        return self.random.choice(choices)

    def key(self):
        return self.pick(KEYS[:4]) if self.random.random() < 0.8 else self.pick(KEYS)

    def keys(self):
        return [self.key() for _ in range(self.random.randint(1, 4))]

    def integer(self):
        roll = self.random.random()
        if roll < 0.1:
            return self.pick(BAD_NUMBERS)
        if roll < 0.3:
            return self.pick(INTEGERS)
        return self.random.randint(-20, 20)

    def number(self):
        roll = self.random.random()
        if roll < 0.2:
            return self.pick(FLOATS)
        if roll < 0.3:
            return self.pick(BAD_NUMBERS)
        if roll < 0.5:
            return self.random.randint(-10**18, 10**18)
        digits = self.random.randint(0, 18)
        return b"%.*f" % (digits, self.random.uniform(-1, 1) * 10 ** self.random.randint(-6, 15))

    def value(self):
        roll = self.random.random()
        if roll < 0.3:
            return self.number()
        if roll < 0.6:
            return self.pick(VALUES)
        return self.random.randbytes(self.random.randint(0, 60))

    def expiry(self, unit):
        """A time to live so long that it does not end during the test, or a past or bad one."""
        roll = self.random.random()
        if roll < 0.1:
            return self.pick([0, -1, -100])
        if roll < 0.15:
            return self.pick(BAD_NUMBERS + INTEGERS[6:])
        seconds = self.random.randint(1000, 100000)
        return {"ex": seconds, "px": seconds * 1000 + 7, "exat": self.now + seconds,
                "pxat": (self.now + seconds) * 1000 + 7}[unit]

    def options(self, *forms):
        """Some of the option forms, each a list of words, in some order; sometimes bad ones."""
        chosen = [form for form in forms if self.random.random() < 1.2 / len(forms)]
        self.random.shuffle(chosen)
        words = [word for form in chosen for word in form]
        if self.random.random() < 0.03:
            words.append(self.pick([b"bogus", b"", b"ex", b"count"]))
        return [self.pick(OPTION_CASES)(word) if isinstance(word, str) else word for word in words]

    def expiry_options(self):
        return [[unit, self.expiry(unit)] for unit in ("ex", "px", "exat", "pxat")]

    # --- one method per family: returns a command ---

    def set(self):
        return ["SET", self.key(), self.value(),
                *self.options(["nx"], ["xx"], ["get"], ["keepttl"], *self.expiry_options())]

    def strings(self):
        return self.pick([
            lambda: ["GET", self.key()],
            lambda: ["SETNX", self.key(), self.value()],
            lambda: ["SETEX", self.key(), self.expiry("ex"), self.value()],
            lambda: ["PSETEX", self.key(), self.expiry("px"), self.value()],
            lambda: ["GETSET", self.key(), self.value()],
            lambda: ["GETDEL", self.key()],
            lambda: ["GETEX", self.key(), *self.options(["persist"], *self.expiry_options())],
            lambda: ["MGET", *self.keys()],
            lambda: ["MSET", *[word for key in self.keys() for word in (key, self.value())]],
            lambda: ["MSET", *self.keys()],
            lambda: ["MSETNX", *[word for key in self.keys() for word in (key, self.value())]],
            lambda: ["APPEND", self.key(), self.value()],
            lambda: ["STRLEN", self.key()],
            lambda: ["GETRANGE", self.key(), self.integer(), self.integer()],
            lambda: ["SUBSTR", self.key(), self.integer(), self.integer()],
            lambda: ["SETRANGE", self.key(), self.pick([self.integer(), 0, 3, 536870912]),
                     self.value()],
            lambda: ["LCS", self.key(), self.key(),
                     *self.options(["len"], ["idx"], ["withmatchlen"],
                                   ["minmatchlen", self.integer()])],
        ])()

    def counters(self):
        return self.pick([
            lambda: ["INCR", self.key()], lambda: ["DECR", self.key()],
            lambda: ["INCRBY", self.key(), self.integer()],
            lambda: ["DECRBY", self.key(), self.integer()],
            lambda: ["INCRBYFLOAT", self.key(), self.number()],
            lambda: ["INCRBYFLOAT", self.key(), self.number()],
            lambda: ["SET", self.key(), self.number()],
        ])()

    def expire(self):
        name, unit = self.pick([("EXPIRE", "ex"), ("PEXPIRE", "px"), ("EXPIREAT", "exat"),
                                ("PEXPIREAT", "pxat")])
        return self.pick([
            lambda: [name, self.key(), self.expiry(unit),
                     *self.options(["nx"], ["xx"], ["gt"], ["lt"])],
            lambda: [self.pick(["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST"]), self.key()],
        ])()

    def keyspace(self):
        return self.pick([
            lambda: [self.pick(["DEL", "UNLINK", "EXISTS", "TOUCH"]), *self.keys()],
            lambda: ["TYPE", self.key()],
            lambda: [self.pick(["RENAME", "RENAMENX"]), self.key(), self.key()],
            lambda: ["COPY", self.key(), self.key(),
                     *self.options(["replace"], ["db", self.pick([0, 1, 2, 15, 16, -1, b"x"])])],
            lambda: ["OBJECT", self.pick(["ENCODING", "REFCOUNT", "IDLETIME", "FREQ"]), self.key()],
            lambda: ["MEMORY", "USAGE", self.key(), *self.options(["samples", self.integer()])],
            lambda: ["SCAN", 0, "COUNT", 10000,
                     *self.options(["match", self.pick([b"*", b"k*", b"k?", b"[a-k]1", b"", b"\\k1"])],
                                   ["type", self.pick([b"string", b"STRING", b"list", b"x"])])],
            lambda: ["SCAN", 0, "COUNT", self.pick([b"0", b"-1", b"x", b"", b"10000"])],
            lambda: ["KEYS", self.pick([b"*", b"k*", b"k[1-3]", b"k[^1]", b"?1", b"\\k1", b"k1"])],
            lambda: ["RANDOMKEY"], lambda: ["DBSIZE"],
            lambda: ["SELECT", self.pick([0, 0, 0, 1, 2, 15, 16, -1, b"x", b"01", 2**40])],
        ])()

    def server(self):
        return self.pick([
            lambda: ["PING"], lambda: ["PING", self.value()], lambda: ["ECHO", self.value()],
            lambda: ["CLIENT", "GETNAME"],
            lambda: ["CLIENT", "SETNAME", self.pick([b"me", b"", b"a b", b"\xff", b"x\n"])],
            lambda: ["CONFIG", "GET", self.pick(["hash-max-listpack-*", "TIMEOUT", "none", "save"])],
            lambda: ["CONFIG", "SET", self.pick(["hash-max-listpack-value", "lfu-log-factor",
                                                 "list-max-ziplist-size", "activerehashing", "bogus"]),
                     self.pick([self.integer(), b"yes", b"1kb", b"2gb", b"3MB", b"no", b"1x"])],
            lambda: ["COMMAND", "GETKEYS", *self.set()],
            lambda: ["COMMAND", "GETKEYSANDFLAGS", *self.strings()],
            lambda: ["COMMAND", "GETKEYSANDFLAGS", *self.keyspace()],
            lambda: ["WAIT", 0, self.integer()],
            lambda: ["FUNCTION", self.pick(["STATS", "LIST", "FLUSH", "bogus"]),
                     *self.options(["withcode"], ["sync"])],
            lambda: ["NO-SUCH-COMMAND", self.value(), self.value()],
            lambda: ["FLUSHDB", *self.options(["async"], ["sync"])],
            lambda: ["PUBLISH", b"channel", self.value()],
        ])()

    def family(self):
        return self.random.choices(
            [self.set, self.strings, self.counters, self.expire, self.keyspace, self.server],
            [5, 8, 6, 5, 5, 1])[0]()

    def step(self):
        """A few commands that belong together, mostly one; each with whether it must be exact."""
        roll = self.random.random()
        if roll < 0.02:  # a fresh value shows its encoding
            key = self.key()
            return [(["SET", key, self.value()], True), (["OBJECT", "ENCODING", key], True)]
        if roll < 0.05:
            queued = [(self.family(), False) for _ in range(self.random.randint(0, 5))]
            return [(["MULTI"], True), *queued, ([self.pick(["EXEC", "EXEC", "DISCARD"])], False)]
        command = self.family()
        if roll < 0.08 and command[0] not in ("SCAN", "COMMAND"):  # too few or too many words
            command = command[:self.random.randint(1, len(command))] + self.pick([[], [b"x"]])
        return [(command, False)]
