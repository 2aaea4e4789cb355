"""Readers of server-sent events: `python -m benchmarks.admin.readers URL COUNT EVENTS PATIENCE`.

Says "listening" once every reader has been greeted. Ends when each of them has had so many events,
or after so many seconds from then, and says in one line of JSON how many each had, and how late the
last of them had an event: since the moment of the breaker's clock, which is that of the machine.
"""

import asyncio
import json
import re
import sys
import time
from functools import partial
from urllib.parse import urlsplit

_MOMENT = re.compile(rb'"monotonic": ?([0-9.e+]+)')


class Reader(asyncio.Protocol):
    """One connection. It takes the moments from the text as it comes: many read on one core."""

    def __init__(self, request: bytes, events: int, last: dict[bytes, float]) -> None:
        loop = asyncio.get_running_loop()
        self.greeted: asyncio.Future[None] = loop.create_future()
        self.finished: asyncio.Future[None] = loop.create_future()
        self.had = 0
        self._request = request
        self._events = events
        self._last = last
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - it is TCP's
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Notes when each event came; the last reader's moment stays."""
        text = self._rest + data
        if not self.greeted.done() and b": listening" in text:
            self.greeted.set_result(None)
        whole, _, self._rest = text.rpartition(b"\n\n")
        now = time.monotonic()
        for moment in _MOMENT.findall(whole):
            self._last[moment] = now
            self.had += 1
        if self.had >= self._events and not self.finished.done():
            self.finished.set_result(None)


async def main(url: str, count: int, events: int, patience: float) -> None:
    """Reads."""
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
    await asyncio.wait([reader.finished for reader in readers], timeout=patience)
    delays = [came - float(moment) for moment, came in last.items()]
    print(json.dumps({"had": [reader.had for reader in readers], "delays": delays}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
