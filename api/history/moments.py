"""Moments in a query: ISO 8601, seconds since the epoch, or relative to now."""

import re
from datetime import UTC, datetime
from typing import Final

ALLOWED: Final = (
    "a time such as 2026-05-01T12:00:00Z, 1777636800 (seconds since 1970), -15m (before now, with "
    "s, m, h or d) or now"
)
ALLOWED_STEP: Final = "a number of seconds, or one with s, m, h or d, such as 10s or 5m"
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_LATEST: Final = 1e11
"""Seconds since the epoch that no clock of a host shows: milliseconds, by mistake."""


def parse_moment(text: str, now: float) -> float:
    """Return a moment in seconds since the epoch.

    Args:
        text: `now`, a time relative to it as `-15m`, seconds since the epoch, or ISO 8601; without
            a time zone it is UTC.
        now: seconds since the epoch.

    Raises:
        ValueError: it is none of these.
    """
    text = text.strip()
    if text == "now":
        return now
    if match := re.fullmatch(r"-(\d{1,9}(?:\.\d{1,9})?)([smhd])", text):
        return now - float(match[1]) * _SECONDS[match[2]]
    if re.fullmatch(r"\d{1,12}(?:\.\d{1,9})?", text):
        if (seconds := float(text)) < _LATEST:
            return seconds
        raise ValueError(text)
    # A plus sign that was not escaped in the URL is a space here.
    moment = datetime.fromisoformat(re.sub(r" (\d\d:\d\d)$", r"+\1", text))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def parse_step(text: str) -> float:
    """Return the width of slots in seconds.

    Raises:
        ValueError: it is no duration.
    """
    match = re.fullmatch(r"(\d{1,9})([smhd]?)", text.strip())
    if match is None or not int(match[1]):
        raise ValueError(text)
    return int(match[1]) * _SECONDS[match[2] or "s"]


def show_step(step: float) -> str:
    """Return a width as `parse_step` takes it: 10s, 5m, 2h."""
    for unit in ("d", "h", "m"):
        if step % _SECONDS[unit] == 0:
            return f"{step / _SECONDS[unit]:.0f}{unit}"
    return f"{step:.0f}s"
