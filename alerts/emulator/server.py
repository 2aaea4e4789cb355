"""The emulator: an API on a loopback port, what was asked of it, and what goes wrong."""

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterable
from types import TracebackType
from typing import Any, Final, Literal, Protocol, Self, TypeVar, get_args

from breakerd.alerts.emulator.api.jsm import JsmApi
from breakerd.alerts.emulator.api.messages import LogEntry, Request, Response
from breakerd.alerts.emulator.api.opsgenie import OpsGenieApi
from breakerd.alerts.emulator.faults.fault import Fault, FaultKind
from breakerd.alerts.emulator.faults.injector import (
    Faults,
    Injection,
    Window,
    injected_response,
    spoilt,
)
from breakerd.alerts.emulator.state.account import DEFAULT_MODE, Account, WriteMode
from breakerd.alerts.emulator.state.alert import EmulatedAlert, Json
from breakerd.alerts.emulator.state.alerts import AlertStore, Summary, Write
from breakerd.alerts.emulator.state.heartbeats import Heartbeat
from breakerd.alerts.emulator.state.request_log import RequestLog
from breakerd.alerts.emulator.web.console import answer_console, is_console_path
from breakerd.alerts.emulator.web.handler import handler_for
from breakerd.alerts.emulator.web.listener import Listener

T = TypeVar("T")

Mode = Literal["opsgenie", "jsm"]
"""Whose API it serves: OpsGenie's, or the two of Jira Service Management."""


class _Api(Protocol):
    def auth_error(self, request: Request, keys: Collection[str]) -> Response | None: ...

    def answer(self, request: Request, now: float, applying: WriteMode) -> Response: ...


