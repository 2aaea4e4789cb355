"""Receivers of alerts, behind one protocol."""

from alerts.sinks.protocol import (
    DeliveryError,
    PausedError,
    RefusedError,
    RejectedError,
    RequestState,
    Sink,
    UnavailableError,
)

__all__ = [
    "DeliveryError",
    "PausedError",
    "RefusedError",
    "RejectedError",
    "RequestState",
    "Sink",
    "UnavailableError",
]
