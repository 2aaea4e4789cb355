"""Receivers of alerts, behind one protocol."""

from alerts.sinks.protocol import (
    AlertState,
    DeliveryError,
    PausedError,
    RefusedError,
    RejectedError,
    Remembering,
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
    "Remembering",
    "RequestState",
    "Sink",
    "UnavailableError",
]
