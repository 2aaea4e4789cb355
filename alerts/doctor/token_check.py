"""Check of the day on which an API token ends."""

from datetime import date
from typing import Final

from breakerd.alerts.doctor.finding import Finding, ok, unknown, warning
from breakerd.alerts.settings.token_end import MAX_LIFE, TOKENS_PAGE, days_left, in_days

_WARN_BEFORE: Final = 30
"""Days before the end from which the check warns."""
_SEE_PAGE: Final = f"set it to the day that {TOKENS_PAGE} shows"


def check_token_end(check: str, end: date | None, now: float) -> Finding:
    """Check that a token that is accepted now does not end soon.

    Args:
        check: name of the check.
        end: day on which the token ends, in UTC; None if it is not set.
        now: this machine's time, in seconds since the epoch.
    """
    if end is None:
        found = f"its end is not known: Atlassian ends API tokens after at most {MAX_LIFE} days"
        return unknown(check, found, f"set `token_expires` to the day that {TOKENS_PAGE} shows")
    left = days_left(end, now)
    if left > MAX_LIFE:
        found = f"`token_expires` is {end}, in {left} days: no token lives longer than {MAX_LIFE}"
        return warning(check, found, _SEE_PAGE)
    if left < 0:
        found = f"`token_expires` was {end}, and the token is still accepted"
        return warning(check, found, _SEE_PAGE)
    if left < _WARN_BEFORE:
        found = f"ends {in_days(left)}, on {end}: then this receiver pages nobody"
        advice = f"create a new one at {TOKENS_PAGE}, replace it, and change `token_expires`"
        return warning(check, found, advice)
    return ok(check, f"ends {in_days(left)}, on {end}")
