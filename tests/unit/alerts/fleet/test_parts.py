"""Alerting of a fleet, by its parts: what a hub holds is whatever somebody has written there."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from breakerd.alerts.fleet.clocks import shifted
from breakerd.alerts.fleet.forwarding import CommandForwarding, ForwardedCommand
from breakerd.alerts.fleet.ledger import HubLedger
from breakerd.alerts.fleet.link import HubView, NoFleet
from breakerd.alerts.fleet.naming import FleetNaming
from breakerd.alerts.fleet.observations import ObservationRelay, RemoteReports
from breakerd.alerts.fleet.sender_lease import SENDER, Role, SenderLease
from breakerd.alerts.fleet.topic_reader import TopicReader
from breakerd.alerts.incidents.observation import Observation, PeerReport
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.storage.store import LeaseLostError
from breakerd.breaker.fleet.hub.memory import MemoryHub
from breakerd.breaker.fleet.hub.store import ALERT_COMMANDS, AUDIT, INCIDENTS, OBSERVATIONS
from breakerd.breaker.testing import ManualClock
from tests.support.alert_facts import facts
from tests.unit.alerts.fleet.conftest import START, CutOff

NOT_OURS = (
    "",
    "[]",
    "{}",
    "nonsense",
    '{"now": "x", "incident": {}, "reports": 3, "data": 1}',
    "[" * 5000,
)


class Shared:
    """A fleet link over a hub in memory."""

    name, host = "shop", "a"

    def __init__(self) -> None:
        self.time = ManualClock(START)
        self.memory = MemoryHub(self.time)
        self.away = self.hangs = False

    def hub(self) -> HubView | None:
        if self.away:
            return None
        versions = dict(self.memory.store.versions())
        store: Any = CutOff() if self.hangs else self.memory.store
        return HubView(store, self.memory._state.epoch(self.time()), versions)

    @property
    def view(self) -> HubView:
        view = self.hub()
        assert view is not None
        return view

    def look(self) -> None: ...

    def spread(self, breaker: str) -> None: ...


@pytest.fixture
def shared() -> Shared:
    return Shared()


def incident(number: str = "1", **changes: Any) -> Incident:
    content = AlertContent("payments OPEN", "text", "payments", "breakerd")
    made = Incident(
        number, f"breakerd:shop:payments:{number}", "payments", "open", START, START,
        (Stage(0.0, "P3"),), content,
    )  # fmt: skip
    return replace(made, **changes)


def sender(shared: Shared, holder: str = "a/1") -> SenderLease:
    lease = SenderLease(shared, holder, shared.time)
    lease.renew(10.0)
    return lease


class TestLedger:
    def test_another_host_reads_what_the_sender_writes(self, shared: Shared) -> None:
        ledger = HubLedger(sender(shared), shared.hub, shared.time)
        ledger.save([(incident(), False)])
        other = HubLedger(sender(shared, "b/1"), shared.hub, lambda: shared.time() + 100)
        (row,) = other.read(shared.view)
        assert (row.incident.id, row.settled) == ("1", False)
        assert row.incident.opened_at == START + 100
        assert other.known == {"1": 0.0}
        assert other.read(shared.view) == []

    def test_a_host_that_does_not_send_writes_nothing(self, shared: Shared) -> None:
        sender(shared)
        lease = sender(shared, "b/1")
        assert lease.role is Role.RELAY
        HubLedger(lease, shared.hub, shared.time).save([(incident(), False)])
        assert shared.view.store.changes(INCIDENTS).entries == ()

    def test_what_was_not_written_is_written_later(self, shared: Shared) -> None:
        lease = sender(shared)
        ledger = HubLedger(lease, shared.hub, shared.time)
        shared.hangs = True
        ledger.save([(incident("1"), False)])
        ledger.save([(incident("2"), False)])
        shared.hangs = False
        assert lease.hub_is_away
        lease.complete()
        ledger.save(())
        assert {each.key for each in shared.view.store.changes(INCIDENTS).entries} == {"1", "2"}

    def test_a_slow_hub_gets_what_a_second_has_room_for(self, shared: Shared) -> None:
        ledger = HubLedger(sender(shared), shared.hub, shared.time)
        write = shared.memory.store.write

        def slowly(*given: Any, **conditions: Any) -> Any:
            shared.time.advance(0.4)
            return write(*given, **conditions)

        shared.memory.store.write = slowly  # type: ignore[method-assign]
        ledger.save([(incident(f"{number}"), False) for number in range(5)])
        assert len(shared.view.store.changes(INCIDENTS).entries) == 3
        ledger.save(())
        assert len(shared.view.store.changes(INCIDENTS).entries) == 5

    def test_a_stale_sender_is_refused(self, shared: Shared) -> None:
        lease = sender(shared)
        ledger = HubLedger(lease, shared.hub, shared.time)
        shared.time.advance(60)
        assert sender(shared, "b/1").role is Role.SENDER
        with pytest.raises(LeaseLostError):
            ledger.save([(incident(), False)])
        assert lease.role is Role.RELAY

    def test_an_incident_that_is_too_large_stays_on_its_host(self, shared: Shared) -> None:
        ledger = HubLedger(sender(shared), shared.hub, shared.time)
        huge = replace(incident().content, description="x" * 1_100_000)
        ledger.save([(incident("1", content=huge), False), (incident("2"), False)])
        assert [each.key for each in shared.view.store.changes(INCIDENTS).entries] == ["2"]

    @pytest.mark.parametrize("text", NOT_OURS)
    def test_what_is_no_incident_is_left_out(self, shared: Shared, text: str) -> None:
        shared.view.store.write(INCIDENTS, "1", text)
        ledger = HubLedger(sender(shared), shared.hub, shared.time)
        assert ledger.read(shared.view) == []

    def test_a_hub_that_has_forgotten_is_read_whole(self, shared: Shared) -> None:
        ledger = HubLedger(sender(shared), shared.hub, shared.time)
        ledger.save([(incident(), False)])
        ledger.read(shared.view)
        shared.memory.wipe()
        assert ledger.read(shared.view) == []
        assert ledger.known == {}


class TestSenderLease:
    def test_without_a_fleet_each_sends(self) -> None:
        lease = SenderLease(NoFleet(), "a/1", ManualClock())
        assert lease.renew(10.0) is Role.SINGLE
        assert lease.may_send
        lease.resign()
        assert lease.role is Role.SINGLE

    def test_one_answer_too_late_is_no_reason_to_go_on(self, shared: Shared) -> None:
        lease = sender(shared)
        assert lease.may_send
        shared.time.advance(60)  # the process was stopped
        assert not lease.may_send
        lease.note_away()
        assert not lease.may_send
        shared.time.advance(5)
        assert lease.may_send, "the hub is really away"

    def test_it_is_given_back(self, shared: Shared) -> None:
        lease = sender(shared)
        lease.resign(5.0)
        assert sender(shared, "b/1").role is Role.SENDER
        assert lease.renew(10.0) is Role.RELAY

    def test_a_hub_that_is_away_keeps_it_until_it_expires(self, shared: Shared) -> None:
        lease = sender(shared)
        shared.hangs = True
        lease.resign()
        shared.hangs = False
        assert shared.view.store.take_lease(SENDER, "b/1", 1.0).holder == "a/1"


class TestNaming:
    def test_the_number_is_one_above_the_highest(self, shared: Shared) -> None:
        naming = FleetNaming(shared)
        naming.learn(
            ["breakerd:shop:payments:7", "breakerd:shop:payments:3", "breakerd:web-1:payments:0ab"]
        )
        assert naming("payments")[1] == "breakerd:shop:payments:8"
        assert naming("payments")[1] == "breakerd:shop:payments:9"
        assert naming("cart")[1] == "breakerd:shop:cart:1"

    def test_two_hosts_give_the_same_names(self, shared: Shared) -> None:
        assert FleetNaming(shared)("ünï:code\ud800") == FleetNaming(shared)("ünï:code\ud800")

    def test_a_long_name_is_cut(self, shared: Shared) -> None:
        assert len(FleetNaming(shared)("x" * 1000)[1]) <= 512


class TestObservations:
    def report(self, process: str = "b:1", **more: Any) -> PeerReport:
        seen = Observation("payments", "open", START - 5)
        return PeerReport(process, {"payments": seen}, **more)

    def test_the_sender_has_them_in_its_own_time(self, shared: Shared) -> None:
        relay = ObservationRelay("b/1", lambda: shared.time() - 50)
        relay.prepare([self.report()], 60)
        relay.tell(shared.view)
        reports = RemoteReports("a/1", shared.time)
        reports.read(shared.view)
        (found,) = reports.sources()
        assert found.observations["payments"].since == START + 45

    def test_they_count_for_fifteen_seconds(self, shared: Shared) -> None:
        relay = ObservationRelay("b/1", shared.time)
        reports = RemoteReports("a/1", shared.time)
        relay.prepare([self.report()], 60)
        relay.tell(shared.view)
        reports.read(shared.view)
        shared.time.advance(15)
        assert reports.sources()
        shared.time.advance(1)
        assert reports.sources() == []

    def test_they_are_repeated_each_five_seconds_and_ended_once(self, shared: Shared) -> None:
        relay = ObservationRelay("b/1", shared.time)
        told = []
        for source in (self.report(), self.report(), PeerReport("b:1"), PeerReport("b:1")):
            relay.prepare([source], 0.0)
            relay.tell(shared.view)
            told.append(shared.view.versions[OBSERVATIONS])
            shared.time.advance(5)
        assert told == [1, 2, 3, 3]

    def test_what_could_not_be_told_is_told_as_it_is_then(self, shared: Shared) -> None:
        relay = ObservationRelay("b/1", shared.time)
        relay.prepare([self.report()], 0.0)
        shared.hangs = True
        with pytest.raises(ConnectionError):
            relay.tell(shared.view)
        shared.hangs = False
        relay.prepare([PeerReport("b:1")], 0.0)
        relay.tell(shared.view)
        assert OBSERVATIONS not in shared.view.versions

    def test_a_report_has_no_more_facts_than_there_is_room_for(self, shared: Shared) -> None:
        contexts = {f"b{n}": facts() for n in range(20)}
        many = [self.report(f"b:{n}", contexts=contexts) for n in range(10)]
        relay = ObservationRelay("b/1", shared.time)
        relay.prepare(many, 60)
        relay.tell(shared.view)
        (entry,) = shared.view.store.changes(OBSERVATIONS).entries
        assert len(entry.value) <= 262_144
        assert len(json.loads(entry.value)["reports"]) == 10

    @pytest.mark.parametrize("text", NOT_OURS)
    def test_what_is_no_report_is_left_out(self, shared: Shared, text: str) -> None:
        shared.view.store.write(OBSERVATIONS, "b/1", text)
        reports = RemoteReports("a/1", shared.time)
        reports.read(shared.view)
        assert reports.sources() == []

    def test_its_own_report_does_not_count(self, shared: Shared) -> None:
        relay = ObservationRelay("a/1", shared.time)
        relay.prepare([self.report()], 60)
        relay.tell(shared.view)
        reports = RemoteReports("a/1", shared.time)
        reports.read(shared.view)
        assert reports.sources() == []
        relay.remove(shared.view)
        assert shared.view.store.changes(OBSERVATIONS).entries[-1].value == ""


class TestForwarding:
    def test_a_command_reaches_the_sender_once(self, shared: Shared) -> None:
        CommandForwarding(lambda: shared.time() - 50).forward(
            shared.view, [ForwardedCommand("b#1", "1", {"action": "adopt"}, incident())]
        )
        forwarding = CommandForwarding(shared.time)
        forwarding.read(shared.view)
        (command,) = forwarding.take()
        assert command.incident is not None
        assert command.incident.opened_at == START + 50
        assert forwarding.take() == []
        forwarding.read(shared.view)
        assert shared.view.store.changes(ALERT_COMMANDS).entries[-1].value == ""

    def test_a_command_that_is_too_large_is_dropped(self, shared: Shared) -> None:
        data = {"by": "x" * 1_100_000}
        CommandForwarding(shared.time).forward(
            shared.view, [ForwardedCommand("b#1", "1", data, None)]
        )
        assert shared.view.store.changes(ALERT_COMMANDS).entries == ()

    @pytest.mark.parametrize("text", NOT_OURS)
    def test_what_is_no_command_is_left_out(self, shared: Shared, text: str) -> None:
        shared.view.store.write(ALERT_COMMANDS, "b#1", text)
        forwarding = CommandForwarding(shared.time)
        forwarding.read(shared.view)
        assert forwarding.take() == []


class TestTopicReader:
    def test_only_what_is_new_is_read(self, shared: Shared) -> None:
        reader = TopicReader(AUDIT)
        first = reader.read(shared.view)
        assert first is not None
        assert first.whole
        shared.view.store.write(AUDIT, "1", "x")
        news = reader.read(shared.view)
        assert news is not None
        assert ([each.key for each in news.entries], news.whole) == (["1"], False)
        assert reader.read(shared.view) is None

    def test_a_hub_that_has_gone_back_is_read_whole(self, shared: Shared) -> None:
        reader = TopicReader(AUDIT)
        for key in "123":
            shared.view.store.write(AUDIT, key, "x")
        reader.read(shared.view)
        shared.memory.store._newest[AUDIT] = 1
        news = reader.read(shared.view)
        assert news is not None
        assert news.whole
        assert len(news.entries) == 3


def test_only_times_are_moved() -> None:
    data = {"at": START, "count": 5, "times": [[START, "P1"]], "content": {"at": START}, "on": True}
    assert shifted(data, 10.0) == data | {"at": START + 10, "times": [[START + 10, "P1"]]}


def test_a_fleet_that_is_none_knows_nothing() -> None:
    fleet = NoFleet()
    fleet.look()
    assert fleet.hub() is None
    assert fleet.spread("payments") is None
