"""New texts of existing alerts, at a real emulator: they page nobody, and hold up nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from breakerd.alerts.content.summary import Summary
from breakerd.alerts.incidents import reconciler
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.receivers import InvalidRequestError
from breakerd.alerts.receivers.opsgenie import OpsGenieReceiver
from tests.unit.alerts.conftest import World

STAGED = {"time_before_send_alert": 60}


@pytest.fixture(autouse=True)
def texts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Texts that tell the priority; a test may set others."""
    wanted: dict[str, Any] = {}

    def compose(summary: Summary, *_: object) -> AlertContent:
        incident = summary.incident
        now = f"{incident.breaker} now {incident.priority}"
        return AlertContent(
            **{
                "message": now,
                "description": f"Evidence, {now}",
                "entity": "",
                "source": "breakerd",
                "tags": [f"Stage:{incident.stage}", "Team:ops"],
                "details": {"Stage": str(incident.stage)},
                **wanted,
            }
        )

    monkeypatch.setattr(reconciler, "compose", compose)
    return wanted


def outcomes(world: World) -> dict[str, int]:
    assert world.alerting is not None
    return {outcome: n for (_, outcome), n in world.alerting.stats().counts.items()}


def pending(world: World) -> int:
    assert world.alerting is not None
    return world.alerting.stats().pending


def test_a_stage_brings_the_new_text_before_the_new_priority(world: World) -> None:
    world.start(**STAGED)
    world.slow()
    world.after()
    world.after(61)
    assert world.whole_history() == [
        "created P3",
        "message default now P1",
        "description",
        "tags removed Stage:0",
        "tags added Stage:1, Team:ops",
        "details added Stage",
        "priority P1",
    ]
    (alert,) = world.emulator.alerts()
    assert (alert.message, alert.description) == ("default now P1", "Evidence, default now P1")
    assert (alert.tags, alert.details) == (["Team:ops", "Stage:1"], {"Stage": "1"})
    assert outcomes(world) == {"delivered": 2, "updated": 1}
    assert pending(world) == 0


def test_only_what_has_changed_is_sent(world: World, texts: dict[str, Any]) -> None:
    texts.update(message="always", tags=["a"], details={"b": "c"})
    world.start(**STAGED)
    world.slow()
    world.after()
    world.after(61)
    assert world.whole_history() == ["created P3", "description", "priority P1"]


def test_a_text_that_is_the_same_costs_no_request(world: World, texts: dict[str, Any]) -> None:
    texts.update(message="always", description="always", tags=["a"], details={"b": "c"})
    world.start(**STAGED)
    world.slow()
    world.after()
    world.after(61)
    assert len([r for r in world.emulator.requests if r.method != "GET"]) == 2
    assert world.whole_history() == ["created P3", "priority P1"]
    assert pending(world) == 0


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("error", {}),
        ("html", {"status": 404}),
        ("html", {"status": 200}),
        ("empty", {}),
        ("drop", {}),
        ("unapplied", {}),
        ("delayed", {"delay": 1e6}),
        ("unauthorized", {}),
        ("rate_limit", {"delay": 2}),
    ],
)
@pytest.mark.parametrize("path", ["/message", "/description", "/tags", "/details"])
def test_an_update_that_fails_holds_up_neither_priority_nor_note_nor_closing(
    world: World, kind: str, options: dict[str, Any], path: str
) -> None:
    world.alerts["remind_after"] = 70.0
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    world.emulator.fail(kind, path=path, **options)
    world.after(60)
    for _ in range(4):
        world.after(1)
    assert world.emulator.alerts()[0].priority == "P1"
    world.after(6)
    for _ in range(4):
        world.after(1)
    assert "note" in world.history()
    world.registry.get().reset()
    world.after(1)
    world.after(61)
    world.after(2)
    assert world.history()[-1] == "closed"
    assert pending(world) == 0
    assert alerting.problems() == []
    assert world.history().count("priority P1") == 1


@pytest.mark.parametrize("path", ["/message", "/description", "/tags", "/details"])
def test_an_update_that_is_refused_leaves_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    alerting = world.start(**STAGED)
    _refuse(monkeypatch, path)
    world.slow()
    world.after()
    world.after(61)
    world.after(2)
    (alert,) = world.emulator.alerts()
    assert alert.priority == "P1"
    assert world.alerting is not None
    assert alerting.problems() == []
    assert pending(world) == 0
    if path in {"/tags", "/details"}:
        assert alert.description == "Evidence, default now P1"
        assert outcomes(world)["updated"] == 1
    else:
        assert outcomes(world)["skipped"] == 1


