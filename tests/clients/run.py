#!/usr/bin/env python3
"""Runs real clients and whole stacks, with their defaults, against nokv-redis.

    run.py --node DIR --python PYTHON [--server redis-server] [NAME...]

`--server redis-server` runs them against that program instead: what fails there is the check's fault.
Each program gets a gateway with an empty directory. The last line is "N passed, N failed".
"""

import argparse
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 120  # seconds for one program


def cli(port, *words, **options):
    done = subprocess.run(["redis-cli", "-p", str(port), *words], capture_output=True, text=True,
                          timeout=PATIENCE, check=False, **options)
    return done.stdout.strip()


def expect(name, actual, wanted):
    if actual == wanted:
        print(f"ok {name}")
        return 0
    print(f"not ok {name}: {actual!r} instead of {wanted!r}")
    return 1


def redis_cli(port):
    failed = expect("connect", cli(port, "PING"), "PONG")
    failed += expect("set", cli(port, "SET", "a", "1", "EX", "100"), "OK")
    failed += expect("get", cli(port, "GET", "a"), "1")
    failed += expect("RESP3", cli(port, "-3", "INCR", "a"), "2")
    failed += expect("transaction", cli(port, input="MULTI\nINCR a\nGET a\nEXEC\n").splitlines(),
                     ["OK", "QUEUED", "QUEUED", "3", "3"])
    failed += expect("script", cli(port, "EVAL", "return redis.call('GET', KEYS[1])", "1", "a"), "3")
    mass = "".join(f"SET mass:{i} {i}\r\n" for i in range(10000))
    failed += expect("pipe", "errors: 0, replies: 10000" in cli(port, "--pipe", input=mass), True)
    failed += expect("scan", len(cli(port, "--scan", "--pattern", "mass:*").split()), 10000)
    big = cli(port, "--bigkeys")
    failed += expect("big keys", "Sampled 10001 keys in the keyspace" in big, True)
    listener = subprocess.Popen(["redis-cli", "-p", str(port), "--csv", "SUBSCRIBE", "news"],
                                stdout=subprocess.PIPE, text=True)
    confirmed = any('"subscribe"' in line for line in listener.stdout)
    failed += expect("subscribe", confirmed, True)
    failed += expect("publish", cli(port, "PUBLISH", "news", "hello"), "1")
    if confirmed:
        failed += expect("message", listener.stdout.readline().strip(), '"message","news","hello"')
    listener.kill()
    listener.wait()
    listener.stdout.close()
    return failed


def redis_benchmark(port):
    failed = 0
    for pipeline in ("1", "16"):
        done = subprocess.run(
            ["redis-benchmark", "-p", str(port), "-n", "20000", "-c", "50", "-P", pipeline, "-q",
             "-t", "ping,set,get,incr,mset"],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        rates = re.findall(r"([\d.]+) requests per second", done.stdout)
        failed += expect(f"pipelines of {pipeline}",
                         (done.returncode, len(rates), "rror" in done.stdout + done.stderr),
                         (0, 6, False))
    return failed


def program(*command):
    """The check that a client program is: it prints its own lines."""
    def run(port, environment):
        done = subprocess.run(command, env=environment | {"REDIS_URL": f"redis://127.0.0.1:{port}"},
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        lines = [line for line in done.stdout.splitlines() if line.startswith(("ok ", "not ok "))]
        print("\n".join(lines))
        failures = sum(line.startswith("not ok ") for line in lines)
        if done.returncode != 0 and failures == 0:
            print(f"not ok it ended with {done.returncode}: {done.stderr[-2000:]}")
            return 1
        return failures
    return run


@contextlib.contextmanager
def gateway(server, folder):
    """Yields the port of a server over an empty directory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if server.endswith("redis-server"):
        command = [server, "--port", str(port), "--dir", folder, "--save", ""]
    else:
        command = [server, "--addr", f"127.0.0.1:{port}", "--workdir", f"{folder}/data"]
    with open(f"{folder}/log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while process.poll() is None and cli(port, "PING") != "PONG":
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        yield port
        if process.poll() is not None:
            print(f"not ok the server ended with {process.returncode}: "
                  + pathlib.Path(folder, "log").read_text(errors="replace")[-2000:])
    finally:
        process.terminate()
        process.wait(30)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", required=True, help="folder with node_modules and the programs")
    parser.add_argument("--node-binary", default="node")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--server", default=os.environ.get("NOKV_BINARY_DIR", "build/bin") + "/nokv-redis")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()

    node = lambda name: program(options.node_binary, f"{options.node}/{name}.mjs")
    checks = {
        "redis-cli": lambda port, _: redis_cli(port),
        "redis-benchmark": lambda port, _: redis_benchmark(port),
        "redis-py": program(options.python, str(HERE / "python/redis_py.py")),
        "node-redis": node("node_redis"),
        "ioredis": node("ioredis"),
        "ioredis-5": lambda port, env: node("ioredis")(port, env | {"IOREDIS": "ioredis5"}),
        "valkey-glide": node("valkey_glide"),
        "stacks": node("stacks"),
    }
    unknown = [name for name in options.names if name not in checks]
    if unknown:
        parser.error(f"no client is called {unknown[0]!r}: choose from {' '.join(checks)}")
    passed, failed = 0, 0
    for name in options.names or checks:
        print(f"== {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="nokv_clients_") as folder:
            with gateway(options.server, folder) as port:
                try:
                    failures = checks[name](port, dict(os.environ))
                except subprocess.TimeoutExpired as error:
                    print(f"not ok {name} took longer than {error.timeout} s")
                    failures = 1
        passed += failures == 0
        failed += failures != 0
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
