"""Hints to the reader of a trace: what the trace does not say, or says wrongly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from breakerd.breaker.replay.trace.values.durations import SECONDS


class TimeIs(StrEnum):
    """Moment that the one time of a call marks."""

    START = "start"
    END = "end"


class Unit(StrEnum):
    """Units of durations."""

    S = "s"
    MS = "ms"
    US = "us"
    NS = "ns"

    @property
    def seconds(self) -> float:
        """Return the unit in seconds."""
        return SECONDS[self.value]


@dataclass(frozen=True, slots=True)
class Column:
    """Column with a quantity: its name as in the trace, and its unit."""

    name: str
    unit: float | None = None
    """Unit in seconds, or as a share of the memory limit; None if the name has none."""


@dataclass(frozen=True, slots=True)
class Hints:
    """Hints to the reader of a trace; what is not given is found out.

    Attributes:
        unit: unit of durations that do not name theirs.
        columns: columns by part (`PARTS`).
        time_is: what the one time of a call marks.
    """

    unit: Unit | None = None
    columns: Mapping[str, Column] = field(default_factory=lambda: MappingProxyType({}))
    time_is: TimeIs | None = None


NO_HINTS: Final = Hints()
PARTS: Final = ("start", "end", "duration", "outcome", "memory")
"""Parts of a call that a column can hold."""


def parse_columns(text: str) -> dict[str, Column]:
    """Return the columns in a text such as `start=begun,duration=took:ms,outcome=code`.

    Raises:
        ValueError: the text has another form, or an unknown part.
    """
    columns: dict[str, Column] = {}
    for item in text.split(","):
        part, equals, name = (each.strip() for each in item.partition("="))
        if not (equals and name) or part not in PARTS or part in columns:
            raise ValueError(
                f"found {item!r}; allowed: {', '.join(f'{each}=NAME' for each in PARTS)}, each "
                "once, separated by commas, with :UNIT after the name of a time or duration"
            )
        named, _, unit = name.rpartition(":")
        if named and unit in SECONDS and part in {"start", "end", "duration"}:
            columns[part] = Column(named, SECONDS[unit])
        else:
            columns[part] = Column(name)
    return columns
