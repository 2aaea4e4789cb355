"""Log refused requests, so that guessing a token leaves a trace, and at most a line a minute."""

import time
from collections.abc import Callable
from typing import Final

from breakerd.breaker.encoding.printable import printable
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_EVERY: Final = 60.0
"""Minimum seconds between two records."""
_LENGTH: Final = 300
"""Maximum number of characters of what the client has sent."""


class Refusals:
    """Log the first refusal at once, and those that follow as a number. To be used in one thread.

    Args:
        now: returns seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._logged_at: float | None = None
        self._unlogged = 0

    def note(self, client: str, request: str, why: str) -> None:
        """Note one refusal.

        Args:
            client: address of the client.
            request: method and path.
            why: reason; without anything secret.
        """
        now = self._now()
        if self._logged_at is not None and now - self._logged_at < _EVERY:
            self._unlogged += 1
            return
        _log.warning(
            "request refused",
            client=client,
            request=printable(request[:_LENGTH]),
            why=printable(why[:_LENGTH]),
            more_before=self._unlogged,
        )
        self._logged_at, self._unlogged = now, 0
