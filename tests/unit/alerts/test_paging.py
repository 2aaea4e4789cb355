"""Reports of whether anybody is paged, and why not: the one source of all who show a status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from breakerd import Alerting
from breakerd.alerts.lifecycle import HOW_TO_RESTART, HOW_TO_START
from tests.unit.alerts.conftest import World


def test_all_is_well(world: World) -> None:
    alerting = world.start()
    assert alerting.status.paging_report("payments") == {"paging": True, "paging_problems": []}
    assert alerting.status.paging_report() == {"paging": True, "paging_problems": []}
    assert alerting.status.muted(["payments", "orders"]) == {"payments": "", "orders": ""}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"enabled": False}, "nobody is being paged: [opsgenie] enabled is false"),
        ({"api_key": None}, "nobody is being paged: OPSGENIE_API_KEY is not set"),
        (
            {"use_environments": True, "environment_settings": {"prod": {"enabled": False}}},
            "nobody is being paged: [opsgenie] enabled is false",
        ),
        (
            {"trigger_on_breaker_open": False},
            "nobody is being paged about payments: trigger_on_breaker_open is false",
        ),
        (
            {"min_priority": "P2"},
            "nobody is being paged about payments: no receiver takes alerts of P3",
        ),
    ],
)
def test_settings_that_page_nobody(world: World, settings: dict[str, Any], why: str) -> None:
    report = world.start(**settings).status.paging_report("payments")
    assert not report["paging"]
    assert report["paging_problems"][0].startswith(why)


def test_a_later_stage_may_be_what_a_receiver_takes(world: World) -> None:
    alerting = world.start(min_priority="P2", time_before_send_alert=60)
    assert alerting.status.paging_report("payments")["paging"]


def test_alerting_that_does_not_run(world: World) -> None:
    alerting = world.start()
    alerting.close()
    for report in (alerting.status.paging_report("payments"), alerting.health()):
        assert not report["paging"]
    assert not alerting.paging
    assert not alerting.health()["ok"]
    assert alerting.problems()[0] == f"nobody is being paged: alerting was closed; {HOW_TO_RESTART}"
    world.alerting = None


def test_alerting_that_was_not_started(world: World) -> None:
    settings = world.start().settings
    idle = Alerting(world.registry, settings, now=world.wall)
    why = f"nobody is being paged: alerting was never started; {HOW_TO_START}"
    assert idle.problems()[0] == why
    assert idle.not_running() == {"alerting": why}
    idle.close()


def test_a_thread_that_has_ended(world: World) -> None:
    alerting = Alerting(world.registry, world.start().settings)
    with alerting:
        assert alerting.paging
        alerting._runtime.worker.stop(10)
        assert not alerting.paging
        (why,) = alerting.not_running().values()
        assert why.startswith("nobody is being paged: the thread of alerting has ended")


def silence(alerting: Alerting, **more: Any) -> None:
    alerting.add_silence(author="ana", reason="a move", seconds=600, **more)


@pytest.mark.parametrize(
    ("more", "silenced"),
    [
        ({"breaker": "pay*"}, True),
        ({"matchers": ["Team=payments", "Environment=prod"]}, True),
        ({"matchers": ["Breaker=payments"]}, True),
        ({"kind": "open"}, True),
        ({"matchers": ["priority=P3"]}, True),
        ({"breaker": "orders"}, False),
        ({"matchers": ["Team=core"]}, False),
        ({"kind": "memory"}, False),
    ],
)
def test_a_silence_before_anything_happens(
    world: World, more: dict[str, Any], *, silenced: bool
) -> None:
    alerting = world.start()
    silence(alerting, **more)
    report = alerting.status.paging_report("payments")
    assert report["paging"] is not silenced
    said = [text.rpartition(" until ")[0] for text in report["paging_problems"]]
    assert said == ["nobody is being paged about payments: silenced by ana"] * silenced
    assert alerting.status.paging_report()["paging"], "others are"


def test_a_silence_that_has_not_started(world: World) -> None:
    alerting = world.start()
    silence(alerting, starts_at=world.wall() + 10)
    assert alerting.status.paging_report("payments")["paging"]
    world.wall.advance(11)
    assert not alerting.status.paging_report("payments")["paging"]


def test_an_incident_that_is_silenced(world: World) -> None:
    alerting = world.start(tags=("Squad:blue",))
    world.slow("payments")
    world.after()
    assert alerting.status.paging_report("payments")["paging"]
    silence(alerting, matchers=["Squad=blue", "reason=latency"])
    assert not alerting.status.paging_report("payments")["paging"]


def test_an_incident_that_is_inhibited(world: World) -> None:
    world.alerts["inhibition"] = {"all": {"source": ["kind=*"], "target": ["kind=*"]}}
    alerting = world.start()
    for name in ("a", "b"):
        world.slow(name)
    world.after()
    (told,) = {alert.entity for alert in world.emulator.alerts()}
    (other,) = {"a", "b"} - {told}
    assert alerting.status.paging_report(told)["paging"]
    report = alerting.status.paging_report(other)
    assert not report["paging"]
    (problem,) = report["paging_problems"]
    assert problem.startswith(f"nobody is being paged about {other}: explained by {told} open")


def test_a_maintenance_window(world: World) -> None:
    now = datetime.fromtimestamp(world.wall(), UTC)
    world.alerts["maintenance"] = {
        "night": {
            "matchers": ["breaker=pay*"],
            "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            "begins": f"{now:%H:%M}",
            "ends": f"{now.replace(hour=(now.hour + 1) % 24):%H:%M}",
            "timezone": "UTC",
            "reason": "backup",
        }
    }
    muted = world.start().status.muted(["payments", "orders"])
    assert muted["payments"].startswith("maintenance night until ")
    assert muted["orders"] == ""


@pytest.mark.parametrize("broken", ["locked", "damaged"])
def test_a_database_that_fails_is_told_and_people_are_paged(world: World, broken: str) -> None:
    if broken == "damaged":
        world.database.write_bytes(b"no database" * 1000)
    alerting = world.start()
    if broken == "locked":
        connection = alerting._runtime.store._database._connection
        assert connection is not None
        connection.execute("PRAGMA query_only=1")
        world.slow()
        world.after()
    report = alerting.status.paging_report("payments")
    assert report["paging"]
    assert str(world.database) in report["paging_problems"][0]


def test_a_process_without_the_lease_relies_on_the_holder(world: World) -> None:
    first = world.start()
    world.after()
    second = Alerting(world.make_registry(), first.settings, now=world.wall)
    second.start()
    second.run_once()
    assert not second._runtime.worker._components.lease.held
    assert second.status.paging_report("payments") == {"paging": True, "paging_problems": []}
    second.close()
