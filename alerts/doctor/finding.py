"""One thing that `breakerd doctor` has looked at, and what it found. Pure data."""

from dataclasses import dataclass
from enum import StrEnum


class CheckStatus(StrEnum):
    """How it is."""

    GOOD = "good"
    WARNING = "warning"
    """It works, and may not for long."""
    BAD = "bad"
    """Alerts do not reach people as they should."""
    UNKNOWN = "unknown"
    """It cannot be told, or was not asked for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found.

    Attributes:
        check: what was looked at, in a word or two.
        verdict: how it is.
        found: what was found, in a sentence.
        advice: what to do about it; empty if nothing.
    """

    check: str
    verdict: CheckStatus
    found: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as JSON-able data."""
        return {
            "check": self.check,
            "verdict": self.verdict.value,
            "found": self.found,
            "advice": self.advice,
        }


def good(check: str, found: str, advice: str = "") -> Finding:
    """All is well."""
    return Finding(check, CheckStatus.GOOD, found, advice)


def warning(check: str, found: str, advice: str) -> Finding:
    """It works, and may not for long."""
    return Finding(check, CheckStatus.WARNING, found, advice)


def bad(check: str, found: str, advice: str) -> Finding:
    """Something is to be put right."""
    return Finding(check, CheckStatus.BAD, found, advice)


def unknown(check: str, found: str, advice: str = "") -> Finding:
    """It cannot be told, or was not asked for."""
    return Finding(check, CheckStatus.UNKNOWN, found, advice)
