"""Stages of an alert: which priority it has after which time."""

from dataclasses import dataclass
from typing import Any, Literal, Self

Priority = Literal["P1", "P2", "P3", "P4", "P5"]
"""Priority of an alert, as OpsGenie has them. P1 is the most urgent."""


@dataclass(frozen=True, slots=True)
class Stage:
    """From `after` seconds on, the alert has `priority`, and `responders` are told as well.

    Each of `responders` is `team:NAME`, `user:NAME`, `escalation:NAME` or `schedule:NAME`.
    """

    after: float
    priority: str
    responders: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The stage of that data.

        Raises:
            TypeError: the data is not a stage's.
        """
        return cls(**{**data, "responders": tuple(data.get("responders", ()))})
