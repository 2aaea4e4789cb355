"""Predict what a change of settings would have done, from a history, in bounded time."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from breakerd.breaker.errors import TraceError
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.replay.history.certainty import Certainty
from breakerd.breaker.replay.history.reconstruction import reconstruct
from breakerd.breaker.replay.history.sampling import Portion, choose_portions
from breakerd.breaker.replay.report import Outcome
from breakerd.breaker.replay.runner import replay
from breakerd.breaker.settings import Settings

MOST_WORK: Final = 10_000
"""Calls, and twice the seconds, that are replayed at most, about: a second or two of work."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a configuration would have done.

    Attributes:
        trips: number of trips.
        rejected: number of calls rejected.
        good_rejected: those of them that did not fail, and were not slower than it allows.
        let_pass: calls admitted that failed or were slower than it allows.
        trip_times: times of trips in seconds since the epoch, in order; not all of them, if not all
            calls were replayed, and at most 1,000.
    """

    trips: int = 0
    rejected: int = 0
    good_rejected: int = 0
    let_pass: int = 0
    trip_times: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """What two configurations would have done with the same calls.

    Attributes:
        current: effect of the configuration in force.
        proposed: effect of the other one.
        calls: number of calls recorded.
        seconds: time that is recorded.
        replayed_share: share of the calls that were replayed, 0 to 1; the others come in times in
            which neither can trip, or are like those that were replayed.
        estimated: True if not all calls in bad times were replayed: numbers are extrapolated.
        notes: what is not certain, as sentences.
    """

    current: Effect
    proposed: Effect
    calls: int
    seconds: float
    replayed_share: float
    estimated: bool
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON data."""
        return asdict(self)


def what_would_have_happened(
    slots: Sequence[HistorySlot],
    current: Settings,
    proposed: Settings,
    *,
    most_work: int = MOST_WORK,
) -> Prediction:
    """Return what two configurations would have done in the time of a history.

    Takes about two seconds, however many calls there were. Both effects are 0 without calls.

    Args:
        slots: slots of one breaker in the order of time.
        current: the settings in force.
        proposed: the settings to compare them with.
        most_work: number of calls to replay, and twice the seconds of the time they take, about.
    """
    certainty = Certainty()
    watched = list(certainty.watch(slots))
    portions = choose_portions(watched, (current, proposed), most_work)
    effects = _effects(watched, portions, {"current": current, "proposed": proposed})
    replayed = sum(
        slot.calls // portion.stride
        for slot, portion in zip(watched, portions, strict=True)
        if portion.stride
    )
    estimated = any(portion.weight != portion.stride for portion in portions)
    share = replayed / certainty.calls if certainty.calls else 1.0
    notes = [*certainty.notes(), *_sampling_notes(share, estimated=estimated)]
    return Prediction(
        *effects,
        certainty.calls,
        sum(certainty.seconds.values()),
        share,
        estimated,
        tuple(notes),
    )


def _effects(
    slots: Sequence[HistorySlot], portions: Sequence[Portion], settings: dict[str, Settings]
) -> tuple[Effect, Effect]:
    try:
        report = replay(reconstruct(slots, portions), settings)
    except TraceError:  # no call
        return Effect(), Effect()
    starts = [slot.start for slot in slots]
    first, second = (_effect(outcome, starts, portions) for outcome in report.outcomes)
    return first, second


def _effect(outcome: Outcome, starts: Sequence[float], portions: Sequence[Portion]) -> Effect:
    times = tuple(trip.at for trip in outcome.trips)
    shown = sum(_times_as_often(at, starts, portions) for at in times)
    # Beyond the trips that are kept in full, each is taken as often as those.
    trips = round(shown * outcome.trip_count / len(times)) if times else 0
    return Effect(trips, outcome.rejected.total, outcome.rejected.good, outcome.admitted.bad, times)


def _times_as_often(at: float, starts: Sequence[float], portions: Sequence[Portion]) -> float:
    """Return for how many trips one at that time stands: excerpts stand for others like them."""
    stride, weight = portions[max(0, bisect_right(starts, at) - 1)]
    return weight / stride if stride else 1.0


def _sampling_notes(share: float, *, estimated: bool) -> list[str]:
    if share >= 1:
        return []
    if not estimated:
        return [f"{share:.2%} of the calls were replayed: those amid which either can trip"]
    note = (
        f"estimated: {share:.2%} of the calls were replayed, in excerpts; the numbers are "
        "extrapolated from them"
    )
    return [note]
