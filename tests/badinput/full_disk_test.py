"""A disk that fills up: writes are refused by name, reads go on, a restart goes on, nothing is lost."""
import contextlib
import os
import resource
import subprocess
import unittest

import gateway

VALUE_BYTES = 1 << 20
DISK_MB = 400
FREE_MB = 10  # what is left of the disk when writing begins


@contextlib.contextmanager
def small_disk(folder, megabytes=DISK_MB):
    """A small file system in `folder`; skips the test where mounting is not allowed."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "nokv_test", folder],
        capture_output=True, check=False)
    if mounted.returncode != 0:
        raise unittest.SkipTest("mount: " + mounted.stderr.decode().strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def value_of(number):
    return (b"%08d" % number) * (VALUE_BYTES // 8)


def fill(folder, left_mb):
    """Takes all of its disk but `left_mb`; returns the file that does."""
    ballast, room = folder / "ballast", os.statvfs(folder)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - (left_mb << 20))
    return ballast


class FullDiskTest(gateway.ScratchTest):

    def write_until_refused(self, client):
        """Returns how many values were acknowledged, and the refusal."""
        for number in range(2 * DISK_MB):
            reply = client.call("SET", f"k{number}", value_of(number))
            if reply != b"OK":
                return number, str(reply)
        self.fail("no write was refused")

    def check_refusing(self, client, acknowledged, refusal, cause):
        self.assertIn(cause, refusal)
        self.assertIn("read-only", refusal)
        # Refused for good, not now and then; and reads go on.
        self.assertIn(cause, str(client.call("SET", "small", "1")))
        self.assertIn(cause, str(client.call("DEL", "k0")))
        self.check_there(client, acknowledged)

    def check_there(self, client, acknowledged):
        """Returns how many there are: the write that was refused while it waited for its sync may
        be in the log already, as a whole."""
        count = acknowledged + client.call("EXISTS", f"k{acknowledged}")
        self.assertEqual(client.call("DBSIZE"), count)
        self.assertEqual(len(client.keys()), count)
        for number in range(count):
            self.assertEqual(client.call("GET", f"k{number}"), value_of(number), number)
        return count

    def check_goes_on(self, workdir, acknowledged):
        for _ in range(2):
            with gateway.Gateway(workdir) as server:
                client = server.client()
                count = self.check_there(client, acknowledged)
                self.assertEqual(client.call("SET", f"k{count}", value_of(count)), b"OK")
                acknowledged = count + 1
                self.assertEqual(server.stop(), 0, server.log)

    def test_full_disk(self):
        with small_disk(self.folder):
            with gateway.Gateway(self.folder / "db", "--sync", "always") as server:
                client = server.client()
                self.assertEqual(client.call("PING"), b"PONG")
                ballast = fill(self.folder, FREE_MB)
                acknowledged, refusal = self.write_until_refused(client)
                self.assertGreater(acknowledged, 10)
                self.check_refusing(client, acknowledged, refusal, "No space left on device")
                self.assertIn("free disk space", server_log(server))
                server.kill()
            # As long as the disk is full, the restart is refused by name, and touches no data.
            before = data_files(self.folder / "db")
            code, output = gateway.run("nokv-redis", "--addr", "127.0.0.1:0", "--workdir",
                                       self.folder / "db")
            self.assertEqual(code, 1, output)
            self.assertIn("No space left on device", output)
            self.assertIn("free disk space", output)
            self.assertEqual(data_files(self.folder / "db"), before)
            ballast.unlink()
            self.check_goes_on(self.folder / "db", acknowledged)

    def test_limit_of_file_size(self):
        with gateway.Gateway(self.folder / "db", "--sync", "always") as server:
            client = server.client()
            self.assertEqual(client.call("PING"), b"PONG")
            limit = (32 << 20, resource.RLIM_INFINITY)
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limit)
            acknowledged, refusal = self.write_until_refused(client)
            self.assertGreater(acknowledged, 10)
            self.check_refusing(client, acknowledged, refusal, "File too large")
            server.kill()
        self.check_goes_on(self.folder / "db", acknowledged)


def data_files(folder):
    return {name: content for name, content in gateway.fingerprint(folder).items()
            if name.endswith((".sst", ".wal"))}


def server_log(server):
    """What the server has printed so far."""
    with contextlib.suppress(TimeoutError):
        while True:
            server.read_log(0)
    return server.log


if __name__ == "__main__":
    unittest.main()
