"""Figures of the benchmark, in one form for all its parts.

A part is a module with a `NAME` and a function `measure` (see `Part`). It is listed in
`benchmarks.bench.PARTS` and runs in an interpreter of its own. It raises `UnavailableError` if
something it needs is missing on this machine.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Protocol


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    Attributes:
        part: name of the part that measured it.
        name: name of the figure, unique within the part.
        value: in `unit`; the median if there were rounds. None if it could not be measured: `note`
            gives the reason.
        unit: such as "ns", "calls/s", "bytes".
        ratio: to the no-op pair, or to `against`. It is the median of the ratios within the rounds,
            which may differ from the ratio of two medians.
        against: name of what `ratio` compares with; "" for the no-op pair.
        reach: bound of `ratio`, or of `value` if there is no ratio: "<= 1.3" or ">= 0.8".
        met: True if `reach` is kept; None without a reach. `judge` fills it in.
        note: one sentence for the table.
        details: minima, rounds and the like, for the JSON document only.
    """

    part: str
    name: str
    value: float | None
    unit: str
    ratio: float | None = None
    against: str = ""
    reach: str = ""
    met: bool | None = None
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the figure as data for JSON; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Figure":
        """Return the figure that `as_json` gave.

        Raises:
            TypeError: a key is unknown or missing.
        """
        return cls(**data)


@dataclass(frozen=True)
class Effort:
    """Amount of work for each figure.

    Attributes:
        rounds: number of times that each candidate is measured, in turn with the others.
        calls: maximum number of calls of a candidate in a round.
        seconds: duration of a load, for figures that need one.
    """

    rounds: int
    calls: int
    seconds: float


FULL: Final = Effort(rounds=25, calls=40_000, seconds=5.0)
QUICK: Final = Effort(rounds=15, calls=10_000, seconds=1.0)


class Part(Protocol):
    """A module that measures."""

    NAME: str
    """Name of the part in the table and on the command line."""

    def measure(self, effort: Effort) -> list[Figure]:
        """Measure, and return the figures.

        Raises:
            UnavailableError: something that all figures need is missing on this machine.
        """
        ...


class UnavailableError(Exception):
    """A program or package that a part needs is missing; the message names it."""


def unmeasured(part: str, name: str, why: str) -> Figure:
    """Return a figure without a value, with the reason in its note."""
    return Figure(part, name, None, "", note=f"not measured: {why}")


def judge(figure: Figure) -> Figure:
    """Return `figure` with `met` computed from its reach.

    Raises:
        ValueError: the reach is neither "<= NUMBER" nor ">= NUMBER".
    """
    number = figure.value if figure.ratio is None else figure.ratio
    if not figure.reach or figure.met is not None or number is None:
        return figure
    sign, _, text = figure.reach.partition(" ")
    bound = float(text)
    if sign not in {"<=", ">="} or math.isnan(bound):
        raise ValueError(f"{figure.name}: reach is {figure.reach!r}; allowed: '<= 1.3', '>= 0.8'")
    return replace(figure, met=number <= bound if sign == "<=" else number >= bound)
