"""The engine by itself: which call counts for what, what time does, and what new settings reach."""

from __future__ import annotations

from typing import Any

import pytest

from breakerd import (
    LimiterSettings,
    LoadSettings,
    Reason,
    RecoverySettings,
    RecoveryStep,
    Settings,
    SettingsChanged,
    Signal,
    Slo,
    State,
    Transition,
)
from breakerd.breaker.calls.outcome import CallOutcome
from breakerd.breaker.calls.totals import CallDelta
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.engine.load_shedder import CallCounts, LoadShedder
from breakerd.breaker.engine.recovering.phases import RecoveryOutcome, RecoveryPhase
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.limiter import LimiterPhase
from breakerd.breaker.testing import EventLog

IDLE = CallCounts(admitted=0, in_flight=0)
SLO = Slo(success_rate=0.95, timeout=2.0, warmup=0.0)
SUCCESS, ERROR, ABANDONED = CallOutcome.SUCCESS, CallOutcome.ERROR, CallOutcome.ABANDONED
LEVEL = Settings(slo=SLO, latency_threshold=500)

Calls = list[tuple[object, ...]]


@pytest.fixture
def engine(log: EventLog) -> Engine:
    """An engine with a service level of two seconds and a threshold of half a second."""
    return Engine("x", LEVEL, log, 0.0)


def spied(monkeypatch: pytest.MonkeyPatch, target: object, name: str, result: Any = None) -> Calls:
    """Replace a method of the kind of `target`; return the list of its arguments."""
    calls: Calls = []

    def spy(*args: object, **named: object) -> Any:
        calls.append((*args, *named.values()))
        return result

    monkeypatch.setattr(type(target), name, staticmethod(spy))
    return calls


def half_open(engine: Engine, now: float = 100.0) -> Engine:
    """Open it by hand and end its wait at `now`."""
    engine.open(now - engine.settings.wait_time, Reason.MANUAL)
    engine.advance(now, IDLE)
    assert engine.machine.decided is State.HALF_OPEN
    return engine


# --- calls


def test_it_warms_up_for_the_stated_time(log: EventLog) -> None:
    warm = Slo(success_rate=0.95, timeout=2.0, warmup=30.0)
    engine = Engine("x", Settings(slo=warm), log, 100.0)
    engine.advance(129.9, IDLE)
    assert engine.machine.state is State.WARMING_UP
    engine.advance(130.0, IDLE)
    assert engine.machine.state is State.CLOSED
    assert Engine("x", LEVEL, log, 100.0).machine.state is State.CLOSED


@pytest.mark.parametrize(("confidence", "ends"), [(0.999, False), (1.0, True)])
def test_warming_up_ends_once_the_baseline_is_learnt(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, confidence: float, ends: bool
) -> None:
    warm = Slo(success_rate=0.95, timeout=2.0, warmup=30.0)
    engine = Engine("x", Settings(slo=warm), log, 0.0)
    spied(monkeypatch, engine.baseline, "confidence", confidence)
    engine.advance(1.0, IDLE)
    assert (engine.machine.state is State.CLOSED) is ends


def test_what_an_override_says_wins(engine: Engine) -> None:
    engine.open(0.0, Reason.MANUAL)
    admitted = {}
    for override in (None, State.FORCED_OPEN, State.DISABLED, State.OBSERVE):
        engine.machine.override = override
        admitted[override] = engine.admit(1.0, IDLE)
    assert admitted == {
        None: False,
        State.FORCED_OPEN: False,
        State.DISABLED: True,
        State.OBSERVE: True,
    }
    assert engine.would_reject == 1
    engine.machine.override = State.FORCED_OPEN
    engine.machine.decided = State.CLOSED
    assert not engine.admit(1.0, IDLE)
    engine.machine.override = State.OBSERVE
    assert engine.admit(1.0, IDLE)
    assert engine.would_reject == 1, "it would have been admitted"


@pytest.mark.parametrize(("start", "counts"), [(9.999, False), (10.0, True)])
def test_calls_of_an_earlier_generation_do_not_count(
    engine: Engine, start: float, counts: bool
) -> None:
    engine.machine.generation_started_at = 10.0
    assert engine.observe(11.0, start, 11.0, IDLE, SUCCESS) is counts
    assert len(engine.window) == counts


