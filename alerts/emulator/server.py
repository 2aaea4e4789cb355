"""An OpsGenie on loopback: the alert API's answers, delays and limits, and faults on demand."""

import ipaddress
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from alerts.emulator.book import AlertBook, EmulatedAlert
from alerts.emulator.faults import Fault, FaultKind, Faults
from alerts.emulator.routes import Handler

_JOURNAL: Final = 50_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as it came in; `status` is 0 where no answer was given."""

    at: float
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    status: int


class Emulator:
    """The emulator as a server and a context manager. Thread-safe.

    Args:
        host: a loopback address; others are refused, since it asks nobody who they are.
        port: 0 for any free one.
        api_keys: the keys that are let in; none: every one is.
        delay: seconds between taking a write and carrying it out.

    Raises:
        ValueError: `host` is not a loopback address.
        OSError: the address is in use.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_keys: Collection[str] = (),
        delay: float = 0.05,
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the emulator listens on loopback only, not on {host}")
        self.api_keys = set(api_keys)
        self.book = AlertBook(delay)
        self.faults = Faults()
        self.heartbeats: dict[str, float] = {}
        """Those that exist, and when they were pinged last (0: never)."""
        self.changed = threading.Condition()
        self._journal: deque[Entry] = deque(maxlen=_JOURNAL)
        self._server = _Server((host, port), Handler)
        self._server.emulator = self
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens, as OPSGENIE_API_URL takes it."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> Self:
        """Serves on a thread of its own."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="opsgenie-emulator", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends it; connections that are open end too."""
        self._server.shutdown()
        self._server.server_close()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def alerts(self) -> list[EmulatedAlert]:
        """All alerts, oldest first, after what is due was carried out."""
        with self.changed:
            self.book.advance(time.time())
            return list(self.book.alerts.values())

    def alert(self, alias: str) -> EmulatedAlert | None:
        """The open alert of that alias, else its latest."""
        with self.changed:
            self.book.advance(time.time())
            return self.book.find(alias, "alias")

    def journal(self) -> list[Entry]:
        """The latest requests, oldest first."""
        with self.changed:
            return list(self._journal)

    def fail(
        self, kind: str, *, share: float = 1.0, times: int | None = None, delay: float = 1.0
    ) -> None:
        """Adds a fault; see `Fault`."""
        with self.changed:
            self.faults.active.append(Fault(FaultKind(kind), share, times, delay))

    def heal(self) -> None:
        """Takes all faults away."""
        with self.changed:
            self.faults.active.clear()

    def wait_for(self, condition: Callable[[], bool], timeout: float = 10.0) -> bool:
        """Waits until `condition`, which is asked anew after each request and each write.

        Returns whether it came true within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                self.book.advance(time.time())
                if condition():
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                due = self.book.next_due
                self.changed.wait(left if due is None else min(left, max(0.001, due - time.time())))

    def record(self, entry: Entry) -> None:
        """Notes a request, and wakes who waits."""
        with self.changed:
            self._journal.append(entry)
            self.changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    emulator: Emulator

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is not worth a traceback."""
