"""Requests of a dispatcher, at a real emulator, on driven clocks."""

from __future__ import annotations

import httpx
import pytest

from breakerd import OpsGenieSettings
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.http import retry_after
from breakerd.alerts.receivers.opsgenie import OpsGenieReceiver
from tests.unit.alerts.conftest import World


def outcomes(world: World) -> dict[str, int]:
    assert world.alerting is not None
    return {outcome: n for (_, outcome), n in world.alerting.stats().counts.items()}


def test_an_answer_that_was_lost_makes_no_second_alert(world: World) -> None:
    world.start()
    world.emulator.fail("drop", times=1)
    world.slow()
    world.after()
    world.after(5)
    (alert,) = world.emulator.alerts()
    assert alert.count == 1, "it was asked for before it was sent again"


@pytest.mark.parametrize("crash", [False, True])
def test_an_opening_that_may_have_arrived_does_not_stay_open(world: World, *, crash: bool) -> None:
    world.start()
    world.emulator.fail("drop", times=1)
    world.slow()
    world.after()
    assert world.emulator.alerts()[0].status == "open"
    if crash:
        world.restart()
    else:
        world.registry.get().reset()
    world.after()
    world.after(61)
    history = world.history()
    assert (history[0], history.count("created P3"), history[-1]) == ("created P3", 1, "closed")
    assert world.alerting is not None
    assert list(world.alerting._runtime.incident_log) == []


def test_nothing_is_closed_that_never_left(world: World) -> None:
    world.alerts["on_missed_incident"] = "drop"
    alerting = world.start(api_url="http://127.0.0.1:9")
    world.slow()
    world.after()
    world.registry.get().reset()
    world.after()
    (incident,) = alerting.incidents()
    assert (incident["phase"], incident["notified"], incident["closed_at_receiver"]) == (
        "closed", False, False,
    )  # fmt: skip
    assert alerting.stats().pending == 0


def test_an_opening_that_arrived_lower_is_raised() -> None:
    """The second creation is only counted there, and leaves the priority as it is."""
    delivery = DeliveryState(attempted_priority="P3")
    delivery.confirm(1.0, Step(StepKind.CREATE, priority="P1"))
    assert delivery.priority == "P3"


def test_an_alert_that_is_gone_is_made_anew_to_escalate_it(world: World) -> None:
    world.start(time_before_send_alert=60)
    world.slow()
    world.after()
    world.emulator._alerts.alerts.clear()
    world.emulator._alerts._open.clear()
    world.after(61)
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.priority == "P1"
    assert outcomes(world)["gone"] == 1


def test_notes_and_closing_of_an_alert_that_is_gone_are_not_missed(world: World) -> None:
    alerting = world.start()
    world.slow()
    world.after()
    world.emulator._alerts.alerts.clear()
    world.emulator._alerts._open.clear()
    world.registry.get().reset()
    world.after()
    world.after(61)
    assert world.emulator.alerts() == []
    assert alerting.stats().pending == 0
    assert outcomes(world) == {"delivered": 1, "gone": 1}


def test_a_request_status_that_is_refused_is_asked_for_by_sending_again(world: World) -> None:
    world.start()
    receiver = world.alerting._runtime.pipeline._threads["opsgenie"].dispatcher.receiver  # type: ignore[union-attr]
    assert isinstance(receiver, OpsGenieReceiver)
    receiver._client._client.event_hooks = {"response": [_refuse_status]}
    world.slow()
    world.after()
    receiver._client._client.event_hooks = {}
    world.after(5)
    assert world.emulator.alerts()[0].count == 2
    assert outcomes(world) == {"retried": 1, "delivered": 1}


@pytest.mark.parametrize("path", ["/v2/alerts", "/priority"])
def test_a_request_whose_state_cannot_be_read_is_sent_again(world: World, path: str) -> None:
    world.start(time_before_send_alert=60)
    world.slow()
    if path == "/priority":
        world.after()
    world.emulator.fail("down", path="/requests/")
    world.after(60)
    for _ in range(50):
        world.after(5)
    writes = [r for r in world.emulator.requests if r.method != "GET" and r.path.endswith(path)]
    assert 2 <= len(writes) <= 4
    world.emulator.heal()
    world.after(60)
    assert world.alerting is not None
    assert world.alerting.stats().pending == 0
    assert len(world.emulator.alerts()) == 1


def _refuse_status(response: httpx.Response) -> None:
    if "/requests/" in str(response.request.url):
        response.status_code = 422


def test_between_rounds_the_breakers_are_looked_at(world: World) -> None:
    world.start()
    for number in range(30):
        world.slow(f"b{number:02}")
    world.after()
    assert len(world.emulator.alerts()) < 30
    for _ in range(3):
        world.after()
    assert len(world.emulator.alerts()) == 30


def test_accepted_and_not_carried_out_is_sent_again(world: World) -> None:
    world.start()
    world.emulator.fail("unapplied", times=1)
    world.slow()
    world.after()
    assert world.emulator.alerts() == []
    world.after(5)
    assert world.history() == ["created P3"]


def test_accepted_and_never_heard_of_is_sent_again(world: World) -> None:
    world.start()
    world.emulator._alerts.delay = 1e9
    world.slow()
    for _ in range(30):
        world.after(5)
    creations = [r for r in world.emulator.requests if r.method == "POST"]
    assert 2 <= len(creations) <= 4


def test_closing_what_somebody_closed_is_done(world: World) -> None:
    world.start()
    world.slow()
    world.after()
    alias = world.emulator.alerts()[0].alias
    url = f"{world.emulator.url}/v2/alerts/{alias}/close?identifierType=alias"
    httpx.post(url, json={}, headers={"Authorization": "GenieKey test-key"}).raise_for_status()
    world.registry.get().reset()
    world.after()
    world.after(61)
    world.after(61)
    assert world.alerting is not None
    assert world.alerting.stats().pending == 0
    assert world.history().count("closed") == 1


def test_the_most_urgent_goes_first(world: World) -> None:
    world.start(time_before_send_alert=60)
    world.slow("old")
    world.after()
    world.emulator.fail("down")
    world.after(30)
    world.slow("new")
    world.after(31)
    world.emulator.heal()
    before = len(world.emulator.requests)
    world.after(60)
    writes = [r for r in world.emulator.requests[before:] if r.method != "GET"]
    assert writes[0].method == "PUT", "the escalation before the new alert"


def test_a_receiver_without_a_key_is_not_made() -> None:
    with pytest.raises(ValueError, match="OPSGENIE_API_KEY"):
        OpsGenieReceiver(OpsGenieSettings(), 1.0)


@pytest.mark.parametrize(
    ("header", "value", "pause"),
    [
        ("Retry-After", "7", 7),
        ("X-RateLimit-Period-In-Sec", "3", 3),
        ("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT", 1),
        ("Retry-After", "soon", 60),
        ("X-Other", "1", 60),
        ("Retry-After", "999999", 3600),
    ],
)
def test_pauses_are_read_from_headers(header: str, value: str, pause: float) -> None:
    assert retry_after(httpx.Response(429, headers={header: value})) == pause
