"""A service of the smallest kind, as a process of its own: breakers, alerting, and a file.

It takes commands from its standard input, one a line, and answers each with `ok`: `open NAME`,
`reset NAME`, `health`, and `clock SECONDS`, which sets the wall clock by so much, as far as this
process can tell. CLOCK_OFFSET does that before the start. Names on its command line are open from
the start, as after a restart that restored them.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
import time

from breakerd import Alerting, Registry


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    limit_files()
    set_clock(float(os.environ.get("CLOCK_OFFSET", "0")))
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
            elif command == "clock":
                set_clock(float(name))
            elif command == "health":
                print(json.dumps(alerting.health()), flush=True)
            print("ok", flush=True)


def set_clock(by: float) -> None:
    """Move the wall clock by seconds; the monotonic clock is left alone."""
    read = time.time
    time.time = lambda: read() + by


def limit_files() -> None:
    """No file may grow beyond FILE_SIZE_LIMIT bytes, as on a full disk; writing fails instead."""
    if limit := os.environ.get("FILE_SIZE_LIMIT"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))


if __name__ == "__main__":
    main()
