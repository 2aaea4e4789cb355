"""An operational circuit breaker: `Breaker`, its `Settings`, and a `Registry` of several.

Example:
    from breaker import Breaker, Settings

    b = Breaker(Settings(latency_threshold=600), name="payments")
    if b.allow():
        start = b.clock()
        ...
        b.done(start, b.clock(), error=False)
"""

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
from breaker.keeper import StateKeeper
from breaker.load import LoadReading
from breaker.registry import Registry
from breaker.settings import LimiterSettings, LoadSettings, RecoverySettings, Settings, Slo
from breaker.state import Reason, State
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
