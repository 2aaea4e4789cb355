"""Status of alerting as JSON-able data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.status import full_status, incident_status
from tests.unit.alerts.conftest import KEY, World

STAGED = {"time_before_send_alert": 60}


def test_status_never_shows_the_key(world: World) -> None:
    alerting = world.start()
    status = alerting.opsgenie_status()
    assert status["api_key"] == "********"
    assert status["paging"]
    assert KEY not in str(status) + repr(alerting.settings) + str(alerting.health())


def test_a_token_that_ends_soon_is_named_and_no_failure_yet(world: World) -> None:
    day = datetime.fromtimestamp(world.wall(), UTC).date() + timedelta(days=9)
    ops = {"cloud_id": "c", "user": "u", "key": "k", "token_expires": day}
    world.alerts["receivers"] = {"jsm_ops": {"ops": ops}}
    health = world.start().health()
    (problem,) = health["problems"]
    assert problem.startswith(f"the API token of jsm_ops.ops ends in 9 days, on {day}")
    assert health["ok"]


def test_staged_alerts_tell_when_the_next_stage_is_due(world: World) -> None:
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    world.after(20)
    report = alerting.staged_alerts("default")
    assert (report["enabled"], report["time_before_alert"]) == (True, 60)
    (pending,) = report["pending_alerts"].values()
    assert pending["escalates_in_seconds"] == 40
    assert alerting.staged_alerts("other")["pending_alerts_count"] == 0


def test_the_history_can_be_asked_by_phase(world: World) -> None:
    alerting = world.start(resolve_after=0.0)
    world.slow("a").reset()
    world.slow("a")
    world.after()
    world.registry.get("a").reset()
    world.after()
    world.after()
    world.slow("b")
    world.after()
    assert [i["breaker"] for i in alerting.incidents()] == ["b", "a"]
    assert [i["breaker"] for i in alerting.incidents(state="active")] == ["b"]
    assert [i["breaker"] for i in alerting.incidents(state="closed")] == ["a"]
    assert [i["breaker"] for i in alerting.incidents(limit=1)] == ["b"]


def test_told_is_said_of_each_receiver() -> None:
    """The first receiver alone is not all: others have it."""
    incident = Incident(
        "i1", "a", "payments", "open", 1.0, 1.0, (Stage(0, "P2"),), AlertContent("m", "", "", ""),
        deliveries={
            "opsgenie": DeliveryState(attempts=3),
            "slack": DeliveryState(created=True, created_at=2.0, priority="P2", closed=True),
            "pagerduty": DeliveryState(created=True, created_at=3.0, priority="P2"),
        },
    )  # fmt: skip
    status = incident_status(incident, 4.0)
    told = {name: (d["told"], d["at"], d["closed"]) for name, d in status["deliveries"].items()}
    assert told == {
        "opsgenie": (False, None, False), "slack": (True, 2.0, True),
        "pagerduty": (True, 3.0, False),
    }  # fmt: skip
    assert (status["notified"], status["closed_at_receiver"], status["attempts"]) == (
        True, False, 3,
    )  # fmt: skip
    full = full_status(incident, 4.0)["deliveries"]
    assert (full["slack"]["told"], full["slack"]["created"]) == (True, True)
    assert not {"content", "sent", "tags"} & full["slack"].keys()
