"""Whether this machine's clock is right, by the `Date` of an answer. Pure."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from breakerd.alerts.doctor.finding import Finding, bad, good, unknown, warning
from breakerd.alerts.model.text import duration

_TOLERABLE: Final = 30.0
_TOO_MUCH: Final = 300.0
_ADVICE: Final = "set the clock, and keep it so by NTP: times in alerts are wrong by that"


def check_clock(date: str, now: float) -> Finding:
    """What a `Date` header says of a clock that stands at `now`, in seconds since the epoch."""
    there = _time_of(date)
    if there is None:
        return unknown("clock", "the receiver does not say what time it is")
    ahead = now - there
    if abs(ahead) <= _TOLERABLE:
        return good("clock", f"right to {_TOLERABLE:g} s")
    way = "ahead" if ahead > 0 else "behind"
    found = f"this machine's is {duration(abs(ahead))} {way} of the receiver's"
    return (bad if abs(ahead) > _TOO_MUCH else warning)("clock", found, _ADVICE)


def _time_of(date: str) -> float | None:
    try:
        parsed = parsedate_to_datetime(date)
    except ValueError:
        return None
    # A header without a zone is in UTC, as all of them should be.
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
