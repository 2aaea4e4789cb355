"""Checks that several receivers share: the clock of this machine, and a heartbeat."""

from contextlib import closing
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from breakerd.alerts.doctor.finding import Finding, fail, ok, unknown, warning
from breakerd.alerts.heartbeat.heartbeat import HeartbeatClient, period_of, problem_of
from breakerd.alerts.model.text import format_duration
from breakerd.alerts.receivers.base import DeliveryError, UnauthorizedError

_TOLERABLE_SKEW: Final = 30.0
"""Seconds up to which a clock counts as right."""
_MAX_SKEW: Final = 300.0
"""Seconds above which the check of the clock fails."""
_CLOCK_ADVICE: Final = "synchronize the clock by NTP: times in alerts are wrong by that much"


def check_clock(date: str, now: float) -> Finding:
    """Compare this machine's clock with a receiver's.

    Args:
        date: the `Date` header of a response.
        now: this machine's time, in seconds since the epoch.
    """
    there = _parse_date(date)
    if there is None:
        return unknown("clock", "the receiver sends no valid date")
    ahead = now - there
    if abs(ahead) <= _TOLERABLE_SKEW:
        return ok("clock", f"correct within {_TOLERABLE_SKEW:g} s")
    way = "ahead of" if ahead > 0 else "behind"
    found = f"this machine's clock is {format_duration(abs(ahead))} {way} the receiver's"
    return (fail if abs(ahead) > _MAX_SKEW else warning)("clock", found, _CLOCK_ADVICE)


def check_heartbeat(check: str, client: HeartbeatClient | None) -> Finding:
    """Check that a heartbeat exists, is enabled and has not expired; close its client.

    Args:
        check: name of the check.
        client: asks the receiver for the heartbeat; None if none is configured.
    """
    if client is None:
        return unknown(
            check, "none: nobody is notified if breakerd stops sending", "set `heartbeat`"
        )
    with closing(client):
        try:
            state = client.find()
        except UnauthorizedError as error:
            advice = "let the integration access configurations, or look there yourself"
            return unknown(check, f"{client.name!r}: not readable: {error}", advice)
        except DeliveryError as error:
            return unknown(check, f"{client.name!r}: no response: {error}")
    period = period_of(state.interval) if state else 0.0
    if problem := problem_of(client.name, state, period):
        return fail(check, problem, "create and enable it at the receiver")
    if state is not None and state.expired:
        found = f"{client.name!r} has expired: it was not pinged in time"
        return warning(check, found, "check that the service runs and can send")
    interval = format_duration(state.interval) if state else ""
    return ok(
        check, f"{client.name!r}, pinged every {format_duration(period)}, expires after {interval}"
    )


def _parse_date(date: str) -> float | None:
    try:
        parsed = parsedate_to_datetime(date)
    except ValueError:
        return None
    # A header without a time zone is in UTC, as all should be.
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
