"""Tells whoever must know: one alert per incident, whatever breaks on the way.

Example:
    registry = Registry.from_file("config/breakers.toml")
    with Alerting.from_file("config/breakers.toml", registry):
        ...
"""

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
