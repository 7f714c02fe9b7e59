"""nokv-redis answers as redis-server does where one client sees what another did: subscriptions and
messages, and transactions over watched keys.

NOKV_DIFFERENTIAL_ROUNDS and NOKV_DIFFERENTIAL_SEED as in differential_test.py.
"""
import contextlib
import itertools
import os
import random
import unittest

from commands import Commands
from gateway import ScratchTest, encode
from pair import Pair, read_reply

ROUNDS = int(os.environ.get("NOKV_DIFFERENTIAL_ROUNDS", "100"))
SEED = int(os.environ.get("NOKV_DIFFERENTIAL_SEED", "1"))
STEPS_PER_ROUND = 60
NAMES = [b"news", b"news.a", b"weather", b"", b"a\r\nb", b"n*", b"\xff"]
PATTERNS = [b"news*", b"*", b"n?ws", b"[nw]e*", b"news", b"", b"\\n*"]
MARK = b"mark"


def show(command):
    return " ".join(repr(word) for word in command)


def in_no_order(replies):
    """The replies to one command with several. Redis goes through its subscriptions in no order: the
    names are compared, and beside them the counts."""
    counts, rest = [], []
    for kind, content in replies:
        if isinstance(content, list) and content and content[-1][0] == ":":
            counts.append(content[-1])
            content = content[:-1]
        rest.append((kind, content))
    return counts, sorted(rest, key=repr)


def in_key_order(reply):
    return (reply[0], sorted(reply[1], key=repr)) if reply[0] == "*" else reply


