"""Random lives of a few breakers, their receiver and the people there: what on-call can rely on.

The alerting is the real one, on driven clocks and a real file, and pages a real emulator. A crash
drops it as it is; the next one finds what is in the file.
"""

from __future__ import annotations

import contextlib
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from breakerd.alerts.emulator import EmulatedAlert, Emulator
from breakerd.alerts.model.incident import Incident, Phase
from tests.support.thoroughness import examples
from tests.unit.alerts.conftest import UNSET, World

NAMES = ("alpha", "bravo", "coda")
FLAPS = ("Well", "Open again", "In trouble", "Opened and", "Trouble came", "No reason")
"""Beginnings of the notes about recoveries and relapses."""
RESOLVING = 20.0
names = st.sampled_from(NAMES)


class AlertingHistory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.emulator = self.stack.enter_context(Emulator(api_keys={"test-key"}, delay=0.0))
        self.world = World(self.emulator, folder)
        self.world.alerts |= {"on_manual_close": "respect", "group_window": 30.0}
        self.opened: set[str] = set()
        self.silence = ""
        self.seen: set[str] = set()
        """Aliases of the alerts that were created."""
        self.handled: dict[str, str] = {}
        """Alias -> the priority that it had when somebody took it in hand."""
        self.started()

    def started(self) -> None:
        self.world.start(resolve_after=RESOLVING, time_before_send_alert=UNSET)

    def teardown(self) -> None:
        """Once all is well, everybody knows."""
        try:
            self.emulator.heal()
            self.end_of_silence()
            for _ in range(3):
                self.world.after(61)
            self.all_breakers_are_named()
            for name in NAMES:
                self.world.registry.get(name).reset()
            for _ in range(12):
                self.world.after(61)
            assert all(alert.status == "closed" for alert in self.emulator.alerts())
            assert self.world.alerting is not None
            assert self.world.alerting.stats().pending == 0
            assert list(self.world.alerting._runtime.incident_log) == []
            for alert in self.emulator.alerts():
                self.check_order(alert)
        finally:
            assert self.world.alerting is not None
            self.world.alerting.close()
            self.stack.close()

    # --- what happens

    @rule(name=names)
    def a_breaker_opens(self, name: str) -> None:
        self.world.registry.get(name).force_open("a test")
        self.opened.add(name)

    @rule(name=names)
    def a_breaker_recovers(self, name: str) -> None:
        self.world.registry.get(name).reset()
        self.opened.discard(name)

    @rule(seconds=st.sampled_from([0.0, 1.0, 5.0, 21.0, 61.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.after(seconds)
        self.nobody_is_paged_for_what_is_held_back()

    @rule(name=names)
    def a_breaker_flaps(self, name: str) -> None:
        for _ in range(3):
            self.a_breaker_recovers(name)
            self.time_passes(1.0)
            self.a_breaker_opens(name)
            self.time_passes(1.0)

    @rule()
    def it_crashes(self) -> None:
        alerting = self.world.alerting
        assert alerting is not None
        alerting._runtime.pipeline.close()
        alerting._runtime.store.close()
        self.world.registry = self.world.make_registry()
        for name in self.opened:
            self.world.registry.get(name).force_open("a test")
        self.started()

    @precondition(lambda self: not self.silence)
    @rule(pattern=st.sampled_from(["*", *NAMES]))
    def someone_silences(self, pattern: str) -> None:
        assert self.world.alerting is not None
        self.silence = self.world.alerting.add_silence(
            author="ann", reason="x", seconds=86_400, breaker=pattern
        )

    @rule()
    def end_of_silence(self) -> None:
        if self.silence:
            assert self.world.alerting is not None
            self.world.alerting.end_silence(self.silence)
            self.silence = ""

    # --- what people do

    @rule(name=names)
    def someone_acknowledges(self, name: str) -> None:
        if alert := self.open_alert(name):
            self.emulator.acknowledge(alert.alias, by="ann")
            self.handled[alert.alias] = alert.priority

    @rule(name=names)
    def someone_closes(self, name: str) -> None:
        if alert := self.open_alert(name):
            self.emulator.close(alert.alias, by="ann")
            self.handled[alert.alias] = alert.priority

    def open_alert(self, name: str) -> EmulatedAlert | None:
        found = [a for a in self.emulator.alerts() if a.entity == name and a.status == "open"]
        return found[-1] if found else None

    # --- what the receiver does

    @rule(
        kind=st.sampled_from(["down", "drop", "error", "html", "unapplied", "truncated", "empty"]),
        times=st.integers(1, 6),
    )
    def the_receiver_fails(self, kind: str, times: int) -> None:
        self.emulator.fail(kind, times=times)

    @rule()
    def the_receiver_asks_for_a_pause(self) -> None:
        self.emulator.fail("rate_limit", times=1, delay=30)

    @rule()
    def the_receiver_is_well(self) -> None:
        self.emulator.heal()

    # --- what holds whatever happens

    @invariant()
    def one_alert_for_each_incident(self) -> None:
        assert not self.emulator.summary().repeated
        still_open = [a.entity for a in self.emulator.alerts() if a.status == "open"]
        assert len(still_open) <= 2 * len(NAMES)

    @invariant()
    def what_is_in_hand_is_not_raised(self) -> None:
        for alert in self.emulator.alerts():
            if alert.alias in self.handled and alert.acknowledged:
                assert alert.priority == self.handled[alert.alias]

    @invariant()
    def nothing_is_said_twice(self) -> None:
        for alert in self.emulator.alerts():
            notes = [note.what for note in alert.notes if note.what]
            assert len(notes) == len(set(notes)), notes

    @invariant()
    def each_breaker_is_in_one_alert(self) -> None:
        found = [name for each in self.incidents() for name in each.members]
        assert len(found) == len(set(found)), found

    @invariant()
    def recoveries_and_relapses_are_at_most_one_note_a_minute(self) -> None:
        for incident in self.incidents():
            times = [note.at for note in incident.notes if note.text.startswith(FLAPS)]
            assert all(late - early >= 60 for early, late in pairwise(times)), incident.notes

    def incidents(self) -> list[Incident]:
        assert self.world.alerting is not None
        log = self.world.alerting._runtime.incident_log
        return [each for each in log if each.phase is not Phase.CLOSED]

    def nobody_is_paged_for_what_is_held_back(self) -> None:
        new = {alert.alias for alert in self.emulator.alerts()} - self.seen
        for incident in self.incidents():
            if incident.alias in new:
                assert any(member.counts for member in incident.members.values()), incident
        self.seen |= new

    def all_breakers_are_named(self) -> None:
        alerts = {alert.alias: alert for alert in self.emulator.alerts()}
        for incident in self.incidents():
            alert = alerts.get(incident.alias)
            if alert is not None and alert.status == "open":
                missing = [name for name in incident.members if name not in alert.description]
                assert not missing, (missing, alert.description)

    def check_order(self, alert: EmulatedAlert) -> None:
        """Opened, then raised, then closed; no priority twice, and none lower than before."""
        steps = [each.what for each in alert.history]
        steps = [step for step in steps if step.split()[0] in {"created", "priority", "closed"}]
        assert steps[0].startswith("created")
        # A receiver that does not tell that somebody closed it holds up no page.
        assert "closed" in steps
        priorities = [step.split()[1] for step in steps if step != "closed"]
        if priorities[:1] == priorities[1:2]:
            # A creation without an answer may have had an earlier priority: it is set once more.
            priorities.pop(0)
        assert priorities == sorted(set(priorities), reverse=True), steps


AlertingHistory.TestCase.settings = settings(
    max_examples=examples(60),
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestAlertingHistory = AlertingHistory.TestCase
