"""Result of one check of `breakerd doctor`. Pure data."""

from dataclasses import dataclass
from enum import StrEnum


class CheckStatus(StrEnum):
    """Status of one check."""

    OK = "ok"
    WARNING = "warning"
    """It works now, and may stop working."""
    FAIL = "fail"
    """Alerts do not reach people as they should."""
    UNKNOWN = "unknown"
    """It cannot be determined, or is not configured."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check.

    Attributes:
        check: name of the check, one to three words.
        status: status of the check.
        found: what was found, as a sentence.
        advice: what to do about it; empty if nothing.
    """

    check: str
    status: CheckStatus
    found: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the finding as JSON-able data."""
        return {
            "check": self.check,
            "status": self.status.value,
            "found": self.found,
            "advice": self.advice,
        }


def ok(check: str, found: str, advice: str = "") -> Finding:
    """Return a finding with status `OK`."""
    return Finding(check, CheckStatus.OK, found, advice)


def warning(check: str, found: str, advice: str) -> Finding:
    """Return a finding with status `WARNING`."""
    return Finding(check, CheckStatus.WARNING, found, advice)


def fail(check: str, found: str, advice: str) -> Finding:
    """Return a finding with status `FAIL`."""
    return Finding(check, CheckStatus.FAIL, found, advice)


def unknown(check: str, found: str, advice: str = "") -> Finding:
    """Return a finding with status `UNKNOWN`."""
    return Finding(check, CheckStatus.UNKNOWN, found, advice)
