"""Ten thousand clients that are silent, a hundred that are not, and one too many."""
import pathlib
import resource
import socket
import time
import unittest

import gateway

IDLE, ACTIVE = 10_000, 100
BYTES_PER_IDLE = 4096
BYTES_LEFT = 20
SPARE_FILES = 1500


def rss_bytes(pid):
    pages = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def open_files(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


class ManyClientsTest(gateway.ScratchTest):

    def setUp(self):
        super().setUp()
        needed = IDLE + ACTIVE + SPARE_FILES
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < needed:
            self.skipTest(f"{needed} open files are needed, the hard limit is {hard}")
        # The server starts with a low soft limit and raises it by itself.
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        self.server = gateway.Gateway(self.folder / "db")
        self.addCleanup(self.server.kill)
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        self.control = self.server.client()
        self.address = ("127.0.0.1", int(self.server.address.rsplit(":", 1)[1]))

    def connected(self):
        text = self.control.call("INFO", "clients").decode()
        return int(text.split("connected_clients:")[1].split()[0])

    def allocated(self):
        text = self.control.call("INFO", "memory").decode()
        return int(text.split("allocator_allocated:")[1].split()[0])

    def wait_for(self, count):
        deadline = time.monotonic() + gateway.PATIENCE
        while self.connected() != count:
            self.assertLess(time.monotonic(), deadline, f"{self.connected()} instead of {count}")

    def open_idle(self):
        """Returns the sockets and how much the server grew."""
        before = rss_bytes(self.server.process.pid)
        sockets = []
        for i in range(IDLE):
            sockets.append(socket.create_connection(self.address, gateway.PATIENCE))
            if i % 200 == 0:  # not faster than they are accepted
                self.assertEqual(self.control.call("PING"), b"PONG")
        self.wait_for(IDLE + 1)
        return sockets, rss_bytes(self.server.process.pid) - before

    def test_silent_clients_cost_little_and_give_everything_back(self):
        self.assertEqual(self.control.call("CONFIG", "SET", "maxclients", IDLE + ACTIVE + 1), b"OK")
        files = open_files(self.server.process.pid)
        allocated = self.allocated()
        idle, grown = self.open_idle()
        self.assertLess(grown / IDLE, BYTES_PER_IDLE)
        active = [self.server.client() for _ in range(ACTIVE)]
        for turn in range(3):
            for i, client in enumerate(active):
                client.send(gateway.encode("SET", f"k{i}", turn) + gateway.encode("GET", f"k{i}"))
            for client in active:
                self.assertEqual((client.reply(), client.reply()), (b"OK", b"%d" % turn))
        one_too_many = self.server.client()
        self.assertEqual(str(one_too_many.reply()), "ERR max number of clients reached")
        with self.assertRaises(ConnectionError):
            one_too_many.reply()
        for each in idle + active:
            each.close()
        self.wait_for(1)
        self.assertLessEqual(open_files(self.server.process.pid), files + 5)
        # Not what the process holds: when free memory goes back to the system is a matter of time.
        self.assertLess((self.allocated() - allocated) / IDLE, BYTES_LEFT)


class FileLimitTest(gateway.ScratchTest):

    def test_maxclients_is_lowered_to_what_the_limit_of_files_allows(self):
        with gateway.Gateway(self.folder / "db",
                             prefix=("prlimit", "--nofile=512:512")) as server:
            limit = server.client().call("CONFIG", "GET", "maxclients")[1]
            self.assertEqual(server.stop(), 0)
            if "maxclients is lowered from 10000 to 384" in server.log:
                self.assertEqual(limit, b"384")
                self.assertIn("ulimit -Hn", server.log)
            else:  # a user who may raise even the hard limit
                self.assertEqual(limit, b"10000")
                self.assertNotIn("maxclients", server.log)


if __name__ == "__main__":
    unittest.main()
