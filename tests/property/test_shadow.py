"""Random calls: a candidate that is equal to the settings in force trips exactly when they do."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from breakerd import Breaker, LimiterSettings, RecoverySettings, Settings, Slo
from breakerd.breaker.context import Priority, priority
from breakerd.breaker.events.events import CandidateTransition, Event, StateChange, Transition
from breakerd.breaker.settings import CandidateSettings
from breakerd.breaker.testing import ManualClock
from tests.support.thoroughness import examples

RECOVERY = RecoverySettings(probes=2, probe_timeout=5.0, ramp=(0.2, 0.5))
SETTINGS = {
    "thresholds": Settings(
        latency_threshold=300, latency_window_size=12, minimum_calls=4, recovery=RECOVERY
    ),
    "stated wait": Settings(latency_threshold=300, minimum_calls=6, wait_time=5, recovery=RECOVERY),
    "trend": Settings(
        latency_threshold=300, trend_analysis_enabled=True, trend_analysis_min_sample_count=5
    ),
    "limiter": Settings(
        latency_threshold=300, minimum_calls=4, limiter=LimiterSettings(enabled=True, max_limit=6)
    ),
    "level": Settings(slo=Slo(success_rate=0.9, timeout=0.5, warmup=2)),
    "level and limiter": Settings(
        slo=Slo(success_rate=0.9, timeout=0.5, warmup=0), limiter=LimiterSettings(enabled=True)
    ),
}
SECONDS = st.sampled_from([0.0005, 0.02, 0.2, 0.3, 0.31, 0.6, 2.0])
STEPS = st.one_of(
    st.tuples(st.just("begin"), st.integers(1, 6)),
    st.tuples(st.just("done"), st.integers(0, 20)),
    st.tuples(st.just("done"), st.integers(0, 20)),
    st.tuples(st.just("error"), st.integers(0, 20)),
    st.tuples(st.just("abandon"), st.integers(0, 20)),
    st.tuples(st.just("pass"), SECONDS),
    st.tuples(st.just("pass"), st.sampled_from([1.0, 5.0, 11.0, 70.0])),
    st.tuples(st.just("tick"), st.just(0)),
    st.tuples(st.just("memory"), st.sampled_from([0.1, 0.78, 0.95])),
    st.tuples(st.just("reset"), st.just(0)),
)


@dataclass
class Run:
    """A breaker with a candidate that changes nothing."""

    settings: Settings
    external: bool
    clock: ManualClock = field(default_factory=ManualClock)
    memory: float = 0.1
    under_way: list[float] = field(default_factory=list)
    changes: list[tuple[str, float, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        equal = self.settings.model_copy(update={"candidate": CandidateSettings()})
        self.breaker = Breaker(
            equal,
            clock=self.clock,
            memory=lambda: self.memory,
            externally_ticked=self.external,
        )
        self.breaker.subscribe(self.take)

    def take(self, event: Event) -> None:
        if isinstance(event, Transition | CandidateTransition) and event.reason != "reset":
            self.changes.append((type(event).__name__, *of(event)))

    def step(self, what: str, value: float) -> None:
        if what == "begin":
            for n in range(int(value)):
                with priority(list(Priority)[n % len(Priority)]):
                    if self.breaker.allow():
                        self.under_way.append(self.clock())
        elif what == "pass":
            self.clock.advance(value)
        elif what == "tick":
            self.breaker.tick()
        elif what == "memory":
            self.memory = value
        elif what == "reset":
            self.breaker.reset()
        elif self.under_way:
            start = self.under_way.pop(int(value) % len(self.under_way))
            if what == "abandon":
                self.breaker.abandon(start)
            else:
                self.breaker.done(start, self.clock(), error=what == "error")


def of(event: StateChange) -> tuple[float, str, str]:
    return event.monotonic, event.to_state.value, event.reason.value


@settings(max_examples=examples(300))
@given(
    name=st.sampled_from(list(SETTINGS)),
    external=st.booleans(),
    steps=st.lists(STEPS, min_size=20, max_size=200),
)
def test_an_equal_candidate_changes_when_the_settings_in_force_do(
    name: str, external: bool, steps: list[tuple[str, float]]
) -> None:
    run = Run(SETTINGS[name], external)
    for what, value in steps:
        run.step(what, value)
    run.breaker.tick()
    run.breaker.counters()
    active = [each[1:] for each in run.changes if each[0] == "Transition"]
    candidate = [each[1:] for each in run.changes if each[0] == "CandidateTransition"]
    assert candidate == active
    shadow = run.breaker._core.recorder.shadow
    assert shadow is not None
    assert shadow.figures.trips == shadow.figures.active_trips
