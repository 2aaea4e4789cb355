"""Whether a heartbeat is there, and set up so that somebody hears if alerts cannot leave."""

from contextlib import closing

from breakerd.alerts.doctor.finding import Finding, bad, good, unknown, warning
from breakerd.alerts.heartbeat.heartbeat import HeartbeatClient, period_of, problem_of
from breakerd.alerts.model.text import duration
from breakerd.alerts.receivers.base import DeliveryError, UnauthorizedError


def check_heartbeat(check: str, client: HeartbeatClient | None) -> Finding:
    """What is found of one; without a client, that none is wanted."""
    if client is None:
        return unknown(
            check, "none: nobody hears if breakerd cannot send any more", "set `heartbeat`"
        )
    with closing(client):
        try:
            state = client.find()
        except UnauthorizedError as error:
            advice = "let the integration access configurations, or look there yourself"
            return unknown(check, f"{client.name!r}: cannot be told: {error}", advice)
        except DeliveryError as error:
            return unknown(check, f"{client.name!r}: no answer: {error}")
    period = period_of(state.interval) if state else 0.0
    if problem := problem_of(client.name, state, period):
        return bad(check, problem, "set it up at the receiver, enabled")
    if state is not None and state.expired:
        found = f"{client.name!r} has expired: it was not pinged in time"
        return warning(check, found, "look whether the service runs, and whether it can send")
    interval = duration(state.interval) if state else ""
    return good(
        check, f"{client.name!r}, pinged every {duration(period)}, expires after {interval}"
    )
