"""Interface of receivers, and the errors that a delivery can end with.

DeliveryError
├── UnavailableError     no usable response: try again later
├── RateLimitedError     asks for a pause: send nothing until it is over
├── UnauthorizedError    rejects the key: send nothing until somebody acts
└── InvalidRequestError  will never accept this request in this form
"""

from enum import Enum, auto
from typing import Protocol, runtime_checkable

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step


class DeliveryError(Exception):
    """Base class of all delivery errors."""

    maybe_applied = False
    """True if the receiver may have executed the request all the same."""


class UnavailableError(DeliveryError):
    """No response, or none that can be understood.

    Args:
        problem: what went wrong.
        maybe_applied: True if the receiver may have executed the request all the same.
        slow: True if a whole time-out elapsed.
    """

    def __init__(self, problem: str, *, maybe_applied: bool = True, slow: bool = False) -> None:
        super().__init__(problem)
        self.maybe_applied = maybe_applied
        self.slow = slow


class RateLimitedError(DeliveryError):
    """Too many requests.

    Args:
        seconds: how long the receiver wants no requests.
        maybe_applied: True if the receiver may have executed the request all the same.
    """

    def __init__(self, seconds: float, *, maybe_applied: bool = False) -> None:
        super().__init__(f"asked for a pause of {seconds:g} s")
        self.seconds = seconds
        self.maybe_applied = maybe_applied


class UnauthorizedError(DeliveryError):
    """The key is unknown, or lacks the permission."""


class InvalidRequestError(DeliveryError):
    """The request itself is invalid."""


class RequestState(Enum):
    """Outcome of an accepted request."""

    PENDING = auto()
    DONE = auto()
    FAILED = auto()
    GONE = auto()
    """The alert of the request does not exist."""


class AlertState(Enum):
    """State of an alert at the receiver, as people left it."""

    OPEN = auto()
    ACKNOWLEDGED = auto()
    CLOSED = auto()
    MISSING = auto()
    """It was deleted, or never arrived."""
    UNKNOWN = auto()
    """This receiver cannot be asked."""


class Receiver(Protocol):
    """Receiver of alerts. Not thread-safe: each is used by one thread."""

    name: str
    """Name in metrics and in `breakerd alerts`."""
    pages_humans: bool
    """True if a person is notified of what is sent here."""
    accepts_attachments: bool
    """True if it accepts pictures (`StepKind.ATTACH`)."""
    accepts_updates: bool
    """True if it can change the text of an alert and page nobody (`StepKind.UPDATE`)."""
    accepts_notes: bool
    """True if it takes notes (`StepKind.NOTE`)."""
    sends_whole: bool
    """True if each request carries the whole alert: a stage its text, a repeated creation its
    priority."""

    def send(self, incident: Incident, step: Step) -> str:
        """Request `step`; return the request's id, empty if the step is done already.

        Sending the same step twice does no harm. Where the receiver finds the alert again, it may
        keep in `reference` of the incident's delivery state, which is saved after the call, also
        after one that failed.

        Raises:
            DeliveryError: one of its subclasses.
        """
        ...

    def preview(self, incident: Incident, step: Step) -> str:
        """Return what `send` would send, as text without secrets."""
        ...

    def alert_state(self, incident: Incident) -> AlertState:
        """Return the state of the alert, as people left it.

        Raises:
            DeliveryError: one of its subclasses.
        """
        ...

    def request_state(self, request_id: str) -> RequestState:
        """Return the outcome of an accepted request.

        Raises:
            DeliveryError: one of its subclasses.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


@runtime_checkable
class SupportsReadiness(Protocol):
    """Receiver that can prepare to be reached when the process has no file descriptor left."""

    def keep_ready(self) -> None:
        """Keep sockets until `close`. Called once, before the first request."""
        ...


@runtime_checkable
class SupportsLookup(Protocol):
    """Receiver that shows whether it has executed a step."""

    def has_applied(self, incident: Incident, step: Step) -> bool:
        """True if the receiver shows that it executed `step`, whose response was lost.

        Raises:
            DeliveryError: one of its subclasses.
        """
        ...
