"""Several processes on one database: the leader sends, the others publish reports."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from breakerd import Alerting, NotStoredError, Registry
from breakerd.alerts.incidents.reconciler import Reconciler
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.receivers.opsgenie import OpsGenieReceiver
from breakerd.alerts.storage.store import LeaseLostError, Store
from breakerd.testing import simulate_call
from tests.unit.alerts.conftest import World


class Other:
    """A second process with breakers of its own, on the same file and the same clocks."""

    def __init__(self, world: World) -> None:
        assert world.alerting is not None
        self.registry: Registry = world.make_registry()
        self.alerting = Alerting(self.registry, world.alerting.settings, now=world.wall)
        self.alerting.start()

    def round(self) -> None:
        self.alerting.run_once()

    @property
    def sends(self) -> bool:
        return self.alerting._runtime.worker._components.lease.held

    def open_in_both(self, world: World) -> None:
        """The same breaker, here and there."""
        for registry in (world.registry, self.registry):
            registry.get("a").force_open("a test")

    def die(self) -> None:
        """As SIGKILL: nothing is given back but what the system takes."""
        self.alerting._runtime.pipeline.close()
        self.alerting._runtime.store.close()


@pytest.fixture
def other(world: World) -> Iterator[Other]:
    world.alerts["group_window"] = 30.0
    world.start(time_before_send_alert=60)
    made = Other(world)
    yield made
    made.alerting.close()


def test_one_of_them_sends(world: World, other: Other) -> None:
    other.registry.get("a").force_open("a test")
    for _ in range(5):
        other.round()
        world.wall.advance(1)
    assert not other.sends
    assert world.emulator.requests == [], "nobody but the sender, who did not look yet"
    world.after()
    (alert,) = world.emulator.alerts()
    told = "a opened by an operator 5 s ago in 1 of 2 processes: a test"
    assert alert.message.startswith(told), "as who saw it says"
    for _ in range(7):
        world.after(10)
        other.round()
    assert world.emulator.alerts()[0].priority == "P1"


def test_what_one_of_them_rejects_is_not_said_of_all(world: World, other: Other) -> None:
    world.registry.get("a").force_open("a test")
    world.after(5)
    (alert,) = world.emulator.alerts()
    assert alert.message == (
        "a opened by an operator 5 s ago in 1 of 2 processes: a test; all calls rejected there"
    )
    told = "Impact: all calls are rejected in 1 of 2 processes now."
    assert told in alert.description
    other.registry.get("a").force_open("a test")
    for _ in range(6):
        other.round()
        world.after(10)
    (alert,) = world.emulator.alerts()
    assert alert.priority == "P1"
    assert "processes" not in alert.message
    assert "all calls rejected" in alert.message


def test_figures_are_of_the_process_in_trouble(world: World, other: Other) -> None:
    world.registry.get("a")
    breaker = other.registry.get("a")
    other.registry.change("a", {"trend_analysis_enabled": True})
    for number in range(10):
        simulate_call(breaker, world.clock, 900 if number == 9 else 50)
    other.round()
    world.after(1)
    (alert,) = world.emulator.alerts()
    assert alert.message.startswith("a slow for 1 s: p95 latency 900 ms")
    assert "Spread: p50 50 ms, p90 50 ms, p99 900 ms, highest 900 ms" in alert.description


def test_what_ended_it_in_another_process_is_told_at_the_end(world: World, other: Other) -> None:
    other.registry.get("a").force_open("a test")
    other.round()
    world.after()
    other.registry.get("a").reset(by="ada")
    for _ in range(70):
        other.round()
        world.after(1)
    (alert,) = world.emulator.alerts()
    assert alert.status == "closed"
    assert "Ended by: reset by ada. Report: " in alert.notes[-1].what


def test_the_same_breaker_in_both_is_one_alert(world: World, other: Other) -> None:
    other.open_in_both(world)
    other.round()
    world.after()
    world.registry.get("a").reset()
    world.after(1)
    other.round()
    world.after(3600)
    assert len(world.emulator.alerts()) == 1


def test_it_is_over_when_all_are_well(world: World, other: Other) -> None:
    other.open_in_both(world)
    other.round()
    world.after()
    world.registry.get("a").reset()
    for _ in range(20):
        world.after(10)
        other.round()
    assert world.emulator.alerts()[0].status == "open"
    other.registry.get("a").reset()
    for _ in range(8):
        other.round()
        world.after(10)
    assert world.history()[-1] == "closed"


def test_who_is_killed_is_taken_over_from_at_once(world: World, other: Other) -> None:
    world.registry.get("a").force_open("a test")
    world.after()
    assert world.alerting is not None
    world.alerting._runtime.pipeline.close()
    world.alerting._runtime.store.close()
    other.registry.get("a").force_open("a test")
    world.wall.advance(61)
    other.round()
    assert other.sends
    assert world.emulator.alerts()[0].priority == "P1", "the stage that was due"
    other.registry.get("a").reset()
    other.round()
    world.wall.advance(61)
    other.round()
    steps = [what for what in world.history() if what != "note"]
    assert steps == ["created P3", "priority P1", "closed"]
    world.alerting = None


def test_what_a_killed_process_saw_counts_no_more(world: World, other: Other) -> None:
    other.registry.get("a").force_open("a test")
    other.round()
    world.after()
    other.die()
    world.after(1)
    world.after(61)
    assert world.history()[-1] == "closed"


def test_who_hangs_is_taken_over_from_when_its_lease_is_out(world: World, other: Other) -> None:
    world.registry.get("a").force_open("a test")
    world.after()
    other.registry.get("a").force_open("a test")
    world.wall.advance(5)
    other.round()
    assert not other.sends
    world.wall.advance(11)
    other.round()
    assert other.sends, "15 s for requests of 10 s"
    other.registry.get("b").force_open("a test")
    world.wall.advance(1)
    before = len(world.emulator.requests)
    world.after()
    assert len(world.emulator.requests) == before, "who comes back late does not send"
    assert world.alerting is not None
    assert not world.alerting._runtime.worker._components.lease.held


@pytest.mark.usefixtures("other")
def test_who_comes_back_between_two_requests_sends_nothing(world: World) -> None:
    """Suspended after its round began: the lease is looked at before each request."""
    assert world.alerting is not None
    world.registry.get("a").force_open("a test")
    world.alerting._runtime.observer.poll(world.wall())
    world.alerting._runtime.worker._lead(world.alerting.settings)
    world.wall.advance(16)
    world.alerting._runtime.pipeline.run(world.wall())
    assert world.emulator.requests == []


def test_a_silence_made_in_one_counts_in_all(world: World, other: Other) -> None:
    other.alerting.add_silence(author="ann", reason="deploying", seconds=100)
    world.registry.get("a").force_open("a test")
    world.after()
    assert world.emulator.alerts() == []
    assert world.alerting is not None
    (silence,) = world.alerting.silences()
    number = world.alerting.add_silence(author="bob", reason="as well", seconds=100)
    assert len(other.alerting.silences()) == 2, "at once"
    other.alerting.end_silence(number)
    world.alerting.end_silence(silence["id"])
    world.after()
    assert len(world.emulator.alerts()) == 1


def test_wishes_reach_the_one_that_sends(world: World, other: Other) -> None:
    world.registry.get("a").force_open("a test")
    assert world.alerting is not None
    world.alerting._runtime.observer.poll(world.wall())
    world.alerting._runtime.worker._lead(world.alerting.settings)
    (incident,) = world.alerting._runtime.incident_log
    message = incident.content.message
    object.__setattr__(incident.content, "message", "")
    world.after()
    world.after()
    number = incident.id
    assert list(incident.dead_letters) == ["opsgenie"]
    object.__setattr__(incident.content, "message", message)
    world.alerting._runtime.incident_log.save(incident)
    assert other.alerting.retry(number) == 1
    world.after()
    assert len(world.emulator.alerts()) == 1
    assert other.alerting.retry(number) == 0
    with pytest.raises(KeyError):
        other.alerting.retry("none")


def dead_letter(world: World) -> str:
    """Id of an incident that was given up."""
    alerting = world.start()
    world.slow()
    alerting._runtime.observer.poll(alerting._runtime.now())
    alerting._runtime.worker._lead(alerting.settings)
    (incident,) = alerting._runtime.incident_log
    object.__setattr__(incident.content, "message", "")
    world.after()
    world.after()
    assert incident.dead_letters
    return incident.id


def test_a_command_is_not_lost_with_the_process_that_executes_it(world: World) -> None:
    number = dead_letter(world)
    assert world.alerting is not None
    world.alerting.discard(number, "ann", "a test")
    with world.alerting._runtime.incident_log.lock:
        world.alerting._runtime.commands.execute(world.wall())
    alerting = world.restart()
    assert "was given up" in alerting.health()["problems"][0], "killed before it was written"
    world.after()
    full = alerting.incident(number)
    assert full is not None
    assert full["deliveries"]["opsgenie"]["discarded"] == "ann: a test"
    assert alerting._runtime.store.commands(0) == []


def test_a_command_is_executed_once(world: World) -> None:
    number = dead_letter(world)
    assert world.alerting is not None
    executed: list[str] = []
    world.alerting._runtime.commands.execute_one = (  # type: ignore[method-assign]
        lambda now, incident_id, command, incident=None: executed.append(incident_id)  # noqa: ARG005 - its names
    )
    world.alerting.retry(number)
    with world.alerting._runtime.incident_log.lock:
        for _ in range(3):
            world.alerting._runtime.commands.execute(world.wall())
    world.after()
    world.after()
    assert executed == [number]


@pytest.mark.parametrize("command", [("retry",), ("discard", "ann", "a test")])
def test_a_command_that_cannot_be_saved_is_refused(world: World, command: tuple[str, ...]) -> None:
    number = dead_letter(world)
    assert world.alerting is not None
    connection = world.alerting._runtime.store._database._connection
    assert connection is not None
    connection.execute("PRAGMA query_only=1")
    with pytest.raises(NotStoredError, match="cannot be saved"):
        getattr(world.alerting, command[0])(number, *command[1:])
    connection.execute("PRAGMA query_only=0")
    world.after()
    full = world.alerting.incident(number)
    assert full is not None
    assert full["deliveries"]["opsgenie"]["dead_letter_reason"]
    assert not full["deliveries"]["opsgenie"]["discarded"]


def test_what_is_discarded_is_heard_of_no_more(world: World) -> None:
    alerting = world.start()
    world.slow()
    alerting._runtime.observer.poll(alerting._runtime.now())
    alerting._runtime.worker._lead(alerting.settings)
    (incident,) = alerting._runtime.incident_log
    object.__setattr__(incident.content, "message", "")
    world.after()
    world.after()
    assert not alerting.health()["ok"]
    world.registry.get().reset()
    world.after(61)
    world.after(61)
    alerting = world.restart()
    assert "was given up" in alerting.health()["problems"][0], "also after a restart"
    assert alerting.discard(incident.id, "ann", "a test") == 1
    world.after()
    assert alerting.health()["ok"]
    assert list(alerting._runtime.incident_log) == []
    full = alerting.incident(incident.id)
    assert full is not None
    assert full["deliveries"]["opsgenie"]["discarded"] == "ann: a test"
    assert alerting.incident("none") is None


# --- what is on the disk


@pytest.mark.parametrize("kind", [StepKind.CREATE, StepKind.PRIORITY, StepKind.NOTE])
def test_killed_while_a_request_is_under_way(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: StepKind
) -> None:
    """The request arrives, and whoever sent it never knows: it is asked for before it is sent."""
    world.alerts["remind_after"] = 75.0
    world.start(time_before_send_alert=60)
    send = OpsGenieReceiver.send

    def die_after(receiver: OpsGenieReceiver, incident: Incident, step: Step) -> str:
        sent = send(receiver, incident, step)
        if step.kind is kind:
            raise KeyboardInterrupt
        return sent

    monkeypatch.setattr(OpsGenieReceiver, "send", die_after)
    world.slow()
    with pytest.raises(KeyboardInterrupt):
        four_rounds(world)
    monkeypatch.undo()
    world.restart(time_before_send_alert=60)
    world.slow()
    four_rounds(world)
    (alert,) = world.emulator.alerts()
    assert alert.count == 1
    assert world.history().count("priority P1") == 1
    assert len(world.notes()) == len(set(world.notes()))


def four_rounds(world: World) -> None:
    for _ in range(4):
        world.after(30)


def test_who_is_not_the_sender_any_more_cannot_write(world: World) -> None:
    alerting = world.start()
    world.slow()
    world.after()
    (incident,) = alerting._runtime.incident_log
    second = Store(world.database, "second")
    second.open()
    assert second.acquire_lease("driven", world.wall() + 1000, 15.0)
    with pytest.raises(LeaseLostError):
        alerting._runtime.store.save([(incident, True)], {})
    assert second.find(incident.id) is not None
    assert len(second.load()[0]) == 1, "it is not done"
    second.close()


def test_a_lease_that_is_lost_before_the_write_of_a_round_leaves_all_to_the_new_sender(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerting = world.start()
    world.slow()
    second = Store(world.database, "second")
    second.open()
    reconcile = Reconciler.reconcile

    def lose(reconciler: Reconciler, *arguments: Any) -> None:
        reconcile(reconciler, *arguments)
        assert list(alerting._runtime.incident_log), "an incident that is not written yet"
        assert second.acquire_lease("driven", world.wall() + 1000, 15.0)

    monkeypatch.setattr(Reconciler, "reconcile", lose)
    alerting.run_once()  # raises nothing
    monkeypatch.undo()
    assert list(alerting._runtime.incident_log) == []
    assert second.load()[0] == []
    assert world.emulator.requests == [], "who lost it sends nothing"
    second.close()


def test_a_lease_that_is_lost_between_two_requests_ends_the_delivery(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """In the thread of a receiver: what it sends next is not recorded, so it is not sent."""
    alerting = world.start(time_before_send_alert=60)
    world.slow()
    alerting._runtime.observer.poll(world.wall())
    alerting._runtime.worker._lead(alerting.settings)
    second = Store(world.database, "second")
    second.open()
    assert second.acquire_lease("driven", world.wall() + 1000, 15.0)
    (sender,) = alerting._runtime.pipeline._threads.values()
    sender._now = world.wall
    with caplog.at_level(logging.INFO, "breakerd.alerts"):
        sender._try_round()
    assert "another process sends alerts" in caplog.text
    assert "delivery round failed" not in caplog.text
    assert world.emulator.requests == []
    second.close()


@contextlib.contextmanager
def stopped_while_writing(world: World) -> Iterator[None]:
    """As if a process were suspended in the middle of a transaction."""
    with contextlib.closing(sqlite3.connect(world.database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def test_who_hangs_while_writing_is_waited_for_and_then_taken_over_from(
    world: World, other: Other
) -> None:
    other.open_in_both(world)
    world.after()
    with stopped_while_writing(world):
        world.wall.advance(5)
        other.round()
        assert not other.sends, "the other one may still be sending"
        world.wall.advance(61)
        other.round()
        assert other.sends
        other.registry.get("b").force_open("a test")
        other.round()
    assert [alert.entity for alert in world.emulator.alerts()] == ["a", "b"]
    assert world.stages(0) == ["created P3", "priority P1"], "it goes on with the same"


@pytest.mark.parametrize("first", ["who hung", "who took over"])
def test_after_that_there_is_one_sender_again(world: World, other: Other, first: str) -> None:
    other.open_in_both(world)
    world.after()
    with stopped_while_writing(world):
        world.wall.advance(66)
        other.round()
    rounds = [world.after, other.round]
    for each in rounds if first == "who hung" else reversed(rounds):
        each()
    assert world.alerting is not None
    assert other.sends is not world.alerting._runtime.worker._components.lease.held
    for registry in (world.registry, other.registry):
        registry.get("a").reset()
    for _ in range(8):
        other.round()
        world.after(10)
    (alert,) = world.emulator.alerts()
    assert alert.status == "closed"
    assert world.history().count("created P3") == 1
    assert world.history().count("closed") == 1
