"""Rules by which people are notified of an incident."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of notification, copied from the settings when an incident opens.

    Attributes:
        auto_close: True if breakerd closes the alert when the incident is over.
        notify_missed: True if an incident that closes before anybody could be notified is
            delivered all the same.
        reopen_after: seconds after which an alert that people closed is created again while its
            cause persists; None: never.
        remind_after: seconds until the first reminder; 0: no reminders.
        degraded_after: seconds for which a degraded breaker that is less severe than an open one
            must stay so before people are notified.
    """

    auto_close: bool = True
    notify_missed: bool = True
    reopen_after: float | None = None
    remind_after: float = 0.0
    degraded_after: float = 0.0
