"""Damaged, missing and newer files: refused by name with the way out, nothing changed, nothing lost.

Each case damages one file of a database that was closed in good order, tries every program on it,
compares all files, undoes the damage, and reads everything back.
"""
import pathlib
import re
import shutil
import struct
import unittest

import gateway

KEYS = 1000
CORRUPTION, CONFLICT, NOT_FOUND, FAILED = 6, 5, 3, 1  # exit codes
TABLE, LOG = "00004.sst", "00003.wal"  # as sample_directory makes them
LOG_REPLAYED = 40000  # an offset in LOG behind the position at which replay begins


def crc32c(data, crc=0):
    crc ^= 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def masked(crc):
    return (((crc >> 15) | (crc << 17)) + 0xa282ead8) & 0xffffffff


def flip(offset):
    """Damage: one bit at `offset`; from the end if negative."""
    def apply(path):
        data = bytearray(path.read_bytes())
        data[offset] ^= 0x10
        path.write_bytes(data)
    return apply


def cut(size):
    return lambda path: path.write_bytes(path.read_bytes()[:size])


def remove(path):
    path.unlink()


def next_version(begin, version, checksum, by=1):
    """Damage: the format version at `version` grows; the checksum, of all from `begin`, is right."""
    def apply(path):
        data = bytearray(path.read_bytes())
        base = len(data) if begin < 0 else 0
        begin_at, version_at, checksum_at = (base + at for at in (begin, version, checksum))
        data[version_at] += by
        data[checksum_at:checksum_at + 4] = struct.pack(
            "<I", masked(crc32c(data[begin_at:checksum_at])))
        path.write_bytes(data)
    return apply


def next_current(path):
    path.write_bytes(path.read_bytes().replace(b"nokv-current 1", b"nokv-current 2"))


class DamageTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(gateway.scratch())
        cls.sample = cls.folder / "sample"
        code, output = gateway.run("sample_directory", cls.sample)
        assert code == 0, output
        # A gateway has served it, so that it need not count the keys at the next start.
        with gateway.Gateway(cls.sample) as server:
            cls.assertEqual(cls(), server.client().call("DBSIZE"), KEYS)
            cls.assertEqual(cls(), server.stop(), 0)
        cls.manifest = next(path.name for path in cls.sample.iterdir()
                            if path.name.startswith("MANIFEST"))

    def setUp(self):
        self.dir = self.folder / "damaged"
        shutil.copytree(self.sample, self.dir)
        self.addCleanup(shutil.rmtree, self.dir)

    def read_all(self, workdir):
        with gateway.Gateway(workdir) as server:
            client = server.client()
            self.assertEqual(client.call("DBSIZE"), KEYS)
            keys = [b"key%04d" % number for number in range(KEYS)]
            self.assertEqual(client.call("MGET", *keys), [key * 20 for key in keys])
            self.assertEqual(server.stop(), 0, server.log)

    def refused(self, name, damage, code, *texts, tools=("stats", "manifest")):
        """Every program refuses the directory once `damage` was done to file `name`."""
        damage(self.dir / name)
        before = gateway.fingerprint(self.dir)
        commands = [("nokv-redis", "--addr", "127.0.0.1:0")] + [("nokv", tool) for tool in tools]
        for command in commands:
            with self.subTest(command=command[:2]):
                got, output = gateway.run(*command, "--workdir", self.dir)
                self.assertEqual(got, code, output)
                for text in texts:
                    self.assertRegex(output, text)
                # The way out is a line of its own, and the page that tells more is there.
                self.assertRegex(output, r"\n  \w.*\n")
                page = re.search(r"see nokv help (E\d+)", output)
                self.assertIsNotNone(page, output)
                self.assertEqual(gateway.run("nokv", "help", page.group(1))[0], 0)
                self.assertEqual(gateway.fingerprint(self.dir), before)
        self.undo(name)
        self.read_all(self.dir)

    def undo(self, name):
        shutil.copy2(self.sample / name, self.dir / name)

    # The log.

    def test_flipped_bit_in_the_log(self):
        self.refused(LOG, flip(LOG_REPLAYED), CORRUPTION, "E1302", LOG, r"offset|at \d+", tools=("stats",))

    def test_flipped_bit_in_the_header_of_a_segment(self):
        self.refused(LOG, flip(20), CORRUPTION, "E1302", LOG, tools=("stats",))

    def test_log_cut_in_the_middle(self):
        self.refused(LOG, cut(LOG_REPLAYED), CORRUPTION, "E1302", LOG, tools=("stats",))

    def test_last_segment_cut(self):
        name = max(path.name for path in self.sample.glob("*.wal"))
        self.refused(name, cut(200), CORRUPTION, "E1302", name, tools=("stats",))

    def test_missing_segment(self):
        self.refused("00004.wal", remove, CORRUPTION, "E1302", "00004.wal", tools=("stats",))

    def test_newer_log(self):
        self.refused(LOG, next_version(0, 8, 48), FAILED, "E1305", LOG, "format 2",
                     tools=("stats",))

    # Tables.

    def test_flipped_bit_in_the_footer_of_a_table(self):
        self.refused(TABLE, flip(-40), CORRUPTION, "E1303", TABLE, tools=("stats",))

    def test_flipped_bit_in_the_index_of_a_table(self):
        self.refused(TABLE, flip(-500), CORRUPTION, "E1303", TABLE, r"offset \d+", tools=("stats",))

    def test_table_cut_short(self):
        self.refused(TABLE, cut(20000), CORRUPTION, "E1303", TABLE, tools=("stats",))

    def test_missing_table(self):
        self.refused(TABLE, remove, CORRUPTION, "E1304", TABLE, tools=("stats",))

    def test_newer_table(self):
        self.refused(TABLE, next_version(-48, -16, -12, by=3), FAILED, "E1305", TABLE, "version 4",
                     tools=("stats",))

    def test_flipped_bit_in_a_data_block(self):
        self.fails_where_it_is_read(flip(5000), most=149)

    def test_flipped_bit_in_the_key_index_of_a_table(self):
        self.fails_where_it_is_read(flip(-700), most=200)

    def fails_where_it_is_read(self, damage, most):
        """Of the keys at most so many fail once `damage` was done to the table, and no other."""
        damage(self.dir / TABLE)
        damaged = (self.dir / TABLE).read_bytes()
        with gateway.Gateway(self.dir) as server:
            client = server.client()
            keys = [b"key%04d" % number for number in range(KEYS)]
            replies = [client.call("GET", key) for key in keys]
            wrong = [reply for reply in replies if isinstance(reply, gateway.RedisError)]
            # Only what is there fails, by the file's name; nothing reads as missing.
            self.assertGreater(len(wrong), 0)
            self.assertLessEqual(len(wrong), most)
            for reply in wrong:
                self.assertRegex(str(reply), TABLE + r".*offset \d+")
            for key, reply in zip(keys, replies):
                if reply not in wrong:
                    self.assertEqual(reply, key * 20)
            self.assertEqual(client.call("PING"), b"PONG")
            self.assertEqual(client.call("SET", "other", "1"), b"OK")
            self.assertEqual(client.call("DEL", "other"), 1)
            self.assertEqual(server.stop(), 0, server.log)
        self.assertEqual((self.dir / TABLE).read_bytes(), damaged)
        self.undo(TABLE)
        self.read_all(self.dir)

    # Manifest and CURRENT.

    def test_flipped_bit_in_the_header_of_the_manifest(self):
        self.refused(self.manifest, flip(17), CORRUPTION, "E1301", self.manifest)

    def test_flipped_bit_in_a_record_of_the_manifest(self):
        self.refused(self.manifest, flip(100), CORRUPTION, "E1301", self.manifest, r"offset \d+")

    def test_manifest_cut_short(self):
        self.refused(self.manifest, cut(60), CORRUPTION, "E1301", self.manifest)

    def test_missing_manifest(self):
        self.refused(self.manifest, remove, CORRUPTION, "E130[14]", self.manifest)

    def test_newer_manifest(self):
        self.refused(self.manifest, next_version(0, 8, 28), FAILED, "E1305", self.manifest,
                     "version 3")

    def test_flipped_bit_in_current(self):
        self.refused("CURRENT", flip(12), CORRUPTION, "E1301", "CURRENT")

    def test_current_cut_short(self):
        self.refused("CURRENT", cut(16), CORRUPTION, "E1301", "CURRENT")

    def test_empty_current(self):
        self.refused("CURRENT", cut(0), CORRUPTION, "E1301", "CURRENT")

    def test_newer_current(self):
        self.refused("CURRENT", next_current, FAILED, "E1305", "CURRENT", "version|form")

    def test_missing_current_beside_tables(self):
        self.refused("CURRENT", remove, CORRUPTION, "E1102", "CURRENT", tools=("stats",))

    def test_missing_current_shows_as_missing_manifest(self):
        remove(self.dir / "CURRENT")
        before = gateway.fingerprint(self.dir)
        code, output = gateway.run("nokv", "manifest", "--workdir", self.dir)
        self.assertEqual(code, NOT_FOUND, output)
        self.assertIn("CURRENT is missing", output)
        self.assertEqual(gateway.fingerprint(self.dir), before)

    def test_directory_of_a_cluster(self):
        (self.dir / "MODE.json").write_text('{"mode": "cluster"}')
        before = gateway.fingerprint(self.dir)
        code, output = gateway.run("nokv-redis", "--addr", "127.0.0.1:0", "--workdir", self.dir)
        self.assertEqual(code, CONFLICT, output)
        self.assertIn("E1101", output)
        self.assertIn("cluster", output)
        self.assertEqual(gateway.fingerprint(self.dir), before)
        (self.dir / "MODE.json").unlink()
        self.read_all(self.dir)


