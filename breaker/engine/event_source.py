"""Stamp events with the breaker's name, the time, and whether they belong to a drill."""

import time
from collections.abc import Callable
from typing import Any

from breakerd.breaker.events.events import Event


class EventSource:
    """Makes the events of one breaker.

    Args:
        name: name of the breaker.
        emit: takes each event; must not call back.
    """

    def __init__(self, name: str, emit: Callable[[Event], None]) -> None:
        self._name = name
        self._emit = emit
        self.drill = False
        """True while what happens is a drill."""

    def send(self, kind: type[Event], now: float, **fields: Any) -> None:
        """Make an event of that kind with its own fields, and emit it."""
        at = time.time()
        self._emit(kind(breaker=self._name, at=at, monotonic=now, drill=self.drill, **fields))
