"""An operational circuit breaker: `Breaker`, its `Settings`, and a `Registry` of several.

Example:
    from breaker import Breaker, Settings

    b = Breaker(Settings(latency_threshold=600), name="payments")
    if b.allow():
        start = b.clock()
        ...
        b.done(start, b.clock(), error=False)
"""

from typing import TYPE_CHECKING, Any

from breaker._version import __version__
from breaker.breaker import Breaker
from breaker.context import (
    Priority,
    check_deadline,
    current_deadline,
    current_priority,
    deadline,
    priority,
    remaining,
)
from breaker.counters import Counters
from breaker.errors import (
    BreakerError,
    BreakerOpenError,
    BreakerStateError,
    ConfigError,
    ConfigProblem,
    ConfigWriteError,
    DeadlineExceeded,
    SnapshotError,
    TraceError,
)
from breaker.events import (
    Event,
    EventsMissed,
    Evidence,
    RecoveryStep,
    SettingsChanged,
    Signal,
    ThresholdBreached,
    ThresholdCleared,
    Transition,
    WouldTransition,
)
from breaker.load import LoadReading
from breaker.settings import LimiterSettings, LoadSettings, RecoverySettings, Settings, Slo
from breaker.state import Reason, State

if TYPE_CHECKING:
    from breaker.keeper import StateKeeper
    from breaker.registry import Registry
    from breaker.status import Status

__all__ = [
    "Breaker",
    "BreakerError",
    "BreakerOpenError",
    "BreakerStateError",
    "ConfigError",
    "ConfigProblem",
    "ConfigWriteError",
    "Counters",
    "DeadlineExceeded",
    "Event",
    "EventsMissed",
    "Evidence",
    "LimiterSettings",
    "LoadReading",
    "LoadSettings",
    "Priority",
    "Reason",
    "RecoverySettings",
    "RecoveryStep",
    "Registry",
    "Settings",
    "SettingsChanged",
    "Signal",
    "Slo",
    "SnapshotError",
    "State",
    "StateKeeper",
    "Status",
    "ThresholdBreached",
    "ThresholdCleared",
    "TraceError",
    "Transition",
    "WouldTransition",
    "__version__",
    "check_deadline",
    "current_deadline",
    "current_priority",
    "deadline",
    "priority",
    "remaining",
]

_HOMES = {
    "Registry": "breaker.registry",
    "StateKeeper": "breaker.keeper",
    "Status": "breaker.status",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has that name
    # On demand: a breaker alone needs no file, and nothing that watches one. All that decides is
    # loaded above, since a trip is no time to read code from a disk.
    if name not in _HOMES:
        raise AttributeError(f"module 'breaker' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - on demand

    globals()[name] = value = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
