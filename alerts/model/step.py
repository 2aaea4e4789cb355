"""Steps: single requests that a receiver can be sent."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class StepKind(StrEnum):
    """What the receiver is to be asked."""

    CREATE = "create"
    PRIORITY = "priority"
    NOTE = "note"
    ATTACH = "attach"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Step:
    """What a receiver is to be asked next.

    Attributes:
        kind: what to do.
        priority: for CREATE and PRIORITY.
        note: for NOTE, and for CLOSE the words that go with it.
        number: which of the notes, from 0; for CREATE how often it was there before; for PRIORITY
            which change of it, from 1; for CLOSE how many such changes there were. A receiver that
            cannot change the priority of an alert makes one more alert for each.
        responders: for CREATE and PRIORITY whom to tell beside the team, see `Stage`.
    """

    kind: StepKind
    priority: str = ""
    note: str = ""
    number: int = 0
    responders: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The step of that data.

        Raises:
            TypeError, KeyError, ValueError: the data is not a step's.
        """
        responders = tuple(data.get("responders", ()))
        return cls(**{**data, "kind": StepKind(data["kind"]), "responders": responders})
