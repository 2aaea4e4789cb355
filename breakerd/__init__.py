"""Operational circuit breaker for Python services, with alerting.

All public names can be imported from here. Each is loaded on first use, so that a breaker alone
loads neither a web framework nor a client of a receiver.

Example:
    from breakerd import Breaker, Settings

    b = Breaker(Settings(latency_threshold=600), name="payments")
    if b.allow():
        start = b.clock()
        ...
        b.done(start, b.clock(), error=False)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# The folders breaker/, alerts/ and api/ of the repository are linked into this one.
if TYPE_CHECKING:
    from breakerd.alerts.alerting import Alerting as Alerting
    from breakerd.alerts.settings.alerting import AlertingSettings as AlertingSettings
    from breakerd.alerts.settings.alerting import AlertsSettings as AlertsSettings
    from breakerd.alerts.settings.opsgenie import ContactDetails as ContactDetails
    from breakerd.alerts.settings.opsgenie import OpsGenieSettings as OpsGenieSettings
    from breakerd.alerts.status import AlertStats as AlertStats
    from breakerd.api.app import admin_router as admin_router
    from breakerd.api.app import create_app as create_app
    from breakerd.api.settings import ApiSettings as ApiSettings
    from breakerd.breaker._version import __version__ as __version__
    from breakerd.breaker.autosave import StateAutosaver as StateAutosaver
    from breakerd.breaker.breaker import Breaker as Breaker
    from breakerd.breaker.calls.counters import Counters as Counters
    from breakerd.breaker.context import Priority as Priority
    from breakerd.breaker.context import check_deadline as check_deadline
    from breakerd.breaker.context import current_deadline as current_deadline
    from breakerd.breaker.context import current_priority as current_priority
    from breakerd.breaker.context import deadline as deadline
    from breakerd.breaker.context import priority as priority
    from breakerd.breaker.context import remaining as remaining
    from breakerd.breaker.errors import BreakerError as BreakerError
    from breakerd.breaker.errors import BreakerOpenError as BreakerOpenError
    from breakerd.breaker.errors import BreakerStateError as BreakerStateError
    from breakerd.breaker.errors import ConfigConflictError as ConfigConflictError
    from breakerd.breaker.errors import ConfigError as ConfigError
    from breakerd.breaker.errors import ConfigProblem as ConfigProblem
    from breakerd.breaker.errors import ConfigWriteError as ConfigWriteError
    from breakerd.breaker.errors import DeadlineExceeded as DeadlineExceeded
    from breakerd.breaker.errors import NotStoredError as NotStoredError
    from breakerd.breaker.errors import SnapshotError as SnapshotError
    from breakerd.breaker.errors import TraceError as TraceError
    from breakerd.breaker.events.events import CandidateSettled as CandidateSettled
    from breakerd.breaker.events.events import CandidateTransition as CandidateTransition
    from breakerd.breaker.events.events import Event as Event
    from breakerd.breaker.events.events import EventsMissed as EventsMissed
    from breakerd.breaker.events.events import Evidence as Evidence
    from breakerd.breaker.events.events import RecoveryStep as RecoveryStep
    from breakerd.breaker.events.events import SettingsChanged as SettingsChanged
    from breakerd.breaker.events.events import ShadowTransition as ShadowTransition
    from breakerd.breaker.events.events import Signal as Signal
    from breakerd.breaker.events.events import ThresholdBreached as ThresholdBreached
    from breakerd.breaker.events.events import ThresholdCleared as ThresholdCleared
    from breakerd.breaker.events.events import Transition as Transition
    from breakerd.breaker.guards.rules import Rules as Rules
    from breakerd.breaker.history.sketch import DurationSketch as DurationSketch
    from breakerd.breaker.history.slot import HistorySlot as HistorySlot
    from breakerd.breaker.host.load import LoadReading as LoadReading
    from breakerd.breaker.registry.registry import Registry as Registry
    from breakerd.breaker.runtime.status_types import Status as Status
    from breakerd.breaker.settings import CandidateSettings as CandidateSettings
    from breakerd.breaker.settings import Settings as Settings
    from breakerd.breaker.settings_parts import LimiterSettings as LimiterSettings
    from breakerd.breaker.settings_parts import LoadSettings as LoadSettings
    from breakerd.breaker.settings_parts import RecoverySettings as RecoverySettings
    from breakerd.breaker.settings_parts import Slo as Slo
    from breakerd.breaker.states import Reason as Reason
    from breakerd.breaker.states import State as State
    from breakerd.breakerd import Breakerd as Breakerd
    from breakerd.service import Service as Service

__all__ = [
    "AlertStats",
    "Alerting",
    "AlertingSettings",
    "AlertsSettings",
    "ApiSettings",
    "Breaker",
    "BreakerError",
    "BreakerOpenError",
    "BreakerStateError",
    "Breakerd",
    "CandidateSettings",
    "CandidateSettled",
    "CandidateTransition",
    "ConfigConflictError",
    "ConfigError",
    "ConfigProblem",
    "ConfigWriteError",
    "ContactDetails",
    "Counters",
    "DeadlineExceeded",
    "DurationSketch",
    "Event",
    "EventsMissed",
    "Evidence",
    "HistorySlot",
    "LimiterSettings",
    "LoadReading",
    "LoadSettings",
    "NotStoredError",
    "OpsGenieSettings",
    "Priority",
    "Reason",
    "RecoverySettings",
    "RecoveryStep",
    "Registry",
    "Rules",
    "Service",
    "Settings",
    "SettingsChanged",
    "ShadowTransition",
    "Signal",
    "Slo",
    "SnapshotError",
    "State",
    "StateAutosaver",
    "Status",
    "ThresholdBreached",
    "ThresholdCleared",
    "TraceError",
    "Transition",
    "__version__",
    "admin_router",
    "check_deadline",
    "create_app",
    "current_deadline",
    "current_priority",
    "deadline",
    "priority",
    "remaining",
]

_HOMES = {  # the imports above once more, for the run; a test compares them
    "AlertStats": "breakerd.alerts.status",
    "Alerting": "breakerd.alerts.alerting",
    "AlertingSettings": "breakerd.alerts.settings.alerting",
    "AlertsSettings": "breakerd.alerts.settings.alerting",
    "ApiSettings": "breakerd.api.settings",
    "Breaker": "breakerd.breaker.breaker",
    "BreakerError": "breakerd.breaker.errors",
    "BreakerOpenError": "breakerd.breaker.errors",
    "BreakerStateError": "breakerd.breaker.errors",
    "Breakerd": "breakerd.breakerd",
    "CandidateSettings": "breakerd.breaker.settings",
    "CandidateSettled": "breakerd.breaker.events.events",
    "CandidateTransition": "breakerd.breaker.events.events",
    "ConfigConflictError": "breakerd.breaker.errors",
    "ConfigError": "breakerd.breaker.errors",
    "ConfigProblem": "breakerd.breaker.errors",
    "ConfigWriteError": "breakerd.breaker.errors",
    "ContactDetails": "breakerd.alerts.settings.opsgenie",
    "Counters": "breakerd.breaker.calls.counters",
    "DeadlineExceeded": "breakerd.breaker.errors",
    "DurationSketch": "breakerd.breaker.history.sketch",
    "Event": "breakerd.breaker.events.events",
    "EventsMissed": "breakerd.breaker.events.events",
    "Evidence": "breakerd.breaker.events.events",
    "HistorySlot": "breakerd.breaker.history.slot",
    "LimiterSettings": "breakerd.breaker.settings_parts",
    "LoadReading": "breakerd.breaker.host.load",
    "LoadSettings": "breakerd.breaker.settings_parts",
    "NotStoredError": "breakerd.breaker.errors",
    "OpsGenieSettings": "breakerd.alerts.settings.opsgenie",
    "Priority": "breakerd.breaker.context",
    "Reason": "breakerd.breaker.states",
    "RecoverySettings": "breakerd.breaker.settings_parts",
    "RecoveryStep": "breakerd.breaker.events.events",
    "Registry": "breakerd.breaker.registry.registry",
    "Rules": "breakerd.breaker.guards.rules",
    "Service": "breakerd.service",
    "Settings": "breakerd.breaker.settings",
    "SettingsChanged": "breakerd.breaker.events.events",
    "Signal": "breakerd.breaker.events.events",
    "Slo": "breakerd.breaker.settings_parts",
    "SnapshotError": "breakerd.breaker.errors",
    "State": "breakerd.breaker.states",
    "StateAutosaver": "breakerd.breaker.autosave",
    "Status": "breakerd.breaker.runtime.status_types",
    "ThresholdBreached": "breakerd.breaker.events.events",
    "ThresholdCleared": "breakerd.breaker.events.events",
    "TraceError": "breakerd.breaker.errors",
    "Transition": "breakerd.breaker.events.events",
    "ShadowTransition": "breakerd.breaker.events.events",
    "__version__": "breakerd.breaker._version",
    "admin_router": "breakerd.api.app",
    "check_deadline": "breakerd.breaker.context",
    "create_app": "breakerd.api.app",
    "current_deadline": "breakerd.breaker.context",
    "current_priority": "breakerd.breaker.context",
    "deadline": "breakerd.breaker.context",
    "priority": "breakerd.breaker.context",
    "remaining": "breakerd.breaker.context",
}


def __getattr__(name: str) -> Any:
    """Load a public name, and keep it in this module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'breakerd' has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    """List public names, loaded or not."""
    return sorted({*globals(), *__all__})
