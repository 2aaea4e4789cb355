"""Emulator of OpsGenie and Jira Service Management on a loopback port."""

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterable
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar, get_args

from breakerd.alerts.emulator.api.jsm import JsmApi
from breakerd.alerts.emulator.api.messages import Request, Response
from breakerd.alerts.emulator.api.opsgenie import OpsGenieApi
from breakerd.alerts.emulator.faults.fault import Fault
from breakerd.alerts.emulator.faults.injector import FaultInjector
from breakerd.alerts.emulator.responder import Responder
from breakerd.alerts.emulator.state.account import EmulatedAccount
from breakerd.alerts.emulator.state.alert import EmulatedAlert, Json
from breakerd.alerts.emulator.state.alerts import AlertStore, Summary, Write
from breakerd.alerts.emulator.state.heartbeats import EmulatedHeartbeat
from breakerd.alerts.emulator.state.request_log import LogEntry, RequestLog
from breakerd.alerts.emulator.web.console import answer_console, is_console_path
from breakerd.alerts.emulator.web.handler import handler_for
from breakerd.alerts.emulator.web.listener import Listener

T = TypeVar("T")

Mode = Literal["opsgenie", "jsm"]
"""The product whose APIs are served: OpsGenie, or Jira Service Management."""


class Emulator:
    """Emulator as a server and a context manager. Thread-safe.

    Args:
        mode: "opsgenie", or "jsm".
        host: loopback address; others are rejected, since the console needs no authentication.
        port: port to listen on; 0 for any free one.
        api_keys: valid keys, and valid passwords of Basic authentication; empty: all are valid.
        cloud_id: for "jsm", the only valid cloud id; None: all are valid.
        delay: seconds between accepting and executing a write.
        clock: returns seconds since the epoch; a test may drive it.

    Raises:
        ValueError: `host` is not a loopback address, or `mode` is unknown.
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
        """Valid keys; may be replaced while the emulator runs."""
        self._clock = clock
        self._account = EmulatedAccount(AlertStore(delay))
        self._alerts = self._account.alerts
        self._faults = FaultInjector()
        self._request_log = RequestLog()
        api = JsmApi(self._account, cloud_id) if mode == "jsm" else OpsGenieApi(self._account)
        self._responder = Responder(api, self._faults, self._request_log)
        self._changed = threading.Condition()
        self._changes = 0
        self._stopping = threading.Event()
        handler = handler_for(self._exchange, self._stopping)
        self._listener = Listener(host, port, handler, self._is_refusing)

    @property
    def url(self) -> str:
        """Address of the emulator; in mode "opsgenie", the value for `OPSGENIE_API_URL`."""
        return self._listener.url

    def start(self) -> Self:
        """Start serving, on a thread of its own."""
        self._listener.start()
        return self

    def stop(self) -> None:
        """Stop serving and close all connections; its content stays readable."""
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

    # --- content

    def alerts(self) -> list[EmulatedAlert]:
        """Return copies of all alerts, oldest first, after executing the writes that are due."""
        with self._changed:
            self._alerts.advance(self._clock())
            return [alert.copy() for alert in self._alerts.alerts.values()]

    def alert(self, alias: str) -> EmulatedAlert | None:
        """Return a copy of the open alert of that alias, else of its latest; None if none."""
        with self._changed:
            self._alerts.advance(self._clock())
            alert = self._alerts.find(alias, "alias")
            return None if alert is None else alert.copy()

    def summary(self) -> Summary:
        """Return counts of all alerts since the start."""
        with self._changed:
            self._alerts.advance(self._clock())
            return self._alerts.summary()

    @property
    def requests(self) -> list[LogEntry]:
        """Latest requests to the API, oldest first; each is logged before its response is sent."""
        with self._changed:
            return list(self._request_log)

    def between(self, start: float, end: float) -> list[LogEntry]:
        """Return the requests that arrived in [start, end), in seconds since the epoch."""
        with self._changed:
            return self._request_log.between(start, end)

    # --- actions of people

    def acknowledge(self, alias: str, *, by: str = "") -> None:
        """Acknowledge the open alert of that alias at once, as a person would.

        Raises:
            LookupError: there is none.
        """
        self._do("Acknowledge", alias, by)

    def close(self, alias: str, *, by: str = "") -> None:
        """Close the open alert of that alias at once.

        Raises:
            LookupError: there is none.
        """
        self._do("Close", alias, by)

    def delete(self, alias: str, *, by: str = "") -> None:
        """Delete the open alert of that alias at once.

        Raises:
            LookupError: there is none.
        """
        self._do("Delete", alias, by)

    def _do(self, action: str, alias: str, by: str) -> None:
        with self._changed:
            now = self._clock()
            self._alerts.advance(now)
            alert = self._alerts.find(alias, "alias")
            if alert is None or alert.status == "closed":
                raise LookupError(f"there is no open alert {alias!r}")
            self._alerts.execute(now, Write(action, {"user": by}, alert.id))
            self._change()

    # --- configuration of the account

    def add_team(self, name: str) -> str:
        """Add a team; return its id. Until the first is added, every team exists.

        Raises:
            ValueError: there are too many.
        """
        with self._changed:
            return self._account.directory.add_team(name)

    def add_user(self, username: str) -> str:
        """Add a user; return the id. Until the first is added, every user exists.

        Raises:
            ValueError: there are too many.
        """
        with self._changed:
            return self._account.directory.add_user(username)

    def add_heartbeat(self, name: str, *, interval: int = 10, unit: str = "minutes") -> None:
        """Add a heartbeat, as somebody would in the settings of the account."""
        with self._changed:
            self._account.heartbeats.add(EmulatedHeartbeat(name, interval, unit))

    def heartbeat(self, name: str) -> Json | None:
        """Return the heartbeat of that name in OpsGenie's form; None if there is none."""
        with self._changed:
            heartbeat = self._account.heartbeats.heartbeats.get(name)
            return None if heartbeat is None else heartbeat.as_json(self._clock())

    # --- faults

    def fail(self, kind: str, **options: Any) -> None:
        """Add a fault, as in `fail("error", share=0.3)`; the options are those of `Fault`.

        Raises:
            FaultError: an option is unknown, or out of range.
        """
        self.add_fault(Fault.from_json({"kind": kind, **options}))

    def add_fault(self, fault: Fault) -> None:
        """Add `fault`; it becomes active after its `after` seconds.

        Raises:
            FaultError: there are too many already.
        """
        self.schedule([fault])

    def schedule(self, faults: Iterable[Fault]) -> None:
        """Add all of `faults`; each becomes active after its `after` seconds, counted from now.

        Raises:
            FaultError: there would be too many; none is added then.
        """
        with self._changed:
            self._faults.add_all(faults, self._clock())
        self._listener.settle()

    def faults(self) -> list[Json]:
        """Return the active faults and those that are scheduled."""
        with self._changed:
            return self._faults.as_json(self._clock())

    def heal(self) -> None:
        """Remove all faults."""
        with self._changed:
            self._faults.clear()
        self._listener.settle()

    def settle(self) -> None:
        """Wait until the socket accepts or refuses connections, as the faults require by now.

        The socket follows the clock within some 50 ms; a test that drives a clock calls this.
        """
        self._listener.settle()

    # --- waiting

    def wait_for(self, condition: Callable[[], T], timeout: float = 30.0) -> T:
        """Wait until `condition` returns a true value; call it again after every change.

        Args:
            condition: called by the calling thread; it may use the emulator.
            timeout: maximum seconds to wait.

        Returns:
            The last value of `condition`: true, unless the time-out elapsed.
        """
        deadline = time.monotonic() + timeout
        while True:
            with self._changed:
                before = self._changes
            result = condition()
            if result or not self._await_change(before, deadline):
                return result

    async def wait_for_async(self, condition: Callable[[], T], timeout: float = 30.0) -> T:  # noqa: ASYNC109 - as its twin
        """Run `wait_for` without blocking the event loop."""
        return await asyncio.to_thread(self.wait_for, condition, timeout)

    def _await_change(self, before: int, deadline: float) -> bool:
        """Wait for the first change after `before`; return False if the time-out elapsed."""
        with self._changed:
            while True:
                if self._alerts.advance(self._clock()):
                    self._change()
                if self._changes != before:
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                due = self._alerts.next_due
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
            response = self._responder.respond(request, self.api_keys, self._clock())
            self._change()
            return response

    def _is_refusing(self) -> bool:
        with self._changed:
            return self._faults.refusing(self._clock())
