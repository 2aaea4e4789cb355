"""The first use of breakers in a process, which starts what runs in the background."""

import threading
from typing import TYPE_CHECKING, Final

from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger
from breakerd.breaker.runtime.ticker import TICKER

if TYPE_CHECKING:
    from collections.abc import Callable

_log = get_logger(__name__)

_HOOK_WAIT: Final = 0.1
"""Maximum seconds that calls wait for the hook, which another call has caused at the same time."""


class FirstUse:
    """First use of any of some breakers: calls a hook, once in each process. Thread-safe.

    Args:
        ticking: True if the breakers live on the real clock, and so need the ticker.
    """

    __slots__ = ("__weakref__", "_hooking", "_lock", "_ticking", "happened", "hook")

    def __init__(self, *, ticking: bool) -> None:
        self.hook: Callable[[], None] | None = None
        """Called in the thread of the first use, which holds no lock; must be quick. Exceptions are
        logged."""
        self.happened = False
        """True from the first use in this process on."""
        self._hooking: threading.Event | None = None
        """Set when the hook has returned; None unless it is being called."""
        self._ticking = ticking
        self._lock = ProcessLock()
        renew_after_fork(self)

    def __call__(self) -> bool:
        """Start the ticker, and call the hook at the first use.

        Return False if calls must let time pass themselves, since the ticker cannot be started.
        """
        ticks = TICKER.start() if self._ticking else True
        if not self.happened and self._take():
            self._call_hook()
        elif (hooking := self._hooking) is not None:
            hooking.wait(_HOOK_WAIT)
        return ticks

    def settle(self) -> None:
        """Note that the hook need not be called, nor waited for: what it starts is there."""
        with self._lock:
            self.happened = True
            hooking, self._hooking = self._hooking, None
        if hooking is not None:
            hooking.set()

    def after_fork(self) -> None:
        """Begin anew in a forked child."""
        self.happened, self._hooking = False, None

    def _take(self) -> bool:
        with self._lock:
            if self.happened:
                return False
            self.happened, self._hooking = True, threading.Event()
        return True

    def _call_hook(self) -> None:
        try:
            if self.hook is not None:
                self.hook()
        except Exception:  # noqa: BLE001 - the call that came first must go on
            _log.exception("start at first use failed")
        finally:
            self.settle()
