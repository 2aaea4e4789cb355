"""Time of the first notification of trouble that is less severe than an open breaker."""

from __future__ import annotations

import pytest

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.escalation import StageTexts, advance, escalate_opened, first_notice_at
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.incident_parts.member import ELEVATED, LOW, PAGE, Member
from breakerd.alerts.model.incident_parts.rules import Rules
from breakerd.alerts.model.stage import Stage
from breakerd.breaker.testing import simulate_call
from tests.unit.alerts.conftest import UNSET, World

SLO = {"success_rate": 0.99, "timeout": 1.0, "warmup": 0.0}
T = 1_800_000_000.0
PAGES = (Stage(0, "P3"), Stage(60, "P2"), Stage(300, "P1"))
PLANS = {
    PAGE: PAGES,
    ELEVATED: (Stage(0, "P4"), Stage(60, "P3"), Stage(300, "P2")),
    LOW: (Stage(0, "P4"),),
}
TEXTS = StageTexts(lambda: "stage", lambda: "reminder")


@pytest.fixture
def waiting(world: World) -> World:
    """A world whose breaker has a service level, and whose alerts wait as by default."""
    del world.alerts["degraded_after"]
    world.registry.change("default", {"slo": SLO})
    world.start(resolve_after=30.0, time_before_send_alert=UNSET)
    return world


def fail(world: World, calls: int, *, every: int) -> None:
    breaker = world.registry.get()
    for number in range(calls):
        simulate_call(breaker, world.clock, 100, error=number % every == 0)
    breaker.tick()


def shown(world: World) -> dict[str, object]:
    assert world.alerting is not None
    (incident,) = world.alerting.incidents()
    return incident


def test_low_severity_is_told_once_it_has_lasted(waiting: World) -> None:
    fail(waiting, 400, every=25)
    waiting.after()
    before = shown(waiting)
    assert (before["held_by"], before["muted_by"], before["priority"]) == ("", "", "P4")
    assert before["notify_at"] == pytest.approx(before["opened_at"] + 60)  # type: ignore[operator]
    waiting.after(59)
    assert waiting.emulator.alerts() == []
    waiting.after(1)
    assert waiting.stages() == ["created P4"]
    waiting.after(3000)
    assert waiting.stages() == ["created P4"]


def test_a_blip_is_told_to_nobody(waiting: World) -> None:
    fail(waiting, 400, every=25)
    waiting.after()
    fail(waiting, 4000, every=10**6)
    for _ in range(10):
        waiting.after(10)
    assert waiting.emulator.alerts() == []
    assert (shown(waiting)["phase"], shown(waiting)["notified"]) == ("closed", False)


def test_what_comes_and_goes_is_told_once_it_has_lasted(waiting: World) -> None:
    """Else trouble at the edge of its limit would begin anew each time, and never be told."""
    fail(waiting, 400, every=25)
    waiting.after()
    fail(waiting, 400, every=10**6)
    waiting.after(20)
    assert shown(waiting)["phase"] == "resolving"
    fail(waiting, 400, every=25)
    waiting.after(20)
    assert waiting.emulator.alerts() == []
    waiting.after(20)
    assert waiting.stages() == ["created P4"]
    assert shown(waiting)["episodes"] == 2


def test_what_becomes_as_severe_as_an_open_breaker_is_told_at_once(waiting: World) -> None:
    fail(waiting, 400, every=25)
    waiting.after()
    fail(waiting, 4000, every=2)
    waiting.after(30)
    assert waiting.stages() == ["created P3"]
    waiting.after(59)
    assert waiting.stages() == ["created P3"]
    waiting.after(1)
    assert waiting.stages() == ["created P3", "priority P2"]


def test_what_opens_is_told_at_once(waiting: World) -> None:
    fail(waiting, 400, every=25)
    waiting.after()
    waiting.registry.get().force_open("too bad")
    waiting.after(10)
    assert waiting.stages() == ["created P3"]
    assert waiting.notes() == []


def test_stages_that_are_set_for_it_do_not_wait(world: World) -> None:
    del world.alerts["degraded_after"]
    world.alerts["degraded_stages"] = [{"after": 0, "priority": "P4"}]
    world.registry.change("default", {"slo": SLO})
    world.start()
    fail(world, 400, every=25)
    world.after()
    assert world.stages() == ["created P4"]


