from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd import Breaker, Settings
from breakerd.breaker.testing import EventLog, ManualClock

MakeBreaker = Callable[..., Breaker]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def log() -> EventLog:
    return EventLog()


@pytest.fixture
def make(clock: ManualClock, log: EventLog) -> MakeBreaker:
    """Makes a breaker on the driven clock, with plenty of memory, whose events go to `log`."""

    def made(memory: Callable[[], float | None] = lambda: 0.1, **settings: object) -> Breaker:
        breaker = Breaker(Settings.model_validate(settings), clock=clock, memory=memory)
        breaker.subscribe(log)
        return breaker

    return made
