"""Readers of server-sent events.

    python -m benchmarks.services.sse_readers URL READERS EVENTS TIMEOUT

Prints "listening" when the server has greeted every reader. Ends when each has received EVENTS, or
TIMEOUT seconds later. Then prints one line of JSON: the number of events of each reader, and for
each event the delay to the last reader, in seconds since its time on the breaker's clock, which is
the machine's.
"""

import asyncio
import json
import re
import sys
import time
from functools import partial
from urllib.parse import urlsplit

_TIME = re.compile(rb'"monotonic": ?([0-9.e+]+)')


class Reader(asyncio.Protocol):
    """One connection. It only extracts times from the text, since many share one core."""

    def __init__(self, request: bytes, events: int, last: dict[bytes, float]) -> None:
        loop = asyncio.get_running_loop()
        self.greeted: asyncio.Future[None] = loop.create_future()
        self.finished: asyncio.Future[None] = loop.create_future()
        self.received = 0
        self._request = request
        self._events = events
        self._last = last
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - it is TCP's
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note the time of arrival of each event; the last reader's remains."""
        text = self._rest + data
        if not self.greeted.done() and b": listening" in text:
            self.greeted.set_result(None)
        whole, _, self._rest = text.rpartition(b"\n\n")
        now = time.monotonic()
        for event_time in _TIME.findall(whole):
            self._last[event_time] = now
            self.received += 1
        if self.received >= self._events and not self.finished.done():
            self.finished.set_result(None)


async def main(url: str, count: int, events: int, seconds: float) -> None:
    """Read until done, and print the results."""
    last: dict[bytes, float] = {}
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    make = partial(Reader, request, events, last)
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(make, host, port) for _ in range(count)]
    readers = [reader for _, reader in made]
    await asyncio.gather(*(reader.greeted for reader in readers))
    print("listening", flush=True)
    await asyncio.wait([reader.finished for reader in readers], timeout=seconds)
    delays = [arrival - float(event_time) for event_time, arrival in last.items()]
    print(
        json.dumps({"received": [reader.received for reader in readers], "delays": delays}),
        flush=True,
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
