"""Receivers of alerts, behind one protocol."""

from breakerd.alerts.receivers.base import (
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
