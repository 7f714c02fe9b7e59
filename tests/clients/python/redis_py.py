"""redis-py with its defaults, and the cache of django-redis over it."""

import os
import queue
import sys
import threading

import redis

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6380")


def connect():
    client = redis.Redis.from_url(URL, decode_responses=True)
    assert client.ping() is True
    return client


def set_and_get(client):
    assert client.set("py:a", "value") is True
    assert client.get("py:a") == "value"
    assert client.get("py:missing") is None
    assert client.set("py:a", "x", nx=True) is None
    assert client.set("py:a", "y", get=True) == "value"
    assert client.mset({"py:b": 2, "py:c": 3}) is True
    assert client.mget("py:b", "py:c", "py:missing") == ["2", "3", None]
    assert client.incrbyfloat("py:f", 1.5) == 1.5
    raw = redis.Redis.from_url(URL)
    raw.set(b"py:\x00\xff", b"\x00\r\n\xff")
    assert raw.get(b"py:\x00\xff") == b"\x00\r\n\xff"


def expire(client):
    client.set("py:e", "x", ex=100)
    assert 90 < client.ttl("py:e") <= 100
    assert client.expire("py:a", 50) == 1
    assert client.persist("py:a") == 1
    assert client.ttl("py:a") == -1
    assert client.getex("py:a", px=60000) == "y"
    assert client.pttl("py:a") > 50000


def scan(client):
    client.mset({f"py:scan:{i}": i for i in range(250)})
    names = set(client.scan_iter("py:scan:*", count=50))
    assert len(names) == 250, len(names)
    assert client.delete(*names) == 250


def pipeline(client):
    # By default redis-py wraps a pipeline into MULTI and EXEC.
    for transaction in (True, False):
        with client.pipeline(transaction=transaction) as pipe:
            for i in range(100):
                pipe.set(f"py:p{i}", i).get(f"py:p{i}")
            replies = pipe.execute()
        assert len(replies) == 200 and replies[-1] == "99"


def transaction_with_watch(client):
    client.set("py:balance", 10)
    with client.pipeline() as pipe:
        pipe.watch("py:balance")
        balance = int(pipe.get("py:balance"))
        client.set("py:balance", 11)
        pipe.multi()
        pipe.set("py:balance", balance + 5)
        try:
            pipe.execute()
            raise AssertionError("EXEC ran although the watched key had changed")
        except redis.WatchError:
            pass

    def add(pipe):
        balance = int(pipe.get("py:balance"))
        pipe.multi()
        pipe.set("py:balance", balance + 5)

    assert client.transaction(add, "py:balance") == [True]
    assert client.get("py:balance") == "16"


def script(client):
    double = client.register_script("return redis.call('GET', KEYS[1]) * ARGV[1]")
    client.set("py:s", 21)
    assert double(keys=["py:s"], args=[2]) == 42
    client.script_flush()
    assert double(keys=["py:s"], args=[2]) == 42
    with client.lock("py:lock", timeout=10):
        assert not client.lock("py:lock", blocking=False).acquire()
    assert client.exists("py:lock") == 0


def publish_and_subscribe(client):
    heard = queue.Queue()
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(**{"py-news": heard.put})
    listener.psubscribe(**{"py-*": heard.put})
    while client.pubsub_numsub("py-news")[0][1] == 0 or client.pubsub_numpat() == 0:
        listener.get_message(timeout=0.1)
    thread = threading.Thread(target=lambda: [listener.get_message(timeout=1) for _ in range(4)])
    thread.start()
    assert client.publish("py-news", "hello") == 2
    kinds = {heard.get(timeout=10)["type"] for _ in range(2)}
    assert kinds == {"message", "pmessage"}, kinds
    thread.join()
    listener.close()


def django_cache(_client):
    from django.conf import settings

    settings.configure(CACHES={"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": URL}})
    from django.core.cache import cache

    cache.set("a", {"n": 1}, timeout=60)
    assert cache.get("a") == {"n": 1}
    assert cache.add("a", 2) is False
    cache.set("n", 1)
    assert cache.incr("n", 5) == 6
    assert 0 < cache.ttl("a") <= 60
    cache.set_many({f"many:{i}": i for i in range(20)})
    assert len(cache.get_many([f"many:{i}" for i in range(20)])) == 20
    assert cache.delete_pattern("many:*") == 20
    with cache.lock("lock", timeout=10):
        assert not cache.lock("lock", blocking_timeout=0).acquire(blocking=False)
    cache.clear()
    assert cache.get("a") is None


def main():
    failed = 0
    client = None
    checks = [connect, set_and_get, expire, scan, pipeline, transaction_with_watch, script,
              publish_and_subscribe, django_cache]
    for check in checks:
        name = check.__name__.replace("_", " ")
        try:
            client = check() if check is connect else check(client) or client
            print(f"ok {name}", flush=True)
        except Exception as error:  # whatever a client throws is the finding
            failed += 1
            print(f"not ok {name}: {type(error).__name__}: {error}", flush=True)
    sys.exit(1 if failed else 0)


main()
