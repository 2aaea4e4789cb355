"""Wait for what another process does, and tells nobody about."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], object], seconds: float = 60, *, pause: float = 0.02) -> None:
    """Ask again and again, after a pause in seconds, until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(pause)
