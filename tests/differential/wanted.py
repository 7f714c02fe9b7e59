"""Where the two may differ, and how far. Everything else is compared byte for byte.

Each entry: the command, why, and a function that brings a reply into the form that is compared; the
reasons are those of docs/redis-compatibility.md.
"""
import re

CLOCK_SLACK = {b"ttl": 3, b"pttl": 3000, b"expiretime": 3, b"pexpiretime": 3000}


def kind_only(reply):
    return reply[0] if reply[0] != "_" and reply != ("$", b"-1") else "nothing"


def sorted_keys(reply):
    return (reply[0], sorted(reply[1])) if reply[0] == "*" else reply


def scanned(reply):
    if reply[0] != "*":
        return reply
    return sorted_keys(reply[1][1])


def sorted_pairs(reply):
    if reply[0] not in "*%":
        return reply
    return reply[0], sorted(zip(reply[1][::2], reply[1][1::2]))


FORMS = {
    b"config get": sorted_pairs,      # by name here, in no order there
    b"keys": sorted_keys,             # in the order of the keys here, in no order there
    b"scan": scanned,                 # as above; cursors are other numbers
    b"randomkey": kind_only,          # any key
    b"memory usage": kind_only,       # bytes on disk here, in memory there
    b"object refcount": kind_only,    # small integers are shared there
    b"object idletime": kind_only,    # not kept here
    b"object encoding": kind_only,    # follows from the value here, from its history there
}


def name_of(command):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in command[:2]]
    words = [word.lower() for word in words]
    pair = b" ".join(words)
    return pair if pair in FORMS else words[0]


def is_free(command):
    """Whether the replies to it may differ."""
    name = name_of(command)
    return name in FORMS or name in CLOCK_SLACK


def without_addresses(reply):
    """What Lua shows of a table or a function is where it is in memory."""
    if isinstance(reply[1], list):
        return reply[0], [without_addresses(part) for part in reply[1]]
    return reply[0], re.sub(rb"(table|function|builtin): (0x)?[0-9a-f]+", rb"\1: 0x", reply[1])


def agree(command, redis, ours, exact=False):
    """Whether both replies mean the same. `exact`: what may differ in general may not here."""
    if redis == ours or without_addresses(redis) == without_addresses(ours):
        return True
    name = name_of(command)
    if name in CLOCK_SLACK and redis[0] == ours[0] == ":":
        a, b = int(redis[1]), int(ours[1])
        return min(a, b) > 0 and abs(a - b) <= CLOCK_SLACK[name]
    if exact or name not in FORMS:
        return False
    form = FORMS[name]
    return form(redis) == form(ours)
