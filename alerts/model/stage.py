"""Stages of an alert: which priority it has after which time."""

from dataclasses import dataclass
from typing import Any, Literal, Self

Priority = Literal["P1", "P2", "P3", "P4", "P5"]
"""Priority of an alert, as in OpsGenie. P1 is the most urgent."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Priority of an alert from a given age on, and the responders added then.

    Attributes:
        after: seconds since the alert was due.
        priority: "P1" to "P5".
        responders: each is `team:NAME`, `user:NAME`, `escalation:NAME` or `schedule:NAME`.
    """

    after: float
    priority: str
    responders: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a stage from `dataclasses.asdict` data.

        Raises:
            TypeError: the data does not describe a stage.
        """
        return cls(**{**data, "responders": tuple(data.get("responders", ()))})
