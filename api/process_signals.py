"""Signals of the service: SIGHUP waits until it can reload; a stop ends the process in any case.

Imports nothing but the standard library's light modules: it is loaded before everything else.
"""

import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_RELOAD: Final = frozenset({signal.SIGHUP})


def hold_reloads() -> None:
    """Have SIGHUP wait until `admit_reloads`. To be called in the main thread.

    Without this, a SIGHUP that comes while the service starts or stops would end it. One that
    waits is delivered once; none is lost.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _RELOAD)


def admit_reloads() -> None:
    """Deliver the SIGHUP that waits, and those to come. To be called in the main thread."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _RELOAD)


class ExitLimit:
    """Ends the process if it has not ended by itself when a time is up. Thread-safe.

    A thread that hangs, or a request that never finishes, must not keep a stopped service alive.

    Args:
        before_exit: called in another thread before the process is ended; must be short.
        exit_process: ends the process at once, with an exit code.
    """

    def __init__(
        self,
        before_exit: Callable[[], None],
        exit_process: Callable[[int], object] = os._exit,
    ) -> None:
        # A thread that exists already: a signal handler, which sets the limit, may interrupt its
        # own thread anywhere, also where that starts one.
        self._limits: queue.SimpleQueue[tuple[float, int]] = queue.SimpleQueue()
        self._before_exit = before_exit
        self._exit_process = exit_process
        threading.Thread(target=self._run, name="breakerd-exit-limit", daemon=True).start()

    def set(self, seconds: float, code: int) -> None:
        """End the process in `seconds` with `code`; replaces the limit of before."""
        self._limits.put((time.monotonic() + seconds, code))

    def _run(self) -> None:
        limit, code = self._limits.get()
        while (left := limit - time.monotonic()) > 0:
            try:
                limit, code = self._limits.get(timeout=left)
            except queue.Empty:
                break
        with suppress(Exception):
            self._before_exit()
        self._exit_process(code)
