"""The emulator: OpsGenie's API on a loopback port, what was asked of it, and what goes wrong."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from alerts.emulator.alert import EmulatedAlert, Json
from alerts.emulator.book import AlertBook
from alerts.emulator.console import answer_own, is_own
from alerts.emulator.exchange import Answer, Entry, Request, refused
from alerts.emulator.faults import Fault, FaultKind, Faults, answer_of
from alerts.emulator.handler import handler_for
from alerts.emulator.heartbeats import Heartbeat, HeartbeatBook
from alerts.emulator.listener import Listener
from alerts.emulator.operations import OpsGenieApi

T = TypeVar("T")

_JOURNAL: Final = 10_000
"""So many requests are kept."""


class Emulator:
    """The emulator as a server and a context manager. Thread-safe.

    Args:
        host: a loopback address; others are refused, since it asks nobody who they are.
        port: 0 for any free one.
        api_keys: the keys that are let in; none: every one is.
        delay: seconds between taking a write and carrying it out.
        clock: seconds since the epoch; a test may drive it.

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
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.api_keys = frozenset(api_keys)
        """May be replaced while it runs."""
        self._clock = clock
        self._book = AlertBook(delay)
        self._heartbeats = HeartbeatBook()
        self._api = OpsGenieApi(self._book, self._heartbeats)
        self._faults = Faults()
        self._journal: deque[Entry] = deque(maxlen=_JOURNAL)
        self._changed = threading.Condition()
        self._changes = 0
        self._stopping = threading.Event()
        self._listener = Listener(host, port, handler_for(self._exchange, self._stopping))

    @property
    def url(self) -> str:
        """Where it listens, as `OPSGENIE_API_URL` takes it."""
        return self._listener.url

    def start(self) -> Self:
        """Serves, on a thread of its own."""
        self._listener.start()
        return self

    def stop(self) -> None:
        """Ends it, and the connections to it; what it holds can still be asked for."""
        self._stopping.set()
        self._listener.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # --- what it holds

    def alerts(self) -> list[EmulatedAlert]:
        """Copies of all alerts, oldest first, after what is due was carried out."""
        with self._changed:
            self._book.advance(self._clock())
            return [alert.copy() for alert in self._book.alerts.values()]

    def alert(self, alias: str) -> EmulatedAlert | None:
        """A copy of the open alert of that alias, else of its latest."""
        with self._changed:
            self._book.advance(self._clock())
            alert = self._book.find(alias, "alias")
            return None if alert is None else alert.copy()

    @property
    def requests(self) -> list[Entry]:
        """The latest requests to OpsGenie's API, oldest first; each is here before its answer."""
        with self._changed:
            return list(self._journal)

    def add_heartbeat(self, name: str, *, interval: int = 10, unit: str = "minutes") -> None:
        """Makes a heartbeat, as somebody would in OpsGenie's settings."""
        with self._changed:
            self._heartbeats.add(Heartbeat(name, interval, unit))

    def heartbeat(self, name: str) -> Json | None:
        """The heartbeat of that name, in the API's form."""
        with self._changed:
            heartbeat = self._heartbeats.heartbeats.get(name)
            return None if heartbeat is None else heartbeat.as_json(self._clock())

    # --- what goes wrong

    def fail(self, kind: str, **options: Any) -> None:  # noqa: ANN401 - each option has a type of its own
        """Puts a fault into force: `fail("error", share=0.3)`; the options are those of `Fault`.

        Raises:
            FaultError: an option is unknown, or out of range.
        """
        self.add_fault(Fault.from_json({"kind": kind, **options}))

    def add_fault(self, fault: Fault) -> None:
        """Puts `fault` into force.

        Raises:
            FaultError: there are too many already.
        """
        with self._changed:
            self._faults.add(fault, self._clock())

    def faults(self) -> list[Json]:
        """The faults in force."""
        with self._changed:
            return self._faults.as_json(self._clock())

    def heal(self) -> None:
        """Takes all faults away."""
        with self._changed:
            self._faults.clear()

    # --- waiting

    def wait_for(self, condition: Callable[[], T], timeout: float = 10.0) -> T:
        """Waits until `condition`, which is asked anew whenever something has happened here.

        Args:
            condition: asked from the calling thread, and free to ask the emulator for anything.
            timeout: seconds.

        Returns:
            What `condition` gave last: something true, unless the time is over.
        """
        deadline = time.monotonic() + timeout
        while True:
            with self._changed:
                before = self._changes
            result = condition()
            if result or not self._await_change(before, deadline):
                return result

    async def wait_for_async(self, condition: Callable[[], T], timeout: float = 10.0) -> T:  # noqa: ASYNC109 - as its twin
        """`wait_for`, off the event loop."""
        return await asyncio.to_thread(self.wait_for, condition, timeout)

    def _await_change(self, before: int, deadline: float) -> bool:
        """Waits for the first change after `before`; False if the time is over."""
        with self._changed:
            while True:
                if self._book.advance(self._clock()):
                    self._change()
                if self._changes != before:
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                due = self._book.next_due
                until_due = left if due is None else max(0.001, due - self._clock())
                self._changed.wait(min(left, until_due))

    def _change(self) -> None:
        self._changes += 1
        self._changed.notify_all()

    # --- serving

    def _exchange(self, request: Request) -> Answer | None:
        if is_own(request.path):
            return answer_own(self, request)
        with self._changed:
            now = self._clock()
            struck = self._faults.strike(request, now)
            answer = self._answer(request, now, struck)
            fault = struck[0].kind if struck else ""
            self._journal.append(_entry(request, now, answer, fault))
            self._change()
            return answer

    def _answer(
        self, request: Request, now: float, struck: tuple[Fault, float] | None
    ) -> Answer | None:
        if struck is None:
            return self._answer_by_api(request, now)
        fault, left = struck
        if fault.kind is FaultKind.DOWN:
            return None
        if instead := answer_of(fault, left):
            return instead
        applied = fault.kind is not FaultKind.UNAPPLIED
        answer = self._answer_by_api(request, now, applied=applied)
        if fault.kind is FaultKind.DROP:
            return None
        if fault.kind is FaultKind.SLOW:
            return Answer(answer.status, answer.content, answer.headers, late=fault.delay)
        return answer

    def _answer_by_api(self, request: Request, now: float, *, applied: bool = True) -> Answer:
        if not request.key or (self.api_keys and request.key not in self.api_keys):
            return refused(401, "Could not authenticate")
        return self._api.answer(request, now, applied=applied)


def _entry(request: Request, now: float, answer: Answer | None, fault: str) -> Entry:
    return Entry(
        at=now,
        method=request.method,
        path=request.path,
        query=request.query,
        headers=request.without_secret(),
        body=request.body,
        status=answer.status if answer else 0,
        fault=fault,
    )