class Emulator:
    """The emulator as a server and a context manager. Thread-safe.

    Args:
        mode: "opsgenie", or "jsm".
        host: a loopback address; others are refused, since it asks nobody who they are.
        port: 0 for any free one.
        api_keys: the keys, and the passwords of Basic, that are let in; none: every one is.
        cloud_id: for "jsm", the only cloud id that is known; None: every one is.
        delay: seconds between taking a write and carrying it out.
        clock: seconds since the epoch; a test may drive it.

    Raises:
        ValueError: `host` is not a loopback address, or there is no such mode.
        OSError: the address is in use.
    """

    def __init__(
        self,
        *,
        mode: Mode = "opsgenie",
        host: str = "127.0.0.1",
        port: int = 0,
        api_keys: Collection[str] = (),
        cloud_id: str | None = None,
        delay: float = 0.05,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if mode not in get_args(Mode):
            raise ValueError(f"mode: found {mode!r}, allowed is {' or '.join(get_args(Mode))}")
        self.mode: Final = mode
        self.api_keys = frozenset(api_keys)
        """May be replaced while it runs."""
        self._clock = clock
        self._account = Account(AlertStore(delay))
        self._book = self._account.book
        self._api: _Api = (
            JsmApi(self._account, cloud_id) if mode == "jsm" else OpsGenieApi(self._account)
        )
        self._faults = Faults()
        self._journal = RequestLog()
        self._changed = threading.Condition()
        self._changes = 0
        self._stopping = threading.Event()
        handler = handler_for(self._exchange, self._stopping)
        self._listener = Listener(host, port, handler, self._is_refusing)

    @property
    def url(self) -> str:
        """Where it listens; in the mode "opsgenie", what `OPSGENIE_API_URL` takes."""
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

    def summary(self) -> Summary:
        """What became of all alerts since the start."""
        with self._changed:
            self._book.advance(self._clock())
            return self._book.summary()

    @property
    def requests(self) -> list[LogEntry]:
        """The latest requests to the API, oldest first; each is here before its answer."""
        with self._changed:
            return list(self._journal)

    def between(self, start: float, end: float) -> list[LogEntry]:
        """The requests that came from `start` on and before `end`, in seconds since the epoch."""
        with self._changed:
            return self._journal.between(start, end)

    # --- what people do

    def acknowledge(self, alias: str, *, by: str = "") -> None:
        """Acknowledges the open alert of that alias at once, as somebody would on their phone.

        Raises:
            LookupError: there is none.
        """
        self._do("Acknowledge", alias, by)

    def close(self, alias: str, *, by: str = "") -> None:
        """Closes the open alert of that alias at once.

        Raises:
            LookupError: there is none.
        """
        self._do("Close", alias, by)

    def delete(self, alias: str, *, by: str = "") -> None:
        """Deletes the open alert of that alias at once.

        Raises:
            LookupError: there is none.
        """
        self._do("Delete", alias, by)

    def _do(self, action: str, alias: str, by: str) -> None:
        with self._changed:
            now = self._clock()
            self._book.advance(now)
            alert = self._book.find(alias, "alias")
            if alert is None or alert.status == "closed":
                raise LookupError(f"there is no open alert {alias!r}")
            self._book.carry_out(now, Write(action, {"user": by}, alert.id))
            self._change()

    # --- what was set up

    def add_team(self, name: str) -> str:
        """Makes a team; returns its id. Until the first is made, every team exists.

        Raises:
            ValueError: there are too many.
        """
        with self._changed:
            return self._account.directory.add_team(name)

    def add_user(self, username: str) -> str:
        """Makes a user; returns the id. Until the first is made, every user exists.

        Raises:
            ValueError: there are too many.
        """
        with self._changed:
            return self._account.directory.add_user(username)

    def add_heartbeat(self, name: str, *, interval: int = 10, unit: str = "minutes") -> None:
        """Makes a heartbeat, as somebody would in the settings."""
        with self._changed:
            self._account.heartbeats.add(Heartbeat(name, interval, unit))

    def heartbeat(self, name: str) -> Json | None:
        """The heartbeat of that name, in OpsGenie's form."""
        with self._changed:
            heartbeat = self._account.heartbeats.heartbeats.get(name)
            return None if heartbeat is None else heartbeat.as_json(self._clock())

    # --- what goes wrong

    def fail(self, kind: str, **options: Any) -> None:
        """Puts a fault into force: `fail("error", share=0.3)`; the options are those of `Fault`.

        Raises:
            FaultError: an option is unknown, or out of range.
        """
        self.add_fault(Fault.from_json({"kind": kind, **options}))

    def add_fault(self, fault: Fault) -> None:
        """Puts `fault` into force, once its `after` is over.

        Raises:
            FaultError: there are too many already.
        """
        self.schedule([fault])

    def schedule(self, faults: Iterable[Fault]) -> None:
        """Puts each of `faults` into force once its `after`, counted from now, is over.

        Raises:
            FaultError: there are too many; none is taken then.
        """
        with self._changed:
            self._faults.add_all(faults, self._clock())
        self._listener.settle()

    def faults(self) -> list[Json]:
        """The faults in force, and those to come."""
        with self._changed:
            return self._faults.as_json(self._clock())

    def heal(self) -> None:
        """Takes all faults away."""
        with self._changed:
            self._faults.clear()
        self._listener.settle()

    def settle(self) -> None:
        """Waits until connections are refused, or are not, as the faults would have it by now.

        A socket follows the clock within some 50 ms; a test that drives one need not wait for it.
        """
        self._listener.settle()

    # --- waiting

    def wait_for(self, condition: Callable[[], T], timeout: float = 30.0) -> T:
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

    async def wait_for_async(self, condition: Callable[[], T], timeout: float = 30.0) -> T:  # noqa: ASYNC109 - as its twin
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

    def _exchange(self, request: Request) -> Response | None:
        if is_console_path(request.path):
            return answer_console(self, request)
        with self._changed:
            now = self._clock()
            window = self._faults.window(request, now)
            strike = self._faults.strike(request, now)
            answer = self._answer(request, now, strike)
            self._journal.add(_entry(request, now, answer, strike, window), request.size)
            self._change()
            return answer

    def _answer(self, request: Request, now: float, strike: Injection | None) -> Response | None:
        if strike is None:
            return self._answer_by_api(request, now, DEFAULT_MODE)
        fault = strike.fault
        if fault.kind in {FaultKind.DOWN, FaultKind.REFUSE}:
            return None
        if instead := injected_response(strike):
            return instead
        return spoilt(self._answer_by_api(request, now, _applying(fault)), fault)

    def _answer_by_api(self, request: Request, now: float, applying: WriteMode) -> Response:
        refusal = self._api.auth_error(request, self.api_keys)
        return refusal or self._api.answer(request, now, applying)

    def _is_refusing(self) -> bool:
        with self._changed:
            return self._faults.refusing(self._clock())


def _applying(fault: Fault) -> WriteMode:
    """How a write is carried out that meets `fault`."""
    if fault.kind is FaultKind.UNAPPLIED:
        return WriteMode(applied=False)
    return WriteMode(delay=fault.delay) if fault.kind is FaultKind.DELAYED else DEFAULT_MODE


def _entry(
    request: Request, now: float, answer: Response | None, strike: Injection | None, window: Window
) -> LogEntry:
    hangs = strike is not None and strike.fault.kind is FaultKind.HANG
    return LogEntry(
        at=now,
        method=request.method,
        path=request.path,
        query=request.query,
        headers=request.without_secret(),
        body=request.body,
        status=0 if answer is None or hangs else answer.status,
        fault=strike.fault.kind if strike else "",
        throttled=window.throttled,
        warned=window.warned,
    )
