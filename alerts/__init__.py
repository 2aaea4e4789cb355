"""Tells whoever must know: one alert per incident, whatever breaks on the way.

Example:
    registry = Registry.from_file("config/breakers.toml")
    with Alerting.from_file("config/breakers.toml", registry):
        ...
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alerts.manager import Alerting, AlertStats
    from alerts.settings import AlertingSettings, AlertsSettings, ContactDetails, OpsGenieSettings

__all__ = [
    "AlertStats",
    "Alerting",
    "AlertingSettings",
    "AlertsSettings",
    "ContactDetails",
    "OpsGenieSettings",
]

_HOMES = {
    "AlertStats": "alerts.manager",
    "Alerting": "alerts.manager",
    "AlertingSettings": "alerts.settings",
    "AlertsSettings": "alerts.settings",
    "ContactDetails": "alerts.settings",
    "OpsGenieSettings": "alerts.settings",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has that name
    # On demand, so that who needs no receiver need not load what talks to them.
    if name not in _HOMES:
        raise AttributeError(f"module 'alerts' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - on demand

    globals()[name] = value = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