def _refuse(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    ask: Callable[..., dict[str, object]] = OpsGenieReceiver._request

    def refuse(receiver: OpsGenieReceiver, method: str, asked: str, **options: Any) -> object:
        if asked.endswith(path):
            raise InvalidRequestError("422: not this one")
        return ask(receiver, method, asked, **options)

    monkeypatch.setattr(OpsGenieReceiver, "_request", refuse)


def test_an_update_that_takes_a_whole_time_out_delays_no_other_alert(world: World) -> None:
    world.alerts["request_timeout"] = 1.0
    world.start(**STAGED)
    for name in ("a", "b", "c"):
        world.slow(name)
    world.after()
    world.emulator.fail("slow", path="/message", delay=5)
    world.after(61)
    world.after(1)
    world.after(1)
    assert [alert.priority for alert in world.emulator.alerts()] == ["P1"] * 3
    asked = [r for r in world.emulator.requests if r.path.endswith("/message")]
    assert len(asked) == 1, "the others wait until the receiver is well again"
    world.emulator.heal()
    for _ in range(4):
        world.after(60)
    assert {alert.message[1:] for alert in world.emulator.alerts()} == {" now P1"}


def test_what_failed_is_sent_once_the_receiver_takes_it(world: World) -> None:
    world.start(**STAGED)
    world.slow()
    world.after()
    world.emulator.fail("error", path="/message")
    world.after(61)
    world.after(1)
    assert world.emulator.alerts()[0].message == "default now P3"
    world.emulator.heal()
    for _ in range(3):
        world.after(30)
    assert world.emulator.alerts()[0].message == "default now P1"
    assert world.emulator.alerts()[0].priority == "P1"


def test_an_update_whose_answer_was_lost_is_looked_for(world: World, texts: dict[str, Any]) -> None:
    alerting = world.start()
    world.slow()
    world.after()
    (incident,) = alerting._runtime.incident_log
    texts["description"], incident.revision = "another", incident.revision + 1
    world.emulator.fail("drop", path="/description", times=1)
    world.after(1)
    world.after(2)
    written = [r for r in world.emulator.requests if r.path.endswith("/description")]
    assert len(written) == 1
    assert outcomes(world) == {"delivered": 1, "retried": 1, "updated": 1}
    assert pending(world) == 0


def test_answers_that_are_lost_at_a_stage_change_nothing_twice(
    world: World, texts: dict[str, Any]
) -> None:
    texts.update(message="always", tags=["a"], details={"b": "c"})
    world.start(**STAGED)
    world.slow()
    world.after()
    world.emulator.fail("drop", path="/priority", times=1)
    world.emulator.fail("drop", path="/description", times=1)
    world.after(61)
    for _ in range(4):
        world.after(2)
    assert world.history().count("priority P1") == 1
    (alert,) = world.emulator.alerts()
    assert (alert.priority, alert.description) == ("P1", "Evidence, default now P1")
    assert pending(world) == 0


def test_a_restart_amid_an_update_ends_with_the_present_text(world: World) -> None:
    world.start(**STAGED)
    world.slow()
    world.after()
    world.emulator.fail("delayed", path="/description", delay=1e6)
    world.after(61)
    world.emulator.heal()
    world.restart(**STAGED)
    world.slow()
    world.after(1)
    for _ in range(4):
        world.after(61)
    (alert,) = world.emulator.alerts()
    assert (alert.priority, alert.message) == ("P1", "default now P1")
    assert world.history().count("priority P1") == 1
    assert pending(world) == 0


def test_an_alert_that_is_gone_is_made_anew_with_the_new_text(world: World) -> None:
    world.start(**STAGED)
    world.slow()
    world.after()
    world.emulator._alerts.alerts.clear()
    world.emulator._alerts._open.clear()
    world.after(61)
    world.after()
    (alert,) = world.emulator.alerts()
    assert (alert.priority, alert.message) == ("P1", "default now P1")


def test_what_was_refused_in_full_gets_no_update(world: World, texts: dict[str, Any]) -> None:
    texts["tags"] = ["x" * 51]
    world.start(**STAGED)
    world.slow()
    world.after()
    world.after(1)
    world.after(61)
    assert world.whole_history() == ["created P3", "priority P1"]
    assert pending(world) == 0
