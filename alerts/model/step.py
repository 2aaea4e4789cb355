"""Steps: single requests that a receiver can be sent."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class StepKind(StrEnum):
    """Type of a request to a receiver."""

    CREATE = "create"
    PRIORITY = "priority"
    UPDATE = "update"
    """New text of an existing alert. It pages nobody."""
    NOTE = "note"
    ATTACH = "attach"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Step:
    """Next request to a receiver.

    Attributes:
        kind: what to do.
        priority: for CREATE and PRIORITY; for UPDATE the priority that the alert has.
        note: for NOTE; for CLOSE the closing note; for PRIORITY the note of the stage.
        number: for NOTE the index of the note, from 0; for CREATE the number of earlier
            re-openings; for PRIORITY the number of the change, from 1; for CLOSE the number of
            changes so far. A receiver that cannot change the priority of an alert creates one more
            alert for each change.
        responders: for CREATE and PRIORITY the responders to add, see `Stage`.
        revision: for CREATE, UPDATE and PRIORITY the revision of the content that it carries.
        parts: for UPDATE the parts of the content that have changed, see `AlertContent.digests`.
    """

    kind: StepKind
    priority: str = ""
    note: str = ""
    number: int = 0
    responders: tuple[str, ...] = ()
    revision: int = 0
    parts: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a step from `dataclasses.asdict` data.

        Raises:
            TypeError, KeyError, ValueError: the data does not describe a step.
        """
        lists = {name: tuple(data.get(name, ())) for name in ("responders", "parts")}
        return cls(**{**data, "kind": StepKind(data["kind"]), **lists})