def test_no_call_counts_while_it_is_open(engine: Engine) -> None:
    engine.open(10.0, Reason.MANUAL)
    assert not engine.observe(11.0, 10.5, 11.0, IDLE, SUCCESS)
    assert len(engine.window) == 0


@pytest.mark.parametrize(
    ("seconds", "outcome", "failed"),
    [(2.0, SUCCESS, 0), (2.001, SUCCESS, 1), (0.1, ERROR, 1), (2.0, ABANDONED, 0)],
)
def test_a_call_beyond_the_time_out_has_failed(
    engine: Engine, seconds: float, outcome: CallOutcome, failed: int
) -> None:
    assert engine.observe(seconds, 0.0, seconds, IDLE, outcome)
    assert (len(engine.window), engine.window.failure_count) == (1, failed)


@pytest.mark.parametrize(
    ("outcome", "seconds", "withdrawn", "released", "failed", "succeeded"),
    [
        (SUCCESS, 0.5, 0, 0, 0, 1),
        (SUCCESS, 2.1, 0, 0, 1, 0),
        (ERROR, 0.1, 0, 0, 1, 0),
        (ABANDONED, 0.5, 1, 1, 0, 0),  # no slower than the threshold
        (ABANDONED, 0.6, 1, 0, 0, 0),
        (ABANDONED, 2.0, 1, 0, 0, 0),
        (ABANDONED, 2.1, 0, 0, 1, 0),
    ],
)
def test_what_a_call_is_for_the_streak_and_for_probes(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    outcome: CallOutcome,
    seconds: float,
    withdrawn: int,
    released: int,
    failed: int,
    succeeded: int,
) -> None:
    calls = [
        spied(monkeypatch, engine.shedder, "withdraw"),
        spied(monkeypatch, engine.machine.recovery, "release"),
        spied(monkeypatch, engine.shedder, "record_failure", False),
        spied(monkeypatch, engine.shedder, "record_success"),
    ]
    assert engine.observe(seconds, 0.0, seconds, IDLE, outcome) is not bool(released)
    assert [len(each) for each in calls] == [withdrawn, released, failed, succeeded]
    assert len(engine.window) == 1 - released


@pytest.mark.parametrize(("end", "recorded"), [(1.0, 1), (1.001, 0)])
def test_a_call_that_is_made_up_tells_nothing_of_overlap(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, end: float, recorded: int
) -> None:
    calls = spied(monkeypatch, engine.judge, "record")
    engine.observe(1.0, 0.0, end, IDLE, SUCCESS)
    assert len(calls) == recorded
    assert len(engine.window) == 1


def test_calls_expire_as_they_are_added(engine: Engine) -> None:
    engine.observe(0.0, 0.0, 0.0, IDLE, SUCCESS)
    age = engine.settings.latency_max_age
    engine.observe(age + 1, age + 1, age + 1, IDLE, SUCCESS)
    assert len(engine.window) == 1
    engine.advance(2 * age + 2, IDLE)
    assert len(engine.window) == 0


