"""Rules about what the breakers of this host have seen: its record of the last day."""

from collections.abc import Iterator, Sequence
from math import ceil
from statistics import median
from typing import TYPE_CHECKING, Final

from breakerd.api.advice.rule import BreakerScope, Concern, Rule, Subject
from breakerd.breaker.settings import Settings

if TYPE_CHECKING:
    from breakerd.breaker.history.slot import HistorySlot

_SPAN: Final = 86_400.0
"""Seconds of the record that are looked at."""
_WIDTH: Final = 60.0
"""Seconds of a slot."""
_ENOUGH: Final = 60
"""Minutes with calls from which the record says anything."""
_OFTEN: Final = 0.1
"""Share of the minutes above the threshold from which a replay is worth its time."""
_REJECTED: Final = 0.2
"""Share of the calls that no right threshold rejects in a day."""
_NEARLY_ALL: Final = 0.95
_MOST_CALLS: Final = 20_000
"""Calls that are replayed at most; they take about a second."""

Seen = tuple[BreakerScope, Sequence["HistorySlot"]]


def _trips_all_day(subject: Subject) -> Iterator[Concern]:
    for scope, slots in _seen(subject):
        settings = scope.settings
        above = _share_above(settings, slots) if settings.watches_latency else 0.0
        if above < _OFTEN:
            continue
        rejected = _rejected_share(settings, slots)
        if rejected < _REJECTED:
            continue
        text = (
            f"on the last day of {scope.name!r} it would have rejected {rejected:.0%} of the "
            f"calls: the {settings.percentile:g} percentile was above it in {above:.0%} of the "
            f"minutes, and {_usual(settings, slots):.0f} ms as a rule; `breakerd suggest "
            "--history` proposes another"
        )
        yield _concern(scope, text, "latency_threshold", "percentile")


def _limit_below_usual(subject: Subject) -> Iterator[Concern]:
    for scope, slots in _seen(subject):
        limiter = scope.settings.limiter
        if not limiter.enabled or limiter.max_limit is None:
            continue
        usual = median(slot.in_flight for slot in slots)
        if limiter.max_limit < usual:
            text = (
                f"in every second minute of the last day {scope.name!r} had {usual:.0f} calls or "
                "more in flight: make the limit larger than that, or leave it to the limiter"
            )
            yield _concern(scope, text, "limiter.max_limit")


def _never_judged(subject: Subject) -> Iterator[Concern]:
    for scope, slots in _seen(subject):
        settings = scope.settings
        needed = min(settings.minimum_calls, settings.latency_window_size)
        calls = [slot.calls * settings.latency_max_age / slot.width for slot in slots]
        if sum(each < needed for each in calls) < _NEARLY_ALL * len(calls):
            continue
        text = (
            f"{scope.name!r} has {median(calls):.0f} calls in {settings.latency_max_age:g} s as a "
            f"rule, and is judged from {needed} on: neither latency nor errors open it, only some "
            "failures in a row; make `latency_max_age` longer or `minimum_calls` smaller"
        )
        yield _concern(scope, text, "minimum_calls", "latency_max_age")


def _seen(subject: Subject) -> Iterator[Seen]:
    """Yield each breaker that has enough calls in the record, with its minutes that had any."""
    if subject.record is None:
        return
    sections = subject.settings.breakers
    for name in subject.record.breakers():
        found = subject.record.slots(name, subject.now - _SPAN, subject.now, step=_WIDTH)
        slots = [slot for slot in found if slot.calls]
        if len(slots) >= _ENOUGH:
            yield BreakerScope(subject, sections.named.get(name, sections.root), name), slots


def _rejected_share(settings: Settings, slots: Sequence["HistorySlot"]) -> float:
    """Return the share of the calls that these settings would have rejected, by a replay."""
    # The service, which looks at no record, does not need these.
    from breakerd.breaker.replay import replay
    from breakerd.breaker.replay.history import reconstruct
    from breakerd.breaker.replay.history.sampling import Portion

    stride = ceil(sum(slot.calls for slot in slots) / _MOST_CALLS)
    portions = [Portion(stride, stride)] * len(slots)
    (outcome,) = replay(reconstruct(slots, portions), settings).outcomes
    return outcome.rejected.total / (outcome.rejected.total + outcome.admitted.total)


def _share_above(settings: Settings, slots: Sequence["HistorySlot"]) -> float:
    threshold = settings.latency_threshold / 1000
    judged = [each for each in _percentiles(settings, slots) if each > threshold]
    return len(judged) / len(slots)


def _usual(settings: Settings, slots: Sequence["HistorySlot"]) -> float:
    """Return the watched percentile in ms, in the median of the minutes."""
    return median(_percentiles(settings, slots)) * 1000


def _percentiles(settings: Settings, slots: Sequence["HistorySlot"]) -> list[float]:
    return [slot.durations.percentile(settings.percentile) or 0.0 for slot in slots]


def _concern(scope: BreakerScope, text: str, *dotted: str) -> Concern:
    """Return a concern at the values in force, or at the setting that the file leaves out."""
    keys = [key for each in dotted if (key := scope.where(each))]
    return Concern(text, (*keys, ("breakers", scope.name), tuple(dotted[0].split("."))))


RULES: Final = (
    Rule(
        "threshold-trips-all-day",
        "On the record of the last day, `latency_threshold` would have rejected 20 % of the calls "
        "or more.",
        _trips_all_day,
    ),
    Rule(
        "limit-below-usual",
        "`max_limit` is below the number of calls in flight that the record has in every second "
        "minute.",
        _limit_below_usual,
    ),
    Rule(
        "never-judged",
        "On the record of the last day there are too few calls for `minimum_calls` within "
        "`latency_max_age`: latency and errors are not judged.",
        _never_judged,
    ),
)
