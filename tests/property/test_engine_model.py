"""Random histories of one breaker: whatever happens, it stays legal and finds its way back."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from breakerd import (
    Breaker,
    BreakerStateError,
    RecoverySettings,
    Settings,
    State,
    Transition,
)
from breakerd.breaker.testing import EventLog, ManualClock
from tests.support.thoroughness import examples

PROBES = 2
RAMP = (0.2, 0.5)
LEGAL = {
    ("CLOSED", "OPEN"),
    ("OPEN", "HALF_OPEN"),
    ("HALF_OPEN", "OPEN"),
    ("HALF_OPEN", "CLOSED"),
    ("OPEN", "CLOSED"),  # a reset
}
OPERATED = {"FORCED_OPEN", "DISABLED", "OBSERVE"}


class BreakerHistory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.memory: float | None = 0.1
        self.log = EventLog()
        self.breaker = Breaker(
            Settings(
                latency_threshold=300,
                latency_window_size=12,
                minimum_calls=4,
                error_threshold=0.5,
                recovery=RecoverySettings(probes=PROBES, probe_timeout=5.0, ramp=RAMP),
            ),
            clock=self.clock,
            memory=lambda: self.memory,
        )
        self.breaker.subscribe(self.log)
        self.under_way: list[tuple[float, int]] = []
        """(start, generation) of the calls that did not report yet."""

    @rule(seconds=st.sampled_from([0.01, 0.5, 1, 7, 20, 300]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def the_ticker_ticks(self) -> None:
        assert self.breaker.tick() >= 0

    @rule(count=st.integers(1, 6))
    def calls_begin(self, count: int) -> None:
        for _ in range(count):
            if self.breaker.allow():
                self.under_way.append((self.clock(), self.generation))
            else:
                assert self.breaker.state in {State.OPEN, State.HALF_OPEN, State.FORCED_OPEN}

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), way=st.sampled_from(["good", "bad", "abandoned", "forgotten"]))
    def a_call_ends(self, data: st.DataObject, way: str) -> None:
        start, _ = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        if way == "abandoned":
            self.breaker.abandon(start)
        elif way != "forgotten":
            self.breaker.done(start, self.clock(), error=way == "bad")

    @precondition(lambda self: self.quick)
    @rule()
    def a_call_given_up_before_it_was_slow_decides_nothing(self) -> None:
        self.breaker.tick()
        call = self.quick[0]
        self.under_way.remove(call)
        before, in_flight = self.breaker.status(), self.breaker.in_flight
        self.breaker.abandon(call[0])
        after = self.breaker.status()
        for key in ("state", "generation", "window_calls", "error_rate", "recent_latencies_ms"):
            assert after[key] == before[key]
        assert after["calls"]["abandoned"] == before["calls"]["abandoned"] + 1
        assert self.breaker.in_flight == max(0, in_flight - 1)

    @precondition(lambda self: self.breaker.state is State.OPEN)
    @rule()
    def the_wait_ends(self) -> None:
        self.clock.advance(self.breaker.retry_after)
        self.breaker.tick()

    @precondition(lambda self: self.breaker.state is State.HALF_OPEN)
    @rule()
    def probes_are_lost(self) -> None:
        while self.breaker.allow() and self.breaker.status()["recovery"]["share"] == 0:  # type: ignore[index]
            pass

    @precondition(lambda self: self.late)
    @rule(way=st.sampled_from(["good", "bad", "abandoned"]))
    def a_late_result_decides_nothing(self, way: str) -> None:
        self.clock.advance(0.01)
        self.breaker.tick()  # what time alone brings about is not the call's doing
        late = self.late[0]
        self.under_way.remove(late)
        before = self.breaker.status()
        if way == "abandoned":
            self.breaker.abandon(late[0])
        else:
            self.breaker.done(late[0], self.clock(), error=way == "bad")
        after = self.breaker.status()
        for key in ("state", "generation", "window_calls", "recovery", "error_rate"):
            assert after[key] == before[key]

    @rule(used=st.sampled_from([0.1, 0.79, 0.9, None]))
    def memory_changes(self, used: float | None) -> None:
        self.memory = used

    @rule(act=st.sampled_from(["trip", "reset", "enable", "disable", "observe", "force_open"]))
    def an_operator_acts(self, act: str) -> None:
        try:
            getattr(self.breaker, act)()
        except BreakerStateError:
            assert self.breaker.state in {State.DISABLED, State.FORCED_OPEN}

    @rule(drill=st.sampled_from(["latency", "memory", "end_memory"]))
    def a_drill(self, drill: str) -> None:
        before = self.breaker.state
        try:
            getattr(self.breaker.drills, drill)()
        except BreakerStateError:
            assert self.breaker.state is before

    @rule(
        size=st.integers(1, 30),
        threshold=st.sampled_from([100, 300, 1000]),
        probes=st.integers(1, PROBES),
        ramp=st.sampled_from([(), RAMP[:1], RAMP]),
    )
    def settings_change(
        self, size: int, threshold: int, probes: int, ramp: tuple[float, ...]
    ) -> None:
        change = {
            "latency_window_size": size,
            "latency_threshold": threshold,
            "recovery": RecoverySettings(probes=probes, probe_timeout=5.0, ramp=ramp),
        }
        self.breaker.apply(self.breaker.settings.model_copy(update=change))

    @rule()
    def the_process_restarts(self) -> None:
        successor = Breaker(self.breaker.settings, clock=self.clock, memory=lambda: self.memory)
        successor.restore(self.breaker.snapshot())
        assert (successor.state is State.OPEN) == (
            self.breaker.state in {State.OPEN, State.HALF_OPEN}
        ) or not successor.memory_ok

    @property
    def late(self) -> list[tuple[float, int]]:
        """Calls under way from before the last transition; its own instant is after it."""
        since = self.breaker._core.engine.machine.generation_started_at
        return [call for call in self.under_way if call[1] < self.generation and call[0] < since]

    @property
    def quick(self) -> list[tuple[float, int]]:
        """Calls under way that are not slow yet."""
        slow_after = self.breaker.settings.slow_after
        return [call for call in self.under_way if self.clock() - call[0] < slow_after - 0.01]

    @property
    def generation(self) -> int:
        return self.breaker.status()["generation"]

    @invariant()
    def transitions_are_legal(self) -> None:
        for transition in self.log.of(Transition):
            ends = {transition.from_state.value, transition.to_state.value}
            pair = (transition.from_state.value, transition.to_state.value)
            assert pair in LEGAL or ends & OPERATED
        chain = self.log.of(Transition)
        for earlier, later in pairwise(chain):
            assert later.from_state is earlier.to_state
            assert later.generation > earlier.generation

    @invariant()
    def few_probes_and_known_shares(self) -> None:
        recovery = self.breaker.status()["recovery"]
        if recovery is not None:
            assert recovery["probes_in_flight"] <= PROBES
            assert recovery["share"] in {0.0, *RAMP}

    @invariant()
    def numbers_make_sense(self) -> None:
        assert self.breaker.in_flight >= 0
        assert self.breaker.retry_after >= 0
        assert self.breaker.rejection().retry_after >= 0

    def teardown(self) -> None:
        """However it ended: left to itself, with good calls and memory, it closes."""
        self.memory = 0.1
        if self.breaker.state.value in OPERATED:
            self.breaker.enable()
        self.breaker.drills.end_memory()
        for _ in range(1000):
            self.clock.advance(1)
            if self.breaker.allow():
                self.breaker.done(self.clock(), self.clock())
            if self.breaker.state is State.CLOSED:
                return
        raise AssertionError(f"stuck: {self.breaker.status()}")


BreakerHistory.TestCase.settings = settings(
    max_examples=examples(150),
    stateful_step_count=40,
)
TestBreakerHistory = BreakerHistory.TestCase
