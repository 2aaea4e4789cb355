"""What the benchmark measures, in one form for all its parts.

A part is a module of this package with a `NAME` and a function `measure` (see `Part`); it stands in
`benchmarks.bench.PARTS`, and is run in an interpreter of its own. It raises `UnavailableError`
where something it needs is missing on this machine.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Protocol


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    Attributes:
        part: the part that measured it.
        name: what was measured, unique within the part.
        value: in `unit`; the median over the rounds where there are rounds. None if it could not be
            measured: `note` then says why.
        unit: such as "ns", "calls/s", "bytes".
        ratio: to the empty pair, or to what `against` names; the median of the ratios of each
            round, so it need not be the ratio of two medians.
        against: what `ratio` compares with; "" for the empty pair.
        reach: the bound to keep, as text: "<= 1.3" or ">= 0.8". It is one of `ratio` where there is
            a ratio, else of `value`.
        met: whether `reach` is kept; None without one. `judged` fills it in.
        note: one sentence for the table.
        details: minima, rounds and the like, for the JSON alone.
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
        """The figure as JSON-able data; `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Figure":
        """The figure that `as_json` gave.

        Raises:
            TypeError: there are other keys than the figure's.
        """
        return cls(**data)


@dataclass(frozen=True)
class Effort:
    """How much is done for each figure.

    Attributes:
        rounds: how often each contestant is measured, in turn with the others.
        calls: how many calls of a contestant are timed in a round, at most.
        seconds: how long a load is kept up where a figure needs one.
    """

    rounds: int
    calls: int
    seconds: float


FULL: Final = Effort(rounds=25, calls=40_000, seconds=5.0)
QUICK: Final = Effort(rounds=15, calls=10_000, seconds=1.0)


class Part(Protocol):
    """A module that measures."""

    NAME: str
    """The part's name, which is the module's."""

    def measure(self, effort: Effort) -> list[Figure]:
        """Measures, and says what came out.

        Raises:
            UnavailableError: something that all its figures need is missing here.
        """
        ...


class UnavailableError(Exception):
    """A program or package that a part needs is missing; the message names it."""


def unmeasured(part: str, name: str, why: str) -> Figure:
    """The row of what could not be measured."""
    return Figure(part, name, None, "", note=f"not measured: {why}")


def judged(figure: Figure) -> Figure:
    """`figure` with `met` filled in from its reach.

    Raises:
        ValueError: the reach is not "<= NUMBER" or ">= NUMBER".
    """
    number = figure.value if figure.ratio is None else figure.ratio
    if not figure.reach or figure.met is not None or number is None:
        return figure
    sign, _, text = figure.reach.partition(" ")
    bound = float(text)
    if sign not in {"<=", ">="} or math.isnan(bound):
        raise ValueError(f"{figure.name}: reach is {figure.reach!r}; allowed: '<= 1.3', '>= 0.8'")
    return replace(figure, met=number <= bound if sign == "<=" else number >= bound)