def test_the_text_is_of_the_moment_at_which_it_is_told(waiting: World) -> None:
    fail(waiting, 400, every=25)
    waiting.after()
    for seconds in (57, 2):
        waiting.after(seconds)  # the text is composed every five seconds
    waiting.after(1)
    assert "Since:" in waiting.emulator.alerts()[0].description
    assert "(1 min ago)" in waiting.emulator.alerts()[0].description


# --- pure


def degraded(severity: str, *, since: float = T, rises_at: float = T) -> Incident:
    member = Member("degraded", since, severity=severity, staged_from=rises_at)
    return Incident(
        id="1", alias="a", breaker="pay", kind="degraded", opened_at=T, notify_at=T,
        stages=PLANS[severity], plans=PLANS, content=AlertContent("", "", "", ""),
        members={"pay": member}, rules=Rules(degraded_after=60),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("severity", "rises_at", "told_at"),
    [
        (LOW, T, T + 60),
        (PAGE, T + 30, T),
        (ELEVATED, T, T + 60),
        (ELEVATED, T + 20, T + 80),
        (ELEVATED, T + 500, T + 120),
    ],
)
def test_severity_decides_when_it_is_told(severity: str, rises_at: float, told_at: float) -> None:
    assert first_notice_at(degraded(severity, rises_at=rises_at)) == told_at


def test_one_priority_lower_is_told_at_its_second_stage() -> None:
    incident = degraded(ELEVATED, rises_at=T + 20)
    for second in range(81):
        advance(incident, T + second, TEXTS)
    assert first_notice_at(incident) == T + 80
    assert incident.priority == "P3"


def test_what_is_held_back_is_not_told_the_sooner() -> None:
    incident = degraded(LOW)
    incident.members["late"] = Member("open", T, held_by="silenced by ada")
    assert first_notice_at(incident) == T + 60
    incident.members["pay"].held_by = "silenced by ada"
    assert first_notice_at(incident) == incident.notify_at


def told_as(priority: str, severity: str, *, acknowledged: bool = False) -> Incident:
    """Return an incident of that priority which people were told of at `T`."""
    incident = degraded(severity)
    incident.stage = [stage.priority for stage in incident.stages].index(priority)
    incident.deliveries["r"] = DeliveryState(
        created=True, created_at=T, priority=priority, polled=True, acknowledged=acknowledged
    )
    incident.members["pay"].change_severity(T + 119, PAGE)
    return incident


@pytest.mark.parametrize(
    ("priority", "severity", "wanted"),
    [
        ("P4", LOW, "P2"),
        ("P4", ELEVATED, "P2"),
        ("P3", ELEVATED, "P2"),
        ("P3", PAGE, "P2"),
        ("P2", PAGE, "P1"),
    ],
)
def test_opening_after_trouble_that_was_told_is_one_step_above_it(
    priority: str, severity: str, wanted: str
) -> None:
    incident = told_as(priority, severity)
    assert escalate_opened(incident, T + 120, lambda: "opened")
    assert (incident.priority, incident.stage_note) == (wanted, "opened")
    advance(incident, T + 121, TEXTS)
    assert incident.priority == wanted


def test_right_after_the_alert_opening_may_be_a_blip() -> None:
    incident = told_as("P4", LOW)
    assert escalate_opened(incident, T + 59, lambda: "opened")
    assert incident.priority == "P3"


def test_what_somebody_has_in_hand_is_raised_to_the_first_stage_at_most() -> None:
    incident = told_as("P4", LOW, acknowledged=True)
    assert escalate_opened(incident, T + 120, lambda: "opened")
    assert incident.priority == "P3"
    assert not escalate_opened(incident, T + 121, lambda: "opened")


def test_no_priority_is_skipped() -> None:
    """A file with two stages, P3 and P1, wants P3 first."""
    incident = told_as("P4", LOW)
    incident.plans = {**PLANS, PAGE: (Stage(0, "P3"), Stage(60, "P1"))}
    assert escalate_opened(incident, T + 120, lambda: "opened")
    assert incident.priority == "P3"


def test_at_the_highest_priority_it_is_not_raised() -> None:
    assert not escalate_opened(told_as("P1", PAGE), T + 400, lambda: "opened")
