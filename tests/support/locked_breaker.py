"""A breaker that takes the locks of an interpreter without a GIL."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from breakerd import Breaker
from breakerd.breaker import machinery
from breakerd.breaker.runtime.gate import (
    Gate,
    allow_free_threaded,
    drain_free_threaded,
    refill_free_threaded,
)


class LockedGate(Gate):
    """As where there is no GIL."""

    __slots__ = ()
    refill = refill_free_threaded
    drain = drain_free_threaded


class Locked(Breaker):
    """As where there is no GIL."""

    allow = allow_free_threaded

    def __init__(self, *args: Any, **settings: Any) -> None:
        with patch.object(machinery, "Gate", LockedGate):
            super().__init__(*args, **settings)
