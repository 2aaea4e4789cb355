"""A drill of a page goes through the whole alerting and touches no call."""

from __future__ import annotations

from typing import Any

import pytest

from breakerd import Alerting, AlertingSettings, NotStoredError, State
from breakerd.alerts.incidents.page_drill import PageDrill
from breakerd.alerts.model.incident import Incident
from tests.unit.alerts.conftest import World


def test_people_are_paged_and_it_ends_by_itself(world: World) -> None:
    alerting = world.start(time_before_send_alert=5)
    drill_id = alerting.drill_page("payments", "P2", 60.0, by="ada")
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.message == (
        "[DRILL] payments: page drill by ada; nothing is wrong, no call is rejected"
    )
    assert (alert.priority, alert.entity) == ("P2", "payments")
    assert {"Drill:true", "Breaker:payments"} <= set(alert.tags)
    assert alert.alias == f"breakerd:box:payments:{drill_id}"
    assert world.registry.get("payments").state is State.CLOSED
    world.after(59)
    (incident,) = alerting.incidents()
    assert (incident["id"], incident["drill"], incident["phase"]) == (drill_id, True, "active")
    world.after(1)
    world.after()
    (incident,) = alerting.incidents()
    assert incident["phase"] == "closed"
    assert world.history() == ["created P2", "closed"]
    assert world.notes() == [
        "The drill is over after 1 min. Nothing was wrong, and no call was rejected."
    ]


def statuses(world: World) -> dict[bool, str]:
    """Status of the alerts at the emulator: that of the drill at True."""
    return {alert.message.startswith("[DRILL]"): alert.status for alert in world.emulator.alerts()}


def test_a_real_incident_beside_it_is_told_by_itself(world: World) -> None:
    world.alerts["group_window"] = 30.0
    alerting = world.start()
    alerting.drill_page("payments")
    world.after()
    world.slow("payments")
    world.after()
    assert statuses(world) == {True: "open", False: "open"}
    world.after(60)
    world.after()
    assert statuses(world) == {True: "closed", False: "open"}
    world.registry.get("payments").reset()
    world.after()
    world.after(60)
    world.after()
    assert statuses(world) == {True: "closed", False: "closed"}


def test_it_supersedes_no_real_incident_that_is_undelivered(world: World) -> None:
    alerting = world.start(resolve_after=0.0)
    world.emulator.fail("error", status=503)
    world.slow("payments")
    world.after()
    world.registry.get("payments").reset()
    world.after(1)
    world.after(1)
    alerting.drill_page("payments", seconds=600.0)
    world.after(1)
    world.emulator.heal()
    world.after(60)
    assert statuses(world) == {True: "open", False: "closed"}


def test_it_mutes_nobody(world: World) -> None:
    rule = {"source": ["breaker=database"], "target": ["breaker=payments"]}
    world.alerts["inhibition"] = {"database": rule}
    alerting = world.start()
    alerting.drill_page("database")
    world.after()
    world.slow("payments")
    world.after()
    assert sorted(alert.entity for alert in world.emulator.alerts()) == ["database", "payments"]


def test_it_survives_a_restart(world: World) -> None:
    world.start().drill_page("payments", "P1", 60.0)
    world.after()
    world.restart()
    world.after(30)
    assert world.history() == ["created P1"]
    world.after(31)
    world.after()
    assert world.history() == ["created P1", "closed"]


def test_it_is_executed_by_the_leader(world: World) -> None:
    leader = world.start()
    world.after()
    follower = Alerting(world.make_registry(), leader.settings, now=world.wall)
    with follower:
        drill_id = follower.drill_page("payments")
        follower.run_once()
        assert world.emulator.alerts() == []
        world.after()
        assert [alert.entity for alert in world.emulator.alerts()] == ["payments"]
        found = follower.incident(drill_id)
        assert found is not None
        assert found["deliveries"]["opsgenie"]["told"]


@pytest.mark.parametrize("wrong", [{"priority": "P0"}, {"seconds": 9.9}, {"seconds": 3601.0}])
def test_what_is_wrong_pages_nobody(world: World, wrong: dict[str, Any]) -> None:
    alerting = world.start()
    with pytest.raises(ValueError, match="10 s to 1 h"):
        alerting.drill_page("payments", **wrong)
    world.after()
    assert world.emulator.alerts() == []


def test_what_cannot_be_stored_pages_nobody(world: World) -> None:
    alerting = world.start()
    connection = alerting._runtime.store._database._connection
    assert connection is not None
    connection.execute("PRAGMA query_only=1")
    with pytest.raises(NotStoredError):
        alerting.drill_page("payments")
    connection.execute("PRAGMA query_only=0")
    world.after()
    assert world.emulator.alerts() == []


def test_incidents_of_an_older_database_are_no_drills_of_a_page(world: World) -> None:
    world.start()
    world.slow()
    world.after()
    assert world.alerting is not None
    (incident,) = world.alerting._runtime.incident_log
    data = incident.as_dict()
    del data["drill_ends_at"]
    assert Incident.from_dict(data).drill_ends_at == 0.0


def test_it_links_to_its_page() -> None:
    settings = AlertingSettings(public_url="https://ops.example/breakerd")
    incident = PageDrill("payments").open(1.0, settings)
    page = f"https://ops.example/breakerd/#alert={incident.id}"
    assert incident.content.details["Incident"] == page
    assert incident.content.description.endswith(f"Incident: {page}")
    assert "#alert" not in PageDrill("x").open(1.0, AlertingSettings()).content.description
