"""Receivers of alerts, behind one protocol."""

from alerts.sinks.protocol import (
    AlertState,
    DeliveryError,
    PausedError,
    RefusedError,
    RejectedError,
    RequestState,
    Sink,
    UnavailableError,
)

__all__ = [
    "AlertState",
    "DeliveryError",
    "PausedError",
    "RefusedError",
    "RejectedError",
    "RequestState",
    "Sink",
    "UnavailableError",
]
