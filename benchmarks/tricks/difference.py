"""What one contestant costs more than another: the figures of this part."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.calls.contest import Contest
from benchmarks.calls.empty_pair import EMPTY
from benchmarks.figures import Figure

PART: Final = "tricks"
OURS: Final = "ours"
"""The real breaker, which has a measurement in each contest."""
SAME: Final = "nothing taken back"
"""The control: what is told of it is noise."""


@dataclass(frozen=True)
class Change:
    """A row: what `contestant` costs more than `against`.

    Attributes:
        name: the figure's name.
        contestant: whose time it is, in a contest where the empty pair is measured too.
        against: what it is compared with.
        note: one sentence for the table.
        one_in: one call in so many makes the difference, which is told for that one.
        micro: tell it in µs, and not as a share of the empty pair.
    """

    name: str
    contestant: str
    against: str = OURS
    note: str = ""
    one_in: int = 1
    micro: bool = False


def figures(contest: Contest, changes: Sequence[Change]) -> list[Figure]:
    """The figures that `changes` ask for; differences and ratios are those of one round each."""
    return [_figure(contest, change) for change in changes]


def _figure(contest: Contest, change: Change) -> Figure:
    times, base = contest.times[change.contestant], contest.times[change.against]
    pairs = list(zip(times, base, strict=True))
    more = sorted((time - reference) * change.one_in for time, reference in pairs)
    difference = statistics.median(more)
    share = difference / contest.median(EMPTY)
    note = [change.note] if change.note else []
    if not change.micro:
        many = f"{share:,.0f} times" if share >= 10 else f"{share:+.1%} of"
        note.append(f"{many} the empty pair")
    return Figure(
        part=PART,
        name=change.name,
        value=difference / 1000 if change.micro else difference,
        unit="µs" if change.micro else "ns more",
        ratio=statistics.median(time / reference for time, reference in pairs),
        against=change.against,
        note="; ".join(note),
        details={
            "ratio_of_minima": min(times) / min(base),
            "difference_of_minima": (min(times) - min(base)) * change.one_in,
            "difference_quartiles": [more[len(more) // 4], more[3 * len(more) // 4]],
            "share_of_empty_pair": share,
            "median": contest.median(change.contestant),
            "rounds": len(times),
            "calls_per_round": contest.calls[change.contestant],
        },
    )
