"""Background work of a registry: its breakers' ticks, and the watch over its file."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from breakerd.breaker.breaker import BREAKERS, Breaker
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.config.config_file import ConfigFile
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.instances import TAKEN_OVER
from breakerd.breaker.logging import get_logger
from breakerd.breaker.runtime.first_use import FirstUse
from breakerd.breaker.runtime.ticker import TICKER

NotRunning = Callable[[], Mapping[str, str]]
"""Returns parts that were asked for and do not run in this process, with a sentence each."""

_log = get_logger(__name__)

_RETRY_TIME: Final = 5.0
"""Seconds after which what could not be started is tried again."""
_DORMANT: Final = "not started yet: it starts with the first call"
_FORKED: Final = "not started in this forked process yet: it starts with the first call"
_CLOSED: Final = "closed"
_ENDED: Final = "the thread that follows it has ended; restart the process"


class Background:
    """Background work of one registry in this process. Thread-safe.

    Args:
        breakers: returns the registry's breakers.
        clock: their clock.
    """

    def __init__(
        self, breakers: Callable[[], Iterator[Breaker]], clock: Callable[[], float]
    ) -> None:
        self.first_use = FirstUse(ticking=CLOCK.stands_for(clock))
        self.watched: ConfigFile | None = None
        """File to follow; None if there is none, or if it is not to be watched."""
        self.parts: list[NotRunning] = []
        """Reports of parts that others run for this registry."""
        self._breakers = breakers
        self._real_time = CLOCK.stands_for(clock)
        self._lock = ProcessLock()
        self._closed = False
        self._started = False
        self._forked = False
        self._followed = False
        """True if the watch over the file was started, in this process."""
        self._problem = ""
        renew_after_fork(self)

    def adopt(self, breaker: Breaker) -> None:
        """Let the first use of `breaker` count as the registry's."""
        breaker.lifecycle.set_first_use(self.first_use)
        if self._closed:
            breaker.lifecycle.suspend()

    def follow(self, config: ConfigFile) -> None:
        """Follow that file, from the first use on."""
        self.watched, self.first_use.hook = config, self._start_later

    def use(self) -> None:
        """Count as first use, unless closed."""
        if not self._closed and not BREAKERS.taken_over:
            self.first_use()

    def start(self) -> None:
        """Start all now, also after `close`; what cannot be started is tried again every 5 s.

        No effect while a test has taken the breakers over.
        """
        if BREAKERS.taken_over:
            return
        self._closed = False
        self._start()

    def close(self) -> None:
        """End all; a call starts nothing again. No effect on what a test has kept from starting."""
        if BREAKERS.taken_over and not self._started:
            return
        with self._lock:
            self._closed, self._started, self._followed = True, False, False
            for breaker in self._breakers():
                breaker.lifecycle.suspend()
        TICKER.discard(self)
        if self.watched is not None:
            self.watched.close()

    def tick(self) -> float:
        """Try again what could not be started."""
        self._start()
        return _RETRY_TIME

    def not_running(self) -> dict[str, str]:
        """Return parts that were asked for and do not run in this process, with a sentence each."""
        found: dict[str, str] = {}
        if self._real_time and (why := self._why_not_ticking()):
            found["ticker"] = f"time passes only with calls: {why}"
        if self.watched is not None and not self.watched.watching:
            why = self._problem or (_ENDED if self._followed else self._why_not())
            found["file"] = f"edits of {self.watched.path} are not followed: {why}"
        for part in list(self.parts):
            found.update(part())
        return found

    def after_fork(self) -> None:
        """Begin anew in a forked child."""
        self._started, self._followed, self._forked, self._problem = False, False, True, ""

    def _start_later(self) -> None:
        """Start on a thread of its own: the first call does not wait for the file."""
        thread = threading.Thread(target=self._start, name="breaker-start", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._retry(error)

    def _start(self) -> None:
        """Start all that does not run, unless closed meanwhile."""
        with self._lock:
            if self._closed:
                return
            first, self._started = not self._started, True
            self.first_use.settle()
            for breaker in self._breakers():
                breaker.lifecycle.resume()
        self._follow()
        if first:
            _log.info("background work started", file=self._file)

    def _follow(self) -> None:
        # Not under the lock: this applies the file, and calls listeners.
        if self.watched is None:
            return
        try:
            self.watched.refresh()
            self.watched.watch()
        except Exception as error:  # noqa: BLE001 - whatever it is, calls go on, and it is tried again
            self._retry(error)
        else:
            self._problem, self._followed = "", True
            TICKER.discard(self)
        if self._closed:  # meanwhile
            self._followed = False
            self.watched.close()

    def _retry(self, error: Exception) -> None:
        known, self._problem = self._problem, str(error) or type(error).__name__
        if not known:
            _log.warning("background work not started", error=self._problem, file=self._file)
            TICKER.add(self)

    @property
    def _file(self) -> str | None:
        return str(self.watched.path) if self.watched else None

    def _why_not_ticking(self) -> str:
        if self._closed:
            return _CLOSED
        return "" if TICKER.running else TICKER.problem or self._why_not()

    def _why_not(self) -> str:
        if BREAKERS.taken_over:
            return TAKEN_OVER
        if self._closed:
            return _CLOSED
        if self._started or self.first_use.happened:
            return "it is starting"
        return _FORKED if self._forked else _DORMANT
