"""The timestamp service of older versions, under both of its names, as a process."""
import json
import re
import signal
import subprocess
import unittest
import urllib.error
import urllib.request

import gateway


class Service:
    """A running service on a free port."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            [gateway.BIN / command[0], *command[1:], "--addr", "127.0.0.1:0"],
            stderr=subprocess.PIPE, text=True)
        self.ready = self.process.stderr.readline()
        found = re.search(r"ready: address (\S+), start", self.ready)
        self.address = found and found.group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def get(self, page):
        with urllib.request.urlopen(f"http://{self.address}{page}", timeout=gateway.PATIENCE) as answer:
            return answer.read().decode()


class TsoTest(unittest.TestCase):

    def test_both_names_serve_until_a_signal(self):
        for command in (["nokv", "tso", "serve"], ["nokv-tso"]):
            for number in (signal.SIGTERM, signal.SIGINT):
                with Service(*command, "--start", "100") as service:
                    self.assertEqual(json.loads(service.get("/tso")), {"timestamp": 100, "count": 1})
                    self.assertEqual(json.loads(service.get("/tso?batch=5")),
                                     {"timestamp": 101, "count": 5})
                    self.assertEqual(service.get("/healthz"), "ok\n")
                    with self.assertRaises(urllib.error.HTTPError) as refused:
                        service.get("/tso?batch=many")
                    self.assertEqual(refused.exception.code, 400)
                    refused.exception.close()
                    service.process.send_signal(number)
                    self.assertEqual(service.process.wait(gateway.PATIENCE), 0)

    def test_says_why_it_cannot_start(self):
        with Service("nokv-tso") as service:
            code, text = gateway.run("nokv-tso", "--addr", service.address)
            self.assertEqual(code, 4)
            self.assertIn(f"cannot listen on {service.address}: Address already in use", text)
        for arguments, message in ((["--start", "0"], '"0" is not a number'),
                                   (["--addr", "nowhere"], "is not HOST:PORT"),
                                   (["serve"], 'unexpected argument "serve"')):
            code, text = gateway.run("nokv-tso", *arguments)
            self.assertEqual(code, 2, text)
            self.assertIn(message, text)


if __name__ == "__main__":
    unittest.main()
