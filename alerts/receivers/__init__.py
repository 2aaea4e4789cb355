"""Receivers of alerts behind one interface; `base` defines it, `factory` makes them."""

from breakerd.alerts.receivers.base import (
    AlertState,
    DeliveryError,
    InvalidRequestError,
    RateLimitedError,
    Receiver,
    RequestState,
    SupportsLookup,
    UnauthorizedError,
    UnavailableError,
)

__all__ = [
    "AlertState",
    "DeliveryError",
    "InvalidRequestError",
    "RateLimitedError",
    "Receiver",
    "RequestState",
    "SupportsLookup",
    "UnauthorizedError",
    "UnavailableError",
]
