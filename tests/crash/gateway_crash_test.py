"""nokv-redis is killed (kill -9) under load; every reply that a client has read must hold.

Each client repeats, pipelined: a transaction (MULTI … EXEC) of two new keys and a counter, a script
that does the same, SET of a new key, INCR of its own counter, MSET of two new keys; all clients INCR
one shared counter too. A
connection's commands take effect in order, so what a restart finds must be a prefix of them: that
pins down which keys there are, to the last one.
NOKV_CRASH_ROUNDS, NOKV_CRASH_CLIENTS and NOKV_CRASH_SEED ask for more rounds, more clients, and others.
"""
import collections
import os
import random
import threading
import unittest

import gateway

CLIENTS = int(os.environ.get("NOKV_CRASH_CLIENTS", "8"))
PIPELINE = 4  # steps
PER_STEP = 6  # commands that leave a trace
REPLIES = range(25, 375)  # of each client, about, until the kill
LARGE_CLIENTS = (3, 7)
READ_BACK = 100  # of each kind of key of a client: its newest
KEYS_PER_READ = 200
ROUNDS = int(os.environ.get("NOKV_CRASH_ROUNDS", "4"))
SEED = int(os.environ.get("NOKV_CRASH_SEED", "1"))

SCRIPT = """redis.call('set', KEYS[1], ARGV[1])
redis.call('incr', KEYS[2])
redis.call('set', KEYS[3], ARGV[1])"""


