"""Sender: the thread that delivers to one receiver."""

import threading
import time
from collections.abc import Callable

from breakerd.alerts.delivery.dispatcher import Dispatcher
from breakerd.alerts.receivers.factory import ConfiguredReceiver
from breakerd.alerts.storage.store import LeaseLostError
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_IDLE = 1.0
"""Seconds between two rounds of a dispatcher in which nothing is expected."""
_BUSY = 0.1
"""The same while something is to be delivered."""


class SenderThread:
    """A dispatcher, and the thread it works on once it was started."""

    def __init__(self, configured: ConfiguredReceiver, dispatcher: Dispatcher) -> None:
        self.configured = configured
        self.dispatcher = dispatcher
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._retired = False
        self._deadline: float | None = None
        self._now: Callable[[], float] = _never
        self._heard: Callable[[], None] = _nothing

    def start(self, now: Callable[[], float], heard: Callable[[], None]) -> None:
        """Works on a thread of its own from now on."""
        if self._thread is None:
            self._now, self._heard = now, heard
            name = f"breakerd-alerts-{self.configured.name}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def retire(self) -> None:
        """Ends at the next opportunity, and lets go of the connections."""
        self._retired = True
        if self._thread is None:
            self.dispatcher.receiver.close()
        self.wake()

    def stop(self, deadline: float) -> None:
        """Ends when nothing is owed any more, or at `deadline`, in seconds as `time.monotonic`."""
        self._deadline = deadline
        self.wake()

    def join(self, deadline: float) -> None:
        """Waits for the end."""
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while self._goes_on():
            owing = self._try_round()
            self._wake.wait(_BUSY if owing else _IDLE)
            self._wake.clear()
        if self._retired:
            self.dispatcher.receiver.close()

    def _goes_on(self) -> bool:
        if self._retired or self._deadline is None:
            return not self._retired
        return time.monotonic() < self._deadline and bool(self.dispatcher.pending(self._now()))

    def _try_round(self) -> bool:
        """One round; says whether something is still owed."""
        before = self.dispatcher.last_success
        try:
            self.dispatcher.run(self._now())
        except LeaseLostError:
            _log.info("another process sends alerts", receiver=self.configured.name)
        except Exception:  # noqa: BLE001 - the next round may do better, and somebody must page
            _log.exception("a round of delivering failed", receiver=self.configured.name)
        if self.dispatcher.last_success != before:
            self._heard()
        return bool(self.dispatcher.pending(self._now()))


def _nothing() -> None:
    """Nobody wants to hear of it."""


def _never() -> float:
    return 0.0