class KilledLogTest(gateway.ScratchTest):
    """The log of a process that was killed has no seal: only its marks tell damage from a torn end."""

    def make(self, policy):
        self.dir = self.folder / "db"
        with gateway.Gateway(self.dir, "--sync", policy) as server:
            client = server.client()
            for number in range(20):
                self.assertEqual(client.call("SET", f"k{number}", b"payload of %02d" % number), b"OK")
            server.kill()
        return max(self.dir.glob("*.wal"))

    def find(self, log, text):
        offset = log.read_bytes().find(text)
        self.assertGreater(offset, 0)
        return offset

    def test_flipped_bit_in_the_last_synced_record(self):
        log = self.make("always")
        offset = self.find(log, b"payload of 19")
        flip(offset)(log)
        before = gateway.fingerprint(self.dir)
        code, output = gateway.run("nokv-redis", "--addr", "127.0.0.1:0", "--workdir", self.dir)
        self.assertEqual(code, CORRUPTION, output)
        self.assertIn("E1302", output)
        self.assertIn(log.name, output)
        self.assertEqual(gateway.fingerprint(self.dir), before)
        flip(offset)(log)
        with gateway.Gateway(self.dir) as server:
            self.assertEqual(server.client().call("GET", "k19"), b"payload of 19")

    def test_torn_end_is_cut_and_said(self):
        log = self.make("no")
        size = log.stat().st_size
        with log.open("r+b") as file:
            file.truncate(self.find(log, b"payload of 19"))
            file.truncate(size)
        with gateway.Gateway(self.dir) as server:
            client = server.client()
            self.assertEqual(client.call("GET", "k18"), b"payload of 18")
            self.assertIsNone(client.call("GET", "k19"))
            self.assertEqual(client.call("DBSIZE"), len(client.keys()))
            server.kill()
            self.assertRegex(server.log, r"torn tail at .*\d+ bytes")


if __name__ == "__main__":
    unittest.main()
