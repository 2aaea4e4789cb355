"""Which effects notify a person: the rules of each product.

- OpsGenie notifies of a new alert, of a closed one, of a note, and of a new priority. It does not
  for a changed message, description, tag or detail, nor for a create request for an open alias,
  which only raises its count.
  Source: https://support.atlassian.com/opsgenie/docs/what-are-notification-rules-and-how-to-use-them/
- Slack notifies of each new message in the channel: an incoming webhook can do nothing else. A
  reply in a thread notifies those who follow it; an edited message notifies nobody.
  Source: https://docs.slack.dev/reference/methods/chat.update
- PagerDuty notifies when an event opens an alert, when its urgency changes, and when it is
  resolved. A further trigger with the key of an open alert only adds to its log. The urgency
  follows the severity: critical and error are high, warning and info are low.
  Source: https://support.pagerduty.com/main/docs/dynamic-notifications
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.golden.delivered import Delivered

OPSGENIE_NOTIFIES: Final = frozenset({"create", "priority", "note", "close"})
URGENCIES: Final = {"critical": "high", "error": "high", "warning": "low", "info": "low"}
LIMITS: Final = {"opsgenie": 5, "slack": 4, "slack-api": 4, "pagerduty": 3}
"""Maximum number of notifications of one incident, by receiver."""
FLAPPING_LIMITS: Final = {"opsgenie": 6, "slack": 5, "slack-api": 5, "pagerduty": 3}
"""The same where the breaker opens and closes five times."""


def notifications(delivered: Iterable[Delivered]) -> dict[str, dict[str, int]]:
    """Return the number of notifications by receiver and subject."""
    counts: dict[str, dict[str, int]] = {receiver: {} for receiver in LIMITS}
    for each in delivered:
        if each.receiver in counts:
            subjects = counts[each.receiver]
            subjects[each.subject] = subjects.get(each.subject, 0) + each.notifies
    return counts
