"""Steps of an alert at the emulator that people were told."""

from __future__ import annotations

from collections.abc import Iterable

from breakerd.alerts.emulator.state.alert import EmulatedAlert

_SILENT = ("message", "description", "tags", "details")
"""Updates of the text, which page nobody."""


def told(alerts: EmulatedAlert | Iterable[EmulatedAlert]) -> list[str]:
    """Return the history of one alert or several, without the updates of their texts."""
    every = [alerts] if isinstance(alerts, EmulatedAlert) else alerts
    return [
        happening.what
        for alert in every
        for happening in alert.history
        if not happening.what.startswith(_SILENT)
    ]
