#!/usr/bin/env python3
"""shift_ports.py FILE OFFSET: prints the description of a cluster with ports that are higher by OFFSET,
those of the addresses on this machine: inside containers nobody is in the way.
"""
import json
import sys


def shifted(addresses, offset):
    moved = []
    for address in addresses.split(","):
        host, colon, port = address.rpartition(":")
        moved.append(f"{host}{colon}{int(port) + offset}")
    return ",".join(moved)


def main(path, offset):
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    for part in [config.get("coordinator", {}), *config.get("stores", [])]:
        for name in ("addr", "listen_addr"):
            if part.get(name):
                part[name] = shifted(part[name], offset)
    print(json.dumps(config, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
