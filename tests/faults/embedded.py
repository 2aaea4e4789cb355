"""A service of the smallest kind, as a process of its own: breakers, alerting, and a file.

It takes commands from its standard input, one a line, and answers each with `ok`:
`open NAME`, `reset NAME`, `health`. Names on its command line are open from the start, as after a
restart that restored them.
"""

from __future__ import annotations

import json
import sys

from alerts import Alerting
from breaker import Registry


def main() -> None:
    file, *opened = sys.argv[1:]
    registry = Registry.from_file(file)
    for name in opened:
        registry.get(name).force_open("a test")
    with Alerting.from_file(file, registry) as alerting:
        print("ready", flush=True)
        for line in sys.stdin:
            command, _, name = line.strip().partition(" ")
            if command == "open":
                registry.get(name).force_open("a test")
            elif command == "reset":
                registry.get(name).reset()
            elif command == "health":
                print(json.dumps(alerting.health()), flush=True)
            print("ok", flush=True)


if __name__ == "__main__":
    main()