def test_nothing_is_decided_under_an_override(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.machine.set_override(0.0, State.DISABLED, Reason.OPERATOR)
    monkeypatch.setattr(engine.shedder, "record_failure", lambda *_: True)
    assert engine.observe(1.0, 0.5, 1.0, IDLE, ERROR)
    assert engine.machine.decided is State.CLOSED
    engine.read_memory(1.0, 0.99)
    engine.advance(2.0, IDLE)
    assert engine.machine.decided is State.CLOSED


def test_a_streak_opens_with_its_length(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, log: EventLog
) -> None:
    monkeypatch.setattr(engine.shedder, "record_failure", lambda *_: True)
    assert engine.shedder.streak
    engine.shedder.streak._unanswered = 7
    engine.observe(1.0, 0.5, 1.0, IDLE, ERROR)
    assert (engine.machine.decided, engine.machine.reason) == (State.OPEN, Reason.FAILURE_STREAK)
    assert log.of(Transition)[-1].evidence[0].samples == 7
    assert engine.breaches.get(Signal.SLO) is not None
    assert engine.shedder.streak.length == 0, "what was before the trip is forgotten"


def test_a_streak_fails_a_ramp_and_no_probe(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.shedder, "record_failure", lambda *_: True)
    half_open(engine)
    engine.machine.recovery.adaptive = True
    engine.admit(100.0, IDLE)
    engine.observe(100.5, 100.0, 100.5, IDLE, ERROR)
    assert engine.machine.decided is State.HALF_OPEN, "an adaptive probe may fail"
    engine.machine.recovery.phase = RecoveryPhase.RAMP
    engine.observe(101.0, 100.5, 101.0, IDLE, ERROR)
    assert (engine.machine.decided, engine.machine.reason) == (State.OPEN, Reason.RAMP_FAILED)


# --- readings


def test_memory_opens_at_its_threshold_only(engine: Engine) -> None:
    engine.read_memory(1.0, 0.79)
    assert engine.machine.decided is State.CLOSED
    engine.read_memory(1.0, 0.80)
    assert (engine.machine.decided, engine.machine.reason) == (State.OPEN, Reason.MEMORY)
    assert Signal.MEMORY in engine.breaches


@pytest.mark.parametrize(
    ("gates", "phase", "opens"),
    [
        (True, RecoveryPhase.MEMORY, False),
        (True, RecoveryPhase.RAMP, True),
        (False, RecoveryPhase.MEMORY, True),
    ],
)
def test_memory_that_is_watched_call_by_call_does_not_open_again(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    gates: bool,
    phase: RecoveryPhase,
    opens: bool,
) -> None:
    half_open(engine).machine.recovery.phase = phase
    monkeypatch.setattr(engine.conditions, "_gates_memory", gates)
    engine.read_memory(101.0, 0.9)
    assert (engine.machine.decided is State.OPEN) is opens


@pytest.mark.parametrize("reject", [True, False])
def test_load_is_told_and_opens_only_where_it_is_to_reject(log: EventLog, reject: bool) -> None:
    load = LoadSettings(load_threshold=2.0, reject=reject)
    engine = Engine("x", Settings(load=load), log, 0.0)
    engine.read_load(1.0, LoadReading(load_per_cpu=1.9), None)
    assert not engine.shedder.system_overloaded
    assert engine.machine.decided is State.CLOSED
    engine.read_load(2.0, LoadReading(load_per_cpu=2.0), None)
    assert engine.shedder.system_overloaded
    assert Signal.LOAD in engine.breaches
    assert (engine.machine.decided is State.OPEN) is reject
    engine.machine.set_override(3.0, State.DISABLED, Reason.OPERATOR)
    engine.read_load(3.0, LoadReading(load_per_cpu=3.0), None)
    assert engine.machine.decided is State.CLOSED


# --- time


@pytest.mark.parametrize("open_to_calls", [True, False])
def test_the_limiter_gets_each_delta(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, open_to_calls: bool
) -> None:
    if not open_to_calls:
        engine.open(0.0, Reason.MANUAL)
    calls = spied(monkeypatch, engine.shedder, "advance")
    delta = CallDelta(admitted=3)
    engine.update_baseline(1.0, delta, IDLE)
    assert calls == [(1.0, delta, IDLE, open_to_calls)]


@pytest.mark.parametrize(
    ("complete", "slo", "decided", "judged"),
    [
        (True, SLO, State.CLOSED, 1),
        (False, SLO, State.CLOSED, 0),
        (True, None, State.CLOSED, 0),
        (True, SLO, State.OPEN, 0),
    ],
)
def test_each_time_bucket_is_judged_while_closed_with_a_level(
    log: EventLog,
    monkeypatch: pytest.MonkeyPatch,
    complete: bool,
    slo: Slo | None,
    decided: State,
    judged: int,
) -> None:
    engine = Engine("x", Settings(slo=slo), log, 0.0)
    engine.machine.decided = decided
    spied(monkeypatch, engine.baseline, "observe", complete)
    calls = spied(monkeypatch, engine.anomaly, "judge")
    engine.update_baseline(1.0, CallDelta(), IDLE)
    assert len(calls) == judged


@pytest.mark.parametrize(
    ("given", "rate"),
    [
        ("nothing", 1.0),
        ("breach", 0.1),
        ("disabled", 0.1),
        ("drill", 0.0),
        ("open", 0.0),
        ("open underneath", 0.0),
        ("forced", 0.0),
    ],
)
def test_what_is_not_normal_is_learnt_slowly_or_not(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, given: str, rate: float
) -> None:
    match given:
        case "breach":
            evidence = engine.judge.slo.streak_evidence(3)
            engine.breaches.update(0.0, Signal.SLO, lambda: evidence, breached=True)
        case "disabled":
            engine.machine.override = State.DISABLED
        case "drill":
            engine.events.drill = True
        case "open":
            engine.machine.decided = State.OPEN
        case "open underneath":
            engine.machine.decided, engine.machine.override = State.OPEN, State.OBSERVE
        case "forced":
            engine.machine.override = State.FORCED_OPEN
        case _:
            pass
    calls = spied(monkeypatch, engine.baseline, "observe", result=False)
    engine.update_baseline(1.0, CallDelta(), IDLE)
    assert calls[0][-1] == rate


@pytest.mark.parametrize(
    ("slo", "breached", "told"), [(SLO, True, True), (SLO, False, False), (None, True, False)]
)
def test_the_unusual_is_told_where_there_is_a_level(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, slo: Slo | None, breached: bool, told: bool
) -> None:
    engine = Engine("x", Settings(slo=slo), log, 0.0)
    engine.anomaly.breached = breached
    spied(monkeypatch, engine.anomaly, "evidence", engine.judge.slo.streak_evidence(1))
    engine.advance(1.0, IDLE)
    assert (Signal.ANOMALY in engine.breaches) is told


@pytest.mark.parametrize(("hung", "decided"), [(0, State.CLOSED), (4, State.OPEN)])
def test_calls_that_hang_open(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, hung: int, decided: State, log: EventLog
) -> None:
    monkeypatch.setattr(engine.shedder, "hung_calls", lambda *_: hung)
    engine.advance(1.0, IDLE)
    assert engine.machine.decided is decided
    if hung:
        assert log.of(Transition)[-1].evidence[0].samples == hung


def test_the_wait_ends_by_time_and_by_a_call(engine: Engine) -> None:
    engine.open(0.0, Reason.MANUAL)
    assert not engine.admit(9.999, IDLE)
    engine.advance(9.999, IDLE)
    assert engine.machine.decided is State.OPEN
    assert engine.admit(10.0, IDLE)
    assert engine.machine.decided is State.HALF_OPEN


@pytest.mark.parametrize("blocked_by", ["memory", "load"])
def test_no_probe_goes_while_memory_or_load_is_too_high(engine: Engine, blocked_by: str) -> None:
    engine.open(0.0, Reason.MANUAL)
    if blocked_by == "memory":
        engine.memory.breached = True
    else:
        engine.load.breached = True
        engine.load.configure(Settings(load=LoadSettings(load_threshold=1.0, reject=True)))
    engine.advance(20.0, IDLE)
    assert engine.machine.decided is State.OPEN


def test_after_a_trip_by_memory_calls_go_once_there_is_enough(engine: Engine) -> None:
    engine.read_memory(1.0, 0.9)
    assert engine.machine.reason is Reason.MEMORY
    engine.advance(1.1, IDLE)
    assert engine.machine.decided is State.OPEN
    assert not engine.admit(1.1, IDLE)
    engine.read_memory(1.2, 0.79)  # within the threshold, though the breach is not cleared
    assert engine.memory.breached
    assert engine.admit(1.2, IDLE)
    assert engine.machine.recovery.phase is RecoveryPhase.MEMORY
    engine.read_memory(1.3, 0.81)
    assert not engine.admit(1.3, IDLE)


def test_a_wait_after_another_trip_is_not_ended_by_memory(engine: Engine) -> None:
    engine.open(0.0, Reason.MANUAL)
    engine.read_memory(1.0, 0.1)
    engine.advance(2.0, IDLE)
    assert engine.machine.decided is State.OPEN


@pytest.mark.parametrize(("in_flight", "admitted"), [(1, True), (2, False)])
def test_calls_pass_up_to_the_limit(log: EventLog, in_flight: int, admitted: bool) -> None:
    settings = Settings(slo=SLO, limiter=LimiterSettings(enabled=True, max_limit=2))
    engine = Engine("x", settings, log, 0.0)
    assert engine.admit(1.0, CallCounts(in_flight, in_flight)) is admitted
    engine.open(1.0, Reason.MANUAL)
    engine.advance(20.0, IDLE)
    assert engine.machine.recovery.phase is RecoveryPhase.PROBES
    assert engine.admit(20.0, CallCounts(9, 9)), "a probe does not heed it"


def test_under_disabled_the_wait_does_not_end(engine: Engine) -> None:
    engine.open(0.0, Reason.MANUAL)
    engine.machine.override = State.DISABLED
    engine._end_wait(20.0)
    assert engine.machine.decided is State.OPEN


@pytest.mark.parametrize(
    ("decided", "override", "ticks"),
    [
        (State.CLOSED, None, 0),
        (State.OPEN, None, 1),
        (State.HALF_OPEN, None, 1),
        (State.OPEN, State.DISABLED, 0),
    ],
)
def test_a_recovery_takes_note_of_the_time(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    decided: State,
    override: State | None,
    ticks: int,
) -> None:
    engine.machine.decided, engine.machine.override = decided, override
    engine.machine.recovery.until = 10.0
    engine.machine.recovery.phase = RecoveryPhase.PROBES
    calls = spied(monkeypatch, engine.machine.recovery, "tick", RecoveryOutcome.UNCHANGED)
    engine.advance(1.0, IDLE)
    assert calls == [(1.0,)] * ticks


# --- the window


def told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Let the window speak for opening, by latency."""
    evidence = engine.judge.latency.evidence(engine.window)
    return spied(monkeypatch, engine.judge, "verdict", (evidence,))


@pytest.mark.parametrize("by_time", [True, False])
@pytest.mark.parametrize("warm", [True, False])
def test_the_window_opens_once_warm(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    log: EventLog,
    by_time: bool,
    warm: bool,
) -> None:
    if not warm:
        engine.machine.warm_up(60.0)
    verdicts = told(engine, monkeypatch)
    if by_time:
        engine.advance(1.0, IDLE)
    else:
        engine.observe(1.0, 0.9, 1.0, IDLE, SUCCESS)
    assert len(verdicts) == warm
    assert (engine.machine.decided is State.OPEN) is warm
    if warm:
        assert engine.machine.reason is Reason.LATENCY
        assert log.of(Transition)[-1].evidence[0].signal is Signal.LATENCY


def test_a_window_that_is_well_changes_nothing(engine: Engine) -> None:
    engine.observe(1.0, 0.9, 1.0, IDLE, SUCCESS)
    engine.advance(1.1, IDLE)
    assert engine.machine.decided is State.CLOSED
    half_open(engine).machine.recovery.phase = RecoveryPhase.RAMP
    engine.observe(101.0, 100.5, 101.0, IDLE, SUCCESS)
    assert engine.machine.decided is State.HALF_OPEN


def test_the_window_fails_a_ramp(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, log: EventLog
) -> None:
    recovery = half_open(engine).machine.recovery
    recovery.phase, recovery._step = RecoveryPhase.RAMP, 1
    told(engine, monkeypatch)
    engine.observe(101.0, 100.5, 101.0, IDLE, SUCCESS)
    (step,) = log.of(RecoveryStep)
    assert (step.forward, step.evidence[0].signal) == (False, Signal.LATENCY)
    engine.observe(102.0, 101.5, 102.0, IDLE, SUCCESS)
    assert engine.machine.reason is Reason.RAMP_FAILED
    assert log.of(Transition)[-1].evidence[0].signal is Signal.LATENCY


def test_a_window_is_judged_as_it_closes_so_that_breaches_end(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = spied(monkeypatch, engine.judge, "verdict", ())
    engine.open(1.0, Reason.MANUAL)
    assert verdicts == []
    engine.apply_change(2.0, engine.machine.close(2.0, Reason.RECOVERED))
    assert verdicts == [(2.0, engine.baseline)]


def test_an_overload_is_told_while_calls_pass(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    updates = spied(monkeypatch, engine.overload, "update")
    engine.advance(1.0, IDLE)
    engine.open(1.0, Reason.MANUAL)
    engine.advance(2.0, IDLE)
    assert updates == [(1.0, engine.shedder, IDLE)]


# --- recovery


@pytest.mark.parametrize(
    ("seconds", "outcome", "good"),
    [(0.5, SUCCESS, True), (0.501, SUCCESS, False), (0.1, ERROR, False)],
)
def test_a_probe_is_good_within_the_threshold(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    outcome: CallOutcome,
    good: bool,
) -> None:
    half_open(engine)
    reported = spied(monkeypatch, engine.machine.recovery, "report", RecoveryOutcome.UNCHANGED)
    engine.observe(100.0 + seconds, 100.0, 100.0 + seconds, IDLE, outcome)
    assert reported == [(100.0 + seconds, good)]


@pytest.mark.parametrize("good", [True, False])
@pytest.mark.parametrize("memory", [True, False])
def test_a_probe_that_fails_ends_a_drill_of_calls(engine: Engine, good: bool, memory: bool) -> None:
    half_open(engine)
    engine.events.drill, engine.memory.drill = True, memory
    engine.admit(100.0, IDLE)
    engine.observe(100.1, 100.0, 100.1, IDLE, SUCCESS if good else ERROR)
    assert engine.events.drill is (good or memory)


@pytest.mark.parametrize(
    ("outcome", "begins", "cleared", "forgotten", "steps"),
    [
        (RecoveryOutcome.UNCHANGED, True, 0, 0, []),
        (RecoveryOutcome.STEP_BACK, False, 1, 1, [False]),
        (RecoveryOutcome.STEP_FORWARD, False, 0, 0, [True]),
        (RecoveryOutcome.STEP_FORWARD, True, 1, 0, [True]),
    ],
)
def test_a_step_of_the_ramp(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    log: EventLog,
    outcome: RecoveryOutcome,
    begins: bool,
    cleared: int,
    forgotten: int,
    steps: list[bool],
) -> None:
    recovery = half_open(engine).machine.recovery
    recovery.phase, recovery.adaptive, recovery._step = RecoveryPhase.RAMP, True, 0 if begins else 1
    log.clear()
    assert engine.shedder.streak
    windows = spied(monkeypatch, engine.window, "clear")
    streaks = spied(monkeypatch, engine.shedder.streak, "reset")
    starts = spied(monkeypatch, engine.shedder, "start_slow")
    engine._apply_outcome(101.0, outcome)
    assert (len(windows), len(streaks), starts) == (cleared, forgotten, [])
    assert [(each.forward, each.share) for each in log.of(RecoveryStep)] == [
        (forward, recovery.share) for forward in steps
    ]


def limited(log: EventLog) -> Engine:
    """An engine whose ramp is led by its limiter."""
    settings = Settings(slo=SLO, limiter=LimiterSettings(enabled=True))
    engine = half_open(Engine("x", settings, log, 0.0))
    engine.machine.recovery.adaptive = True
    engine.machine.recovery.phase = RecoveryPhase.RAMP
    return engine


def test_a_limiter_begins_small_after_probes(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = limited(log)
    engine.machine.recovery.backoff.relapses = 4
    starts = spied(monkeypatch, engine.shedder, "start_slow")
    engine._apply_outcome(101.0, RecoveryOutcome.STEP_BACK)
    assert starts == []
    engine._apply_outcome(101.0, RecoveryOutcome.STEP_FORWARD)
    assert starts == [(0.25,)]


def test_a_limiter_that_leads_the_ramp_ends_it(log: EventLog) -> None:
    engine = limited(log)
    limiter = engine.shedder.limiter
    assert limiter
    limiter.phase = LimiterPhase.SLOW_START
    engine.advance(101.0, IDLE)
    assert engine.machine.decided is State.HALF_OPEN
    limiter.phase = LimiterPhase.UNLIMITED
    engine.advance(101.1, IDLE)
    assert engine.machine.decided is State.CLOSED
    probing = limited(log)
    probing.machine.recovery.phase = RecoveryPhase.PROBES
    assert probing._recovered() is None


def test_watching_memory_ends_once_there_is_enough(engine: Engine) -> None:
    half_open(engine).machine.recovery.phase = RecoveryPhase.MEMORY
    engine.memory.breached = True
    assert engine._recovered() is None
    engine.memory.breached = False
    engine.machine.recovery.phase = RecoveryPhase.RAMP
    assert engine._recovered() is None
    engine.machine.recovery.phase = RecoveryPhase.MEMORY
    engine.advance(101.0, IDLE)
    assert engine.machine.decided is State.CLOSED


def test_closing_ends_a_drill_but_that_of_memory(engine: Engine) -> None:
    for memory in (True, False):
        engine.open(0.0, Reason.MANUAL)
        engine.events.drill, engine.memory.drill = True, memory
        engine.apply_change(1.0, engine.machine.close(1.0, Reason.RECOVERED))
        assert engine.events.drill is memory


@pytest.mark.parametrize("to_state", [State.OPEN, State.FORCED_OPEN, State.DISABLED])
def test_opening_lifts_the_limit_and_half_opening_empties_the_window(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, to_state: State
) -> None:
    opened = spied(monkeypatch, engine.shedder, "on_open")
    cleared = spied(monkeypatch, engine.window, "clear")
    if to_state is State.OPEN:
        engine.open(1.0, Reason.MANUAL)
    else:
        change = engine.machine.set_override(1.0, to_state, Reason.OPERATOR)
        engine.apply_change(1.0, change)
    assert (len(opened), len(cleared)) == (int(to_state is not State.DISABLED), 0)
    if to_state is State.OPEN:
        engine.advance(100.0, IDLE)
        assert (len(opened), len(cleared)) == (1, 1)


# --- settings


def changed(settings: Settings, **update: object) -> Settings:
    return Settings.model_validate(settings.model_dump(exclude_unset=True) | update)


@pytest.mark.parametrize(
    ("update", "renewed"),
    [
        ({"slo": {"success_rate": 0.9, "timeout": 3.0, "warmup": 0.0}}, True),
        ({"limiter": {"enabled": True}}, True),
        ({"latency_threshold": 700}, True),
        ({"percentile": 0.9}, False),
        ({"recovery": {"probes": 7}}, False),
        ({"load": {"load_threshold": 3.0}}, False),
        ({"memory_threshold": 50}, False),
    ],
)
def test_new_settings_reach_every_part(
    engine: Engine, log: EventLog, update: dict[str, object], renewed: bool
) -> None:
    before: LoadShedder = engine.shedder
    new = changed(LEVEL, **update)
    assert engine.apply(1.0, new)
    assert engine.settings is new
    (event,) = log.of(SettingsChanged)
    assert set(event.changed) == set(update)
    assert (engine.shedder is not before) is renewed
    fresh = Engine("y", new, log, 0.0)
    assert engine.conditions._shedder is engine.shedder
    assert (engine.slow_after, engine.useful_time) == (fresh.slow_after, fresh.useful_time)
    assert engine.load.enabled == fresh.load.enabled
    assert engine.memory._threshold == fresh.memory._threshold
    assert engine.judge.slo.timeout == fresh.judge.slo.timeout
    assert engine.machine.recovery._settings == fresh.machine.recovery._settings
    for n in range(8):
        for each in (engine, fresh):
            each.window.add(1.0, n / 10, error=False)
    assert engine.window.percentile() == fresh.window.percentile()
    assert engine.window.slow_count == fresh.window.slow_count


def test_the_same_settings_change_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, log: EventLog
) -> None:
    calls = spied(monkeypatch, engine.judge, "configure")
    assert not engine.apply(1.0, changed(LEVEL))
    assert calls == []
    assert log == []
    # A value that is stated now, the same as before, changes no decision that an event tells.
    assert engine.apply(1.0, changed(LEVEL, wait_time=LEVEL.wait_time))
    assert len(calls) == 1
    assert log == []


def test_a_running_probe_counts_by_new_settings(engine: Engine) -> None:
    half_open(engine)
    engine.apply(100.0, changed(LEVEL, recovery=RecoverySettings(probes=1, ramp=())))
    engine.admit(100.0, IDLE)
    engine.observe(100.1, 100.0, 100.1, IDLE, SUCCESS)
    assert engine.machine.decided is State.CLOSED


@pytest.mark.parametrize(
    ("streak", "window", "must"), [(False, False, False), (True, False, True), (False, True, True)]
)
def test_each_call_is_looked_at_while_the_next_may_trip(
    engine: Engine, streak: bool, window: bool, must: bool
) -> None:
    assert engine.shedder.streak
    engine.shedder.streak.failures = int(streak)
    if window:
        engine.window.add(0.0, 9.0, error=False)
    assert engine.must_check_each_call is must