class ClientsTest(ScratchTest):
    def setUp(self):
        super().setUp()
        self.pair = self.enterContext(Pair(self.folder))

    @contextlib.contextmanager
    def connections(self, protocol, count):
        """For each server, `count` connections."""
        made = []
        for _ in range(count):
            self.pair.connect(protocol)
            made.append(self.pair.connections)
            self.pair.connections = []
        try:
            yield list(zip(*made))
        finally:
            for connection in itertools.chain(*made):
                connection.close()

    @staticmethod
    def until_mark(connection, data):
        """All that comes until the reply to a PING sent behind `data`."""
        connection.socket.sendall(data + encode("PING", MARK))
        replies = []
        while True:
            reply = read_reply(connection.file)
            if reply in (("$", MARK), ("*", [("$", b"pong"), ("$", MARK)])):
                return replies
            replies.append(reply)

    def subscribing(self, source):
        choice = source.random()
        names = [source.choice(NAMES) for _ in range(source.randint(1, 3))]
        patterns = [source.choice(PATTERNS) for _ in range(source.randint(1, 3))]
        if choice < 0.25:
            return ["SUBSCRIBE", *names]
        if choice < 0.4:
            return ["PSUBSCRIBE", *patterns]
        if choice < 0.5:
            return ["SSUBSCRIBE", names[0]]
        if choice < 0.7:
            return [source.choice(["UNSUBSCRIBE", "SUNSUBSCRIBE"]), *names[:source.randint(0, 3)]]
        if choice < 0.8:
            return ["PUNSUBSCRIBE", *patterns[:source.randint(0, 3)]]
        if choice < 0.85:
            return [source.choice(["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"])]
        return source.choice([["GET", "k"], ["PING"], ["PING", "x"], ["PUBLISH", names[0], "own"],
                              ["ECHO", "x"], ["RESET"], ["SUBSCRIBE", *names], ["EXEC"],
                              ["CLIENT", "GETNAME"], ["UNSUBSCRIBE"], ["PUNSUBSCRIBE"]])

    def observing(self, source):
        names = [source.choice(NAMES) for _ in range(source.randint(0, 3))]
        return source.choice([
            ["PUBSUB", "CHANNELS"], ["PUBSUB", "CHANNELS", source.choice(PATTERNS)],
            ["PUBSUB", "NUMSUB", *names], ["PUBSUB", "NUMPAT"], ["PUBSUB", "SHARDCHANNELS"],
            ["PUBSUB", "SHARDCHANNELS", source.choice(PATTERNS)], ["PUBSUB", "SHARDNUMSUB", *names],
            ["PUBSUB", "NUMPAT", "x"], ["PUBSUB"], ["PUBSUB", "bogus"],
            ["PUBLISH", source.choice(NAMES), "m"], ["PUBLISH", source.choice(NAMES), b"\r\n\x00"],
            ["PUBLISH", source.choice(NAMES), "m"], ["SPUBLISH", source.choice(NAMES), "m"],
            ["EVAL", "return redis.call('PUBLISH', ARGV[1], 'script')", 0, source.choice(NAMES)]])

    def test_random_subscriptions(self):
        for seed in range(SEED, SEED + ROUNDS):
            source = random.Random(seed)
            protocol = 2 + seed % 2
            with self.connections(protocol, 3) as servers:
                self.compare_subscriptions(servers, source, f"RESP{protocol}, seed {seed}\n")

    def compare_subscriptions(self, servers, source, why):
        history = []
        for _ in range(STEPS_PER_ROUND):
            subscribes = source.random() < 0.5
            who = source.randint(0, 1) if subscribes else 2
            command = self.subscribing(source) if subscribes else self.observing(source)
            history.append(f"{who}: {show(command)}")
            seen = []
            for clients in servers:
                replies = self.until_mark(clients[who], encode(*command))
                if not subscribes and "CHANNELS" in str(command[1:2]):
                    replies = [in_key_order(reply) for reply in replies]
                others = [self.until_mark(clients[i], b"") for i in range(3) if i != who]
                seen.append([in_no_order(part) for part in [replies, *others]])
            self.assertEqual(*seen, why + "\n".join(history[-12:]))

    def test_what_touches_a_watched_key(self):
        """EXEC runs or not, in each case as in Redis, after another client's random commands."""
        now = Commands(0).now
        states = [[], [("SET", "k1", "v")], [("SET", "k1", "v", "PX", 10**6)]]
        edges = [["SET", "k1", "v", "PXAT", "1"], ["SET", "k1", "v", "EXAT", now - 10],
                 ["EXPIRE", "k1", "-1"], ["DEL", "k1"], ["RENAME", "k1", "k2"], ["RENAME", "k2", "k1"],
                 ["COPY", "k2", "k1"], ["COPY", "k1", "k2", "REPLACE"], ["FLUSHDB"], ["FLUSHALL"],
                 ["SETRANGE", "k1", "0", ""], ["SETRANGE", "k1", "0", "v"], ["APPEND", "k1", ""],
                 ["GETEX", "k1", "PXAT", "1"], ["GETEX", "k1"], ["PERSIST", "k1"], ["TOUCH", "k1"],
                 ["SET", "k1", "v", "NX"], ["SET", "k1", "v", "XX"], ["INCRBY", "k1", "0"],
                 ["EVAL", "redis.call('SET', 'k1', 'v', 'PXAT', 1)", "0"],
                 ["EVAL", "redis.call('SET', 'k1', 'v') redis.call('DEL', 'k1')", "0"]]
        source = Commands(SEED)
        tried = [[edge] for edge in edges]
        tried += [[source.family() for _ in range(2)] for _ in range(3 * ROUNDS)]
        with self.connections(2, 2) as servers:
            for commands, state in itertools.product(tried, states):
                outcomes = []
                for watcher, other in servers:
                    other.call_all([("SELECT", 0), ("FLUSHALL",), ("SET", "k2", "2"), *state])
                    watcher.call_all([("WATCH", "k1"), ("MULTI",), ("PING",)])
                    other.call_all(commands)
                    outcomes.append(watcher.call_all([("EXEC",)]))
                self.assertEqual(*outcomes, f"{state}: " + "; ".join(map(show, commands)))


if __name__ == "__main__":
    unittest.main()
