"""Find durations and outcomes of the calls of a slot, without their times."""

from typing import NamedTuple

from breakerd.breaker.replay.history.durations import pieces_of, spread
from breakerd.breaker.replay.history.profile import Profile


class CallShape(NamedTuple):
    """Call without its time: seconds, and its outcome."""

    duration: float
    failed: bool = False
    abandoned: bool = False


def shapes(profile: Profile) -> list[CallShape]:
    """Return the calls of a slot, shortest first; those that were given up early before all others.

    Of equally long calls, the failed ones are spread evenly.
    """
    slot = profile.slot
    counts = [good + failed for good, failed in zip(profile.good, profile.failed, strict=True)]
    durations = spread(pieces_of(counts, slot.durations.edges, slot.threshold, slot.slow))
    calls: list[CallShape] = []
    for count, failed in zip(counts, profile.failed, strict=True):
        for number in range(count):
            fails = (number + 1) * failed // count > number * failed // count
            calls.append(CallShape(durations[len(calls)], fails))
    _give_up(calls, profile.late)
    usual = durations[len(durations) // 2] if durations else 0.0
    early = usual if slot.threshold is None else min(usual, slot.threshold)
    return [CallShape(early, abandoned=True)] * profile.early + calls


def _give_up(calls: list[CallShape], number: int) -> None:
    """Mark the longest calls that did not fail as given up by their callers."""
    for place in reversed(range(len(calls))):
        if not number:
            return
        if not calls[place].failed:
            calls[place] = calls[place]._replace(abandoned=True)
            number -= 1
