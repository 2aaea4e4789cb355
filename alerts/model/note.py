"""Entries of the record of an incident: notes, and what held it back."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """Note on an alert. `at` is in seconds since the epoch."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Time in which an incident was held back. Times are in seconds since the epoch.

    Attributes:
        by: silence, maintenance window, incident or cooldown that held it, as a sentence.
        since: when that began.
        until: when it ended; 0 while it lasts.
    """

    by: str
    since: float
    until: float = 0.0
