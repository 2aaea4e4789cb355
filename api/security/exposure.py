"""Exposure of the routes: state for whoever is on this machine, everything else for a token.

A route that is named nowhere is protected, a new one too.
"""

from enum import Enum
from typing import Final


class Exposure(Enum):
    """Rule of a GET where no token is set; anything but a GET is a change."""

    STATE = "state"
    """Loopback without any sign of a proxy: states, health and metrics."""
    PROTECTED = "protected"
    """Owner of the token file."""


def exposure_of(route: str) -> Exposure:
    """Return the exposure of the route of that name."""
    return _EXPOSURES.get(route, Exposure.PROTECTED)


_EXPOSURES: Final = {
    "list_breakers": Exposure.STATE,
    "follow_events": Exposure.STATE,
    "get_metrics": Exposure.STATE,
    "get_status": Exposure.STATE,
    "get_enabled": Exposure.STATE,
    "get_memory_usage": Exposure.STATE,
    "get_memory_limit": Exposure.STATE,
    "get_latencies_above_threshold": Exposure.STATE,
    "get_history": Exposure.STATE,
    "get_shadow": Exposure.STATE,
    "get_openapi_document": Exposure.STATE,
    "call_endpoint": Exposure.STATE,
    "list_scenarios": Exposure.STATE,
    "get_server_status": Exposure.STATE,
    "get_server_health": Exposure.STATE,
}
