"""The first use of breakers in a process, which starts what runs in the background."""

from typing import TYPE_CHECKING

from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger
from breakerd.breaker.runtime.ticker import TICKER

if TYPE_CHECKING:
    from collections.abc import Callable

_log = get_logger(__name__)


class FirstUse:
    """First use of any of some breakers: calls a hook, once in each process. Thread-safe.

    Args:
        ticking: True if the breakers live on the real clock, and so need the ticker.
    """

    __slots__ = ("__weakref__", "_lock", "_ticking", "happened", "hook")

    def __init__(self, *, ticking: bool) -> None:
        self.hook: Callable[[], None] | None = None
        """Called in the thread of the first use, which holds no lock; must be quick. Exceptions are
        logged."""
        self.happened = False
        """True from the first use in this process on; set it where the hook need not be called."""
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
        return ticks

    def after_fork(self) -> None:
        """Begin anew in a forked child."""
        self.happened = False

    def _take(self) -> bool:
        with self._lock:
            first, self.happened = not self.happened, True
        return first

    def _call_hook(self) -> None:
        if self.hook is None:
            return
        try:
            self.hook()
        except Exception:  # noqa: BLE001 - the call that came first must go on
            _log.exception("start at first use failed")
