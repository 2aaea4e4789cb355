"""End of API tokens, which Atlassian sets to 1 to 365 days after their creation.

A token cannot ask for its own end, only an administrator of the organization can, so the settings
name it.

Sources:
https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/
https://developer.atlassian.com/cloud/admin/api-access/rest/api-group-api-token/
"""

from datetime import UTC, date, datetime
from typing import Final

from breakerd.alerts.settings.alerting import AlertingSettings

TOKENS_PAGE: Final = "https://id.atlassian.com/manage-profile/security/api-tokens"
"""Page where a user creates tokens and sees when they end."""
MAX_LIFE: Final = 365
"""Maximum number of days from a token's creation to its end."""

_URGENT: Final = 14
"""Days before the end from which the status names it."""


def days_left(end: date, now: float) -> int:
    """Return the days until a token ends, in UTC; 0 on its last day, negative afterwards."""
    return (end - datetime.fromtimestamp(now, UTC).date()).days


def in_days(left: int) -> str:
    """Return a number of days from now in words."""
    return {0: "today", 1: "tomorrow"}.get(left, f"in {left} days")


def expiring_tokens(settings: AlertingSettings, now: float) -> list[str]:
    """Return the API tokens that end within 14 days, as sentences.

    One that has ended is not among them: its receiver reports that it refuses the key.
    """
    return [
        f"the API token of jsm_ops.{name} ends {in_days(left)}, on {receiver.token_expires}: "
        f"create a new one at {TOKENS_PAGE}"
        for name, receiver in settings.alerts.receivers.jsm_ops.items()
        if receiver.enabled and receiver.token_expires
        if 0 <= (left := days_left(receiver.token_expires, now)) < _URGENT
    ]
