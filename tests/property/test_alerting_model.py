"""Random lives of a few breakers, their receiver and the people there: what on-call can rely on.

The alerting is the real one, on driven clocks and a real file, and pages a real emulator. A crash
drops it as it is; the next one finds what is in the file.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from breakerd.alerts.emulator import EmulatedAlert, Emulator
from tests.support.thoroughness import examples
from tests.unit.alerts.conftest import World

NAMES = ("a", "b", "c")
ESCALATED_AFTER = 60.0
RESOLVING = 20.0
names = st.sampled_from(NAMES)


class AlertingHistory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.emulator = self.stack.enter_context(Emulator(api_keys={"test-key"}, delay=0.0))
        self.world = World(self.emulator, folder)
        self.world.alerts |= {"on_manual_close": "respect"}
        self.opened: set[str] = set()
        self.silence = ""
        self.handled: dict[str, str] = {}
        """Alias -> the priority that it had when somebody took it in hand."""
        self.started()

    def started(self) -> None:
        self.world.start(resolve_after=RESOLVING, time_before_send_alert=int(ESCALATED_AFTER))

    def teardown(self) -> None:
        """Once all is well, everybody knows."""
        try:
            self.emulator.heal()
            self.end_of_silence()
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
    @rule()
    def someone_silences(self) -> None:
        assert self.world.alerting is not None
        self.silence = self.world.alerting.add_silence(author="ann", reason="x", seconds=86_400)

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

    def check_order(self, alert: EmulatedAlert) -> None:
        """Opened, then raised, then closed, each once."""
        wanted = ["created", "priority", "closed"]
        steps = [each.what.split()[0] for each in alert.history]
        steps = [step for step in steps if step in wanted]
        assert steps == [step for step in wanted if step in steps], steps
        assert steps[0] == "created"
        assert steps[-1] == "closed"


AlertingHistory.TestCase.settings = settings(
    max_examples=examples(60),
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestAlertingHistory = AlertingHistory.TestCase
