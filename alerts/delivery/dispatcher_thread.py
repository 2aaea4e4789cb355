"""Thread that delivers to one receiver."""

import threading
import time
from collections.abc import Callable
from typing import Final

from breakerd.alerts.delivery.dispatcher import Dispatcher
from breakerd.alerts.receivers.base import SupportsReadiness
from breakerd.alerts.receivers.factory import ConfiguredReceiver
from breakerd.alerts.storage.store import LeaseLostError
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_IDLE_INTERVAL: Final = 1.0
"""Seconds between two rounds while nothing is pending."""
_STALL_LIMIT: Final = 30.0
"""Seconds beyond the longest request after which a thread without a sign of life hangs."""
_BUSY_INTERVAL: Final = 0.1
"""Seconds between two rounds while something is pending."""


class SignOfLife:
    """Question before each request whether it may be sent; who asks is alive.

    Args:
        may_send: returns the answer.
        clock: returns seconds.
    """

    def __init__(
        self, may_send: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._may_send = may_send
        self._clock = clock
        self._at: float | None = None

    def __call__(self) -> bool:
        """Return True if a request may be sent."""
        self.give()
        return self._may_send()

    def give(self) -> None:
        """Note that the thread is alive."""
        self._at = self._clock()

    def end(self) -> None:
        """Expect no more signs."""
        self._at = None

    @property
    def age(self) -> float:
        """Seconds since the last sign; 0 if none is expected."""
        at = self._at
        return 0.0 if at is None else max(0.0, self._clock() - at)


class DispatcherThread:
    """Thread that runs the dispatcher of one receiver.

    Args:
        configured: the receiver as configured.
        dispatcher: its dispatcher.
        alive: sign of life that the dispatcher gives before each request.
    """

    def __init__(
        self, configured: ConfiguredReceiver, dispatcher: Dispatcher, alive: SignOfLife
    ) -> None:
        self.configured = configured
        self.dispatcher = dispatcher
        self._alive = alive
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._retired = False
        self._deadline: float | None = None
        self._now: Callable[[], float] = _never
        self._on_response: Callable[[], None] = _nothing

    def start(self, now: Callable[[], float], on_response: Callable[[], None]) -> None:
        """Start the thread, unless it runs.

        Args:
            now: returns seconds since the epoch.
            on_response: called when the receiver has applied a request.
        """
        if self._thread is None:
            self._now, self._on_response = now, on_response
            receiver = self.dispatcher.receiver
            if isinstance(receiver, SupportsReadiness):
                receiver.keep_ready()
            name = f"breakerd-alerts-{self.configured.name}"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            thread.start()
            self._thread = thread

    def wake(self) -> None:
        """Start the next round at once. Thread-safe."""
        self._wake.set()

    def retire(self) -> None:
        """End after the present request, and close the connections."""
        self._retired = True
        if self._thread is None:
            self.dispatcher.receiver.close()
        self.wake()

    def stop(self, deadline: float) -> None:
        """End when nothing is pending, or at `deadline` in seconds of `time.monotonic`."""
        self._deadline = deadline
        self.wake()

    def stuck_seconds(self, request_timeout: float) -> float:
        """Return for how many seconds the thread has hung; 0 if it has not.

        Args:
            request_timeout: maximum seconds of a request.
        """
        age = self._alive.age
        return age if self._thread and age > _STALL_LIMIT + request_timeout else 0.0

    def join(self, deadline: float) -> None:
        """Wait until the thread has ended, at most until `deadline`."""
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while self._should_run():
            pending = self._try_round()
            self._alive.give()
            self._wake.wait(_BUSY_INTERVAL if pending else _IDLE_INTERVAL)
            self._wake.clear()
        self._alive.end()
        if self._retired:
            self.dispatcher.receiver.close()

    def _should_run(self) -> bool:
        if self._retired or self._deadline is None:
            return not self._retired
        return time.monotonic() < self._deadline and bool(self.dispatcher.pending(self._now()))

    def _try_round(self) -> bool:
        """Run one round; return True if something is still pending."""
        before = self.dispatcher.retry.last_success
        try:
            self.dispatcher.run(self._now())
        except LeaseLostError:
            _log.info("another process sends alerts", receiver=self.configured.name)
        except Exception:  # noqa: BLE001 - the next round may succeed, and somebody must page
            _log.exception("delivery round failed", receiver=self.configured.name)
        if self.dispatcher.retry.last_success != before:
            self._on_response()
        return bool(self.dispatcher.pending(self._now()))


def _nothing() -> None:
    """Ignore a response before the thread is started."""


def _never() -> float:
    """Return 0 before the thread is started."""
    return 0.0
