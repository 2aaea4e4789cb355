"""Answers about what was: slots of a breaker, and past events."""

from typing import Any, Literal

from pydantic import Field

from breakerd.api.schemas.responses import ResponseBody


class HistoryResponse(ResponseBody):
    """Slots of one breaker, oldest first; a slot in which nobody called is left out."""

    breaker: str
    start: float = Field(alias="from", description="Seconds since the epoch.")
    to: float = Field(description="Seconds since the epoch.")
    step: float = Field(description="Width of the slots in seconds, as asked for or chosen.")
    source: Literal["host", "process", "fleet"] = Field(
        description="Whose calls are counted: those of all processes of the host, or, where "
        "nothing is kept on disk and below a step of 10 s, those of the process that answers. For "
        "`scope=fleet` those of all hosts; `members` says of how many processes."
    )
    complete_until: float = Field(
        description="Seconds since the epoch up to which all processes have told their calls; of "
        "later slots those of the process that answers are there."
    )
    problem: str | None = Field(description="Why nothing is read from disk; null if all is well.")
    slots: list[dict[str, Any]] = Field(
        description="Slots with `start` and the fields that were asked for."
    )


class PastEvent(ResponseBody):
    """One event of the record."""

    id: int = Field(description="Number in the record, growing.")
    time: float = Field(description="Seconds since the epoch.")
    breaker: str | None = Field(description="Null where it concerns the process as a whole.")
    kind: Literal[
        "transition", "signal", "recovery", "settings", "act", "alert", "reload", "candidate"
    ]
    text: str = Field(description="One line for people.")
    data: dict[str, Any] = Field(description="Details; `type` names the kind more exactly.")
    host: str
    process: str = Field(description="The process that recorded it, as HOST:PID.")


class EventsResponse(ResponseBody):
    """Past events of a host, oldest first."""

    since: float = Field(description="Seconds since the epoch.")
    until: float = Field(description="Seconds since the epoch.")
    more: bool = Field(description="True if there are older ones in that time than were answered.")
    events: list[PastEvent]
