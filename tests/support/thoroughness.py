"""Numbers of examples, repetitions and variants: few in CI, many with `scripts/test --thorough`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

THOROUGH = os.environ.get("THOROUGH", "") not in {"", "0"}
_FACTOR = 10 if THOROUGH else 1


def examples(count: int) -> int:
    """Return the number of examples or repetitions, given that of CI."""
    return count * _FACTOR


def use_profile() -> None:
    """Make CI try the same examples each time, and a thorough run new ones.

    No example has a deadline, because a busy machine may be slow at any time.
    """
    settings.register_profile(
        "breakerd",
        max_examples=examples(100),
        derandomize=not THOROUGH,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
    )
    settings.load_profile("breakerd")
