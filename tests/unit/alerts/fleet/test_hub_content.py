"""A hub's content may be of another version, or anybody's: it must keep no page from people."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from breakerd.alerts.fleet.forwarding import CommandForwarding, ForwardedCommand
from breakerd.alerts.fleet.ledger import HubLedger
from breakerd.alerts.fleet.observations import ObservationRelay, RemoteReports
from breakerd.alerts.fleet.sender_lease import Role
from breakerd.alerts.incidents.observation import Observation, PeerReport
from breakerd.alerts.model.incident import Phase
from breakerd.breaker.fleet.hub.store import (
    ALERT_COMMANDS,
    INCIDENTS,
    MAX_VALUE,
    OBSERVATIONS,
    SharedStore,
)
from tests.support.alert_facts import facts
from tests.unit.alerts.fleet.conftest import START, Hosts
from tests.unit.alerts.fleet.test_parts import Shared, incident, sender

SEEN = asdict(Observation("payments", "open", START))


@pytest.fixture
def shared() -> Shared:
    return Shared()


def incident_with(**changes: Any) -> str:
    return json.dumps({"now": START, "incident": incident().as_dict() | changes})


INCIDENTS_OF_OTHERS = {
    "no stages": incident_with(stages=[], stage_times=[]),
    "a stage that is missing": incident_with(stage=3),
    "a text for a time": incident_with(opened_at="yesterday"),
    "an endless number": incident_with(opened_at=float("inf")),
    "a number for an alias": incident_with(alias=5),
    "a kind of later": incident_with(kind="quantum"),
    "a time in words": incident_with(stage_times=[["noon", "P1"]]),
    "a member of later": incident_with(members={"payments": ["quantum", START]}),
    "a huge number": json.dumps({"now": 10**400, "incident": incident().as_dict()}),
}


@pytest.mark.parametrize("text", INCIDENTS_OF_OTHERS.values(), ids=INCIDENTS_OF_OTHERS)
def test_an_incident_that_makes_no_sense_is_left_out(shared: Shared, text: str) -> None:
    shared.view.store.write(INCIDENTS, "1", text)
    ledger = HubLedger(sender(shared), shared.hub, shared.time)
    assert ledger.read(shared.view) == []


@pytest.mark.parametrize("text", INCIDENTS_OF_OTHERS.values(), ids=INCIDENTS_OF_OTHERS)
def test_nor_is_one_taken_over(shared: Shared, text: str) -> None:
    data = {"incident_id": "1", "data": {"action": "adopt"}}
    try:
        value = json.dumps(json.loads(text) | data)
    except ValueError:
        value = text
    shared.view.store.write(ALERT_COMMANDS, "b#1", value)
    forwarding = CommandForwarding(shared.time)
    forwarding.read(shared.view)
    assert forwarding.take() == []


@pytest.mark.parametrize(
    "changes",
    [{"severity": "quantum"}, {"kind": "quantum"}, {"since": "noon"}, {"breaker": 5}],
    ids=str,
)
def test_an_observation_of_later_is_left_out(shared: Shared, changes: dict[str, Any]) -> None:
    seen = [SEEN | {"breaker": "cart"}, SEEN | changes]
    report = {"process": "b:1", "observations": seen}
    text = json.dumps({"now": START, "reports": [report]})
    shared.view.store.write(OBSERVATIONS, "b/1", text)
    reports = RemoteReports("a/1", shared.time)
    reports.read(shared.view)
    (found,) = reports.sources()
    assert list(found.observations) == ["cart"]


def test_facts_without_figures_are_left_out(shared: Shared) -> None:
    known = facts().as_dict()
    del known["status"]["recent_latencies_ms"]
    report = {"process": "b:1", "observations": [SEEN], "contexts": {"payments": known}}
    text = json.dumps({"now": START, "reports": [report]})
    shared.view.store.write(OBSERVATIONS, "b/1", text)
    reports = RemoteReports("a/1", shared.time)
    reports.read(shared.view)
    (found,) = reports.sources()
    assert list(found.observations) == ["payments"]
    assert found.contexts == {}


def test_more_trouble_than_the_hub_takes_is_told_by_its_most_urgent_part(shared: Shared) -> None:
    low = {f"b{n:05}": Observation(f"b{n:05}", "degraded", START, severity="low") for n in range(9)}
    many = [
        PeerReport(f"b:{process}", low | {f"{process}-{n}": replace_name(f"{process}-{n}")
                                          for n in range(200)})
        for process in range(60)
    ]  # fmt: skip
    relay = ObservationRelay("b/1", shared.time)
    relay.prepare(many, 60)
    relay.tell(shared.view)
    (entry,) = shared.view.store.changes(OBSERVATIONS).entries
    assert len(entry.value) <= MAX_VALUE
    reports = RemoteReports("a/1", shared.time)
    reports.read(shared.view)
    (found,) = reports.sources()
    assert {each.kind for each in found.observations.values()} == {"open"}


def replace_name(name: str) -> Observation:
    return replace(Observation("", "open", START), breaker=name)


def test_versions_of_another_memory_say_nothing(shared: Shared) -> None:
    lease = sender(shared)
    HubLedger(lease, shared.hub, shared.time).save([(incident(), False)])
    other = HubLedger(sender(shared, "b/1"), shared.hub, shared.time)
    other.read(shared.view)
    shared.memory.wipe()
    lease = sender(shared)
    over = incident(phase=Phase.CLOSED, closed_at=START + 5)
    HubLedger(lease, shared.hub, shared.time).save([(over, True)])
    (row,) = other.read(shared.view)
    assert row.settled


def test_what_is_known_of_the_ledger_does_not_grow_for_ever(shared: Shared) -> None:
    ledger = HubLedger(sender(shared), shared.hub, shared.time)
    for number in range(2_500):
        ledger.save([(incident(str(number)), True)])
    assert len(ledger.known) <= 2_000
    assert "2499" in ledger.known


def test_a_command_that_is_told_again_is_removed_again(shared: Shared) -> None:
    command = ForwardedCommand("b#1", "1", {"action": "adopt"}, incident())
    relay, forwarding = CommandForwarding(shared.time), CommandForwarding(shared.time)
    relay.forward(shared.view, [command])
    forwarding.read(shared.view)
    assert len(forwarding.take()) == 1
    forwarding.read(shared.view)
    relay.forward(shared.view, [command])  # the first answer was lost
    forwarding.read(shared.view)
    assert forwarding.take() == []
    forwarding.read(shared.view)
    assert shared.view.store.changes(ALERT_COMMANDS).entries[-1].value == ""


class Strange:
    """Store of a hub that answers in another language."""

    def __init__(self, store: SharedStore) -> None:
        self._store = store

    def __getattr__(self, _name: str) -> Any:
        def fail(*_args: object, **_options: object) -> None:
            raise RuntimeError("found something else")

        return fail


def test_a_hub_that_answers_nonsense_keeps_nobody_from_paging(hosts: Hosts) -> None:
    first = hosts.add("a")
    second = hosts.add("b")
    hosts.hub.store = Strange(hosts.hub.store)  # type: ignore[assignment]
    hosts.hub.store.versions = dict  # type: ignore[method-assign,assignment]
    first.slow()
    second.slow()
    hosts.after(8, rounds=9)
    assert (first.role, second.role) == (Role.SENDER, Role.ALONE)
    assert hosts.aliases == ["breakerd:shop:default:1"]
