"""State of delivery to one receiver as JSON-able data."""

from typing import Any

from breakerd.alerts.model.delivery import DeliveryState


def delivery_status(delivery: DeliveryState) -> dict[str, Any]:
    """Return what a receiver was told, and what keeps it from being told more.

    Times are in seconds since the epoch; None if there is none. `told` is True if the receiver has
    confirmed the alert, `priority` is the one that it has confirmed last, and `stages` has each
    priority with the time at which it was confirmed. `closed` is also True if a person closed it.
    `problem` is the error of the last attempt if
    that is still to succeed, `last_problem` that of the last attempt that failed.
    """
    failing = bool(delivery.attempts or delivery.update_failures or delivery.dead_letter_reason)
    return {
        "told": delivery.created,
        "priority": delivery.priority or None,
        "at": delivery.created_at or None,
        "stages": [{"at": at, "priority": priority} for at, priority in delivery.told],
        "closed": delivery.closed or bool(delivery.closed_manually_at),
        "closed_at": delivery.closed_at or None,
        "acknowledged": delivery.acknowledged,
        "closed_manually_at": delivery.closed_manually_at or None,
        "attempts": delivery.attempts,
        "next_attempt_at": _next_attempt(delivery),
        "problem": (delivery.dead_letter_reason or delivery.last_problem) if failing else "",
        "last_problem": delivery.last_problem,
        "last_problem_at": delivery.last_problem_at or None,
        "dead_letter_reason": delivery.dead_letter_reason or None,
        "discarded": delivery.discarded,
        "superseded": delivery.superseded,
        "fallback": delivery.fallback,
    }


def _next_attempt(delivery: DeliveryState) -> float | None:
    waiting = [
        at
        for failed, at in (
            (delivery.attempts, delivery.retry_at),
            (delivery.update_failures, delivery.update_retry_at),
        )
        if failed
    ]
    return min(waiting, default=None)
