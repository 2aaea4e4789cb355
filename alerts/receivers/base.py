"""What a receiver of alerts can do, and how it can fail.

DeliveryError
├── UnavailableError   it did not answer, or not sensibly: try again later
├── PausedError        it asks for a pause: nothing at all until then
├── RefusedError       it does not know the key: nothing until somebody acts
└── RejectedError      it will never take this request in this form
"""

from enum import Enum, auto
from typing import Protocol, runtime_checkable

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step


class DeliveryError(Exception):
    """The root of what can go wrong with a delivery."""

    maybe_taken = False
    """Whether the request may have been carried out all the same."""


class UnavailableError(DeliveryError):
    """No answer, or none that makes sense: unless said otherwise, it may have been taken.

    `slow` tells that a whole time-out went by.
    """

    def __init__(self, problem: str, *, maybe_taken: bool = True, slow: bool = False) -> None:
        super().__init__(problem)
        self.maybe_taken = maybe_taken
        self.slow = slow


class PausedError(DeliveryError):
    """Too many requests: `seconds` is how long the receiver wants to hear nothing."""

    def __init__(self, seconds: float, *, maybe_taken: bool = False) -> None:
        super().__init__(f"asked for a pause of {seconds:g} s")
        self.seconds = seconds
        self.maybe_taken = maybe_taken


class RefusedError(DeliveryError):
    """The key is not known, or may not do this."""


class RejectedError(DeliveryError):
    """The request is wrong in itself."""


class RequestState(Enum):
    """What became of an accepted request."""

    PENDING = auto()
    DONE = auto()
    FAILED = auto()
    GONE = auto()
    """The alert that it was about is not there."""


class AlertState(Enum):
    """What people have made of an alert."""

    OPEN = auto()
    ACKNOWLEDGED = auto()
    CLOSED = auto()
    MISSING = auto()
    """It was deleted, or never arrived."""
    UNKNOWN = auto()
    """This receiver cannot be asked."""


class Sink(Protocol):
    """A receiver. Used from one thread."""

    name: str
    """As in metrics."""
    pages: bool
    """Whether a person hears of what is sent here."""
    attaches: bool
    """Whether it takes pictures (`StepKind.ATTACH`)."""

    def send(self, incident: Incident, step: Step) -> str:
        """Asks for `step`; returns the request's id, empty if it is done already.

        To ask for the same step twice does no harm.

        Raises:
            DeliveryError: one of its kinds.
        """
        ...

    def state(self, incident: Incident) -> AlertState:
        """What people have made of the alert.

        Raises:
            DeliveryError: one of its kinds.
        """
        ...

    def look(self, request_id: str) -> RequestState:
        """What became of an accepted request.

        Raises:
            DeliveryError: one of its kinds.
        """
        ...

    def close(self) -> None:
        """Lets go of connections."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A receiver that can be asked whether it has done something already."""

    def has(self, incident: Incident, step: Step) -> bool:
        """Whether it is known to have carried out that step, of which no answer came.

        Raises:
            DeliveryError: one of its kinds.
        """
        ...