def value_of(number, size):
    return (f"{number:08d}." * (size // 9 + 1))[:size].encode()


class Load:
    """One client: what it sent and what was acknowledged, over all rounds."""

    def __init__(self, name, size):
        self.name = name
        self.size = size  # of values
        self.wrong = []
        self.begin(0)

    def begin(self, start):
        """Another round, behind step `start`."""
        self.start = start
        self.sent = start  # steps
        self.acknowledged = 0  # commands of this round
        self.shared = []  # replies of the shared counter

    def step(self, number):
        value = value_of(number, self.size)
        return [("MULTI",), ("SET", f"begin:{self.name}:{number}", value),
                ("INCR", f"transactions:{self.name}"),
                ("SET", f"end:{self.name}:{number}", value), ("EXEC",),
                ("EVAL", SCRIPT, 3, f"first:{self.name}:{number}", f"scripts:{self.name}",
                 f"last:{self.name}:{number}", value),
                ("SET", f"set:{self.name}:{number}", value), ("INCR", f"count:{self.name}"),
                ("MSET", f"left:{self.name}:{number}", value, f"right:{self.name}:{number}", value),
                ("INCR", "shared")]

    def run(self, client, progress):
        try:
            while True:
                commands = [command for ahead in range(PIPELINE)
                            for command in self.step(self.sent + 1 + ahead)]
                self.sent += PIPELINE
                client.send(b"".join(gateway.encode(*command) for command in commands))
                for command in commands:
                    self.take(command, client.reply())
                    progress()
        except OSError:
            pass  # killed

    def take(self, command, reply):
        if command == ("MULTI",) or reply == b"QUEUED":
            return
        if isinstance(reply, gateway.RedisError):
            self.wrong.append((command[:2], str(reply)))
        if command == ("INCR", "shared"):
            self.shared.append(reply)
        self.acknowledged += 1


class GatewayCrashTest(gateway.ScratchTest):

    def check(self, policy, size, large_size):
        draw = random.Random(f"{SEED} {policy}")
        loads = [Load(name, large_size if name in LARGE_CLIENTS else size)
                 for name in range(CLIENTS)]
        shared = 0
        for number in range(ROUNDS):
            with self.subTest(policy=policy, seed=SEED, round=number):
                with gateway.Gateway(self.folder / "db", "--sync", policy) as server:
                    self.load_until_killed(server, loads, draw.choice(REPLIES) * CLIENTS)
                with gateway.Gateway(self.folder / "db", "--sync", policy) as server:
                    shared = self.verify(server.client(), loads, shared)
                    self.assertEqual(server.stop(), 0, server.log)

    def load_until_killed(self, server, loads, target):
        enough = threading.Event()
        replies = [0]

        def progress():
            replies[0] += 1  # may miss some: it only says when to kill
            if replies[0] >= target:
                enough.set()

        threads = [threading.Thread(target=load.run, args=(server.client(), progress))
                   for load in loads]
        for thread in threads:
            thread.start()
        self.assertTrue(enough.wait(gateway.PATIENCE), f"only {replies[0]} replies")
        server.process.kill()
        for thread in threads:
            thread.join(gateway.PATIENCE)
        for load in loads:
            self.assertEqual(load.wrong, [])

    def verify(self, client, loads, shared_before):
        """Returns the shared counter."""
        keys = client.keys()
        self.assertEqual(client.call("DBSIZE"), len(keys))
        numbered = collections.Counter(key.rpartition(b":")[0] for key in keys)
        counters = self.read_counters(client, loads)
        shared = counters["shared"]
        replies = [reply for load in loads for reply in load.shared]
        self.assertEqual(len(replies), len(set(replies)), "INCR gave a number twice")
        self.assertGreaterEqual(shared, max(replies))
        expected, least, most = {b"shared"}, shared_before, shared_before
        for load in loads:
            low, high = self.verify_load(client, load, numbered, counters, expected)
            least, most = least + low, most + high
        self.assertEqual(keys, expected)
        self.assertTrue(least <= shared <= most, f"{least} <= {shared} <= {most}")
        return shared

    def read_counters(self, client, loads):
        names = ["shared"] + [f"{kind}:{load.name}" for load in loads
                              for kind in ("transactions", "scripts", "count")]
        return {name: int(value or 0) for name, value in zip(names, client.call("MGET", *names))}

    def verify_load(self, client, load, numbered, counters, expected):
        """Adds the keys of `load`; returns how often, at least and at most, it counted "shared"."""
        executed, scripts, count = (counters[f"{kind}:{load.name}"]
                                    for kind in ("transactions", "scripts", "count"))
        sets, pairs = (numbered[b"%s:%d" % (kind, load.name)] for kind in (b"set", b"left"))
        self.assertTrue(pairs <= count <= sets <= scripts <= executed <= pairs + 1,
                        f"{executed} EXEC, {scripts} EVAL, {sets} SET, {count} INCR, {pairs} MSET")
        read_back = []
        for kind, number in (("begin", executed), ("end", executed), ("first", scripts),
                             ("last", scripts), ("set", sets), ("left", pairs), ("right", pairs)):
            names = [f"{kind}:{load.name}:{index}" for index in range(1, number + 1)]
            expected.update(name.encode() for name in names)
            read_back += list(enumerate(names, 1))[-READ_BACK:]
        self.verify_values(client, load, read_back)
        expected.update(b"%s:%d" % (kind, load.name)
                        for kind, number in ((b"count", count), (b"transactions", executed),
                                             (b"scripts", scripts)) if number)
        self.assertLessEqual(executed, load.sent)
        # Whole steps of this round, and the commands before the cut in the one that was cut.
        steps = pairs - load.start
        cut = sum(number - pairs for number in (executed, scripts, sets, count))
        self.assertGreaterEqual(steps * PER_STEP + cut, load.acknowledged,
                                "an acknowledged write is gone")
        # All begin the next round even.
        step = load.step(executed)
        for command, done in ((step[5], scripts == executed), (step[6], sets == executed),
                              (step[7], count == executed), (step[8], pairs == executed)):
            if not done:
                self.assertNotIsInstance(client.call(*command), gateway.RedisError)
        load.begin(executed)
        # The last command of a step leaves no trace of its own: only the next one's tells.
        return (steps if cut else max(steps - 1, 0)), steps

    def verify_values(self, client, load, numbered_names):
        for at in range(0, len(numbered_names), KEYS_PER_READ):
            some = numbered_names[at:at + KEYS_PER_READ]
            found = client.call("MGET", *(name for _, name in some))
            for (index, name), value in zip(some, found):
                self.assertEqual(value, value_of(index, load.size), name)

    def test_sync_always(self):
        self.check("always", 100, 100)

    def test_sync_everysec(self):
        # Values so large that memtables are flushed, too.
        self.check("everysec", 100, 64 << 10)

    def test_sync_no(self):
        self.check("no", 1000, 1000)


if __name__ == "__main__":
    unittest.main()
