"""A recovery by itself: waits, probes and steps, each at its limit."""

from __future__ import annotations

from math import inf

import pytest

from breakerd import LimiterSettings, Reason, RecoverySettings, Settings, Slo
from breakerd.breaker.engine.recovering.phases import RecoveryOutcome, RecoveryPhase
from breakerd.breaker.engine.recovery import Recovery

SLO = Slo(success_rate=0.95, timeout=2.0, warmup=0.0)
STATED = Settings(
    latency_threshold=300,
    wait_time=10,
    recovery=RecoverySettings(probes=2, probe_timeout=5.0, ramp=(0.1, 0.5), step_time=1.0),
)
"""Two probes after ten seconds, then two steps of a second."""
ADAPTIVE = Settings(slo=SLO)
LED = Settings(slo=SLO, limiter=LimiterSettings(enabled=True))
"""Led by the limiter once a probe went well."""

UNCHANGED, FORWARD, BACK, FAILED, RECOVERED = (
    RecoveryOutcome.UNCHANGED,
    RecoveryOutcome.STEP_FORWARD,
    RecoveryOutcome.STEP_BACK,
    RecoveryOutcome.FAILED,
    RecoveryOutcome.RECOVERED,
)


def opened(settings: Settings = STATED, reason: Reason = Reason.LATENCY) -> Recovery:
    made = Recovery(settings)
    made.open(100.0, reason)
    return made


def probing(settings: Settings = STATED, reason: Reason = Reason.LATENCY) -> Recovery:
    made = opened(settings, reason)
    made.start_probing(110.0)
    return made


def ramping(settings: Settings = STATED, reason: Reason = Reason.LATENCY) -> Recovery:
    """A recovery whose probes went well at 120 s."""
    made = probing(settings, reason)
    while made.phase is RecoveryPhase.PROBES:
        for _ in range(3):
            made.admit(119.0)  # an adaptive probe needs rejections before it
        made.admit(120.0)
        made.report(120.0, good=True)
    return made


def test_it_begins_with_nothing() -> None:
    made = Recovery(STATED)
    assert (made.phase, made.adaptive, made.until) == (RecoveryPhase.WAIT, False, 0.0)
    assert (made.lost_probes, made.probes_in_flight, made.failures) == (0, 0, 0)
    assert not made.deadline_passed
    assert made.share == 0.0
    made.open(100.0, Reason.LATENCY)
    assert made.until == 110.0, "without jitter"


# --- which way


@pytest.mark.parametrize(
    ("settings", "adaptive"),
    [
        (STATED, set[Reason]()),
        (
            Settings(latency_threshold=300),
            {Reason.FAILURE_STREAK, Reason.LATENCY, Reason.ERRORS, Reason.FLEET},
        ),
        (
            ADAPTIVE,
            {
                Reason.FAILURE_STREAK,
                Reason.LATENCY,
                Reason.ERRORS,
                Reason.FLEET,
                Reason.MEMORY,
                Reason.LOAD,
            },
        ),
    ],
)
def test_which_trips_recover_adaptively(settings: Settings, adaptive: set[Reason]) -> None:
    found = {reason for reason in Reason if opened(settings, reason).adaptive}
    assert found == adaptive


def test_a_recovery_that_failed_goes_on_as_it_was() -> None:
    for settings, adaptive in ((STATED, False), (ADAPTIVE, True)):
        made = opened(settings)
        for reason in (Reason.PROBE_FAILED, Reason.RAMP_FAILED):
            made.open(200.0, reason)
            assert made.adaptive is adaptive


def test_a_restart_recovers_as_before_at_once() -> None:
    made = Recovery(ADAPTIVE)
    for reason, adaptive in ((Reason.ERRORS, True), (Reason.RAMP_FAILED, True)):
        made.resume(50.0, 3.0, reason)
        assert (made.adaptive, made.until, made.phase) == (adaptive, 53.0, RecoveryPhase.WAIT)
        assert made.rejected_enough(50.0)
    made.resume(50.0, 3.0, Reason.MANUAL)
    assert not made.adaptive
    other = Recovery(STATED)
    other.resume(50.0, 3.0, Reason.RAMP_FAILED)
    assert not other.adaptive


# --- the wait


def test_three_rejections_are_enough_for_an_adaptive_probe() -> None:
    made = opened(ADAPTIVE)
    assert made.until == 100.25
    for _ in range(2):
        assert not made.admit(100.0)
    assert not made.rejected_enough(1e9), "where calls are few, a service level waits for them"
    assert not made.admit(100.0)
    assert made.rejected_enough(100.0)


def test_thresholds_alone_probe_after_their_wait_whatever_was_rejected() -> None:
    made = Recovery(Settings(latency_threshold=300))
    made.open(100.0, Reason.LATENCY)
    assert made.adaptive
    assert not made.rejected_enough(109.999)
    assert made.rejected_enough(110.0)


def test_a_stated_wait_needs_no_rejections() -> None:
    assert opened().rejected_enough(100.0)


@pytest.mark.parametrize(
    ("settings", "phase", "passed", "deadline"),
    [
        (STATED, RecoveryPhase.WAIT, False, 150.0),
        (STATED, RecoveryPhase.WAIT, True, 150.0),
        (STATED, RecoveryPhase.PROBES, False, inf),
        (STATED, RecoveryPhase.RAMP, True, 150.0),
        (STATED, RecoveryPhase.MEMORY, False, inf),
        (ADAPTIVE, RecoveryPhase.WAIT, False, 150.0),
        (ADAPTIVE, RecoveryPhase.WAIT, True, inf),
        (ADAPTIVE, RecoveryPhase.PROBES, False, 150.0),
        (ADAPTIVE, RecoveryPhase.PROBES, True, inf),
        (ADAPTIVE, RecoveryPhase.RAMP, True, 150.0),
        (LED, RecoveryPhase.RAMP, False, inf),
        (LED, RecoveryPhase.WAIT, False, 150.0),
    ],
)
def test_what_changes_by_time_alone(
    settings: Settings, phase: RecoveryPhase, passed: bool, deadline: float
) -> None:
    made = opened(settings)
    made.phase, made.deadline_passed, made.until = phase, passed, 150.0
    assert made.deadline == deadline


@pytest.mark.parametrize(
    ("settings", "phase", "share"),
    [
        (STATED, RecoveryPhase.WAIT, 0.0),
        (STATED, RecoveryPhase.PROBES, 0.0),
        (STATED, RecoveryPhase.RAMP, 0.1),
        (STATED, RecoveryPhase.MEMORY, 1.0),
        (LED, RecoveryPhase.RAMP, 1.0),
        (LED, RecoveryPhase.PROBES, 0.0),
    ],
)
def test_what_share_of_the_calls_passes(
    settings: Settings, phase: RecoveryPhase, share: float
) -> None:
    made = opened(settings)
    made.phase = phase
    assert made.share == share


# --- probes


def test_as_many_probes_as_are_stated() -> None:
    made = probing()
    assert [made.admit(110.0) for _ in range(3)] == [True, True, False]
    assert made.report(111.0, good=True) is UNCHANGED
    assert not made.admit(111.0), "one in flight, and one that went well"
    assert made.report(111.5, good=True) is FORWARD
    assert (made.phase, made.share, made.until) == (RecoveryPhase.RAMP, 0.1, 112.5)
    assert made.report(112.0, good=False) is UNCHANGED, "nobody waits for it"


def test_without_a_ramp_probes_are_enough() -> None:
    settings = STATED.model_copy(update={"recovery": RecoverySettings(probes=1, ramp=())})
    made = probing(settings)
    made.admit(110.0)
    assert made.report(111.0, good=True) is RECOVERED


@pytest.mark.parametrize(("now", "lost"), [(114.999, 0), (115.0, 2)])
def test_a_probe_is_lost_at_its_time_out(now: float, lost: int) -> None:
    for look in (Recovery.admit, Recovery.tick):
        made = probing()
        made.admit(110.0)
        made.admit(110.0)
        look(made, now)
        assert made.lost_probes == lost
        assert made.probes_in_flight == (2 if not lost else int(look is Recovery.admit))


@pytest.mark.parametrize(("start", "left"), [(109.9, 2), (110.0, 1), (110.5, 1), (112.0, 1)])
def test_an_abandoned_probe_frees_the_place_that_it_took(start: float, left: int) -> None:
    made = probing()
    made.admit(110.0)
    made.admit(111.0)
    made.release(start)
    assert made.probes_in_flight == left
    if left == 1:
        assert made._probes[0] == (111.0 if start < 111 else 110.0)


def test_after_the_probes_no_place_is_freed() -> None:
    made = probing()
    made.admit(110.0)
    made.phase = RecoveryPhase.RAMP
    made.release(110.0)
    assert made.probes_in_flight == 1


def test_a_failed_probe_fails_a_stated_recovery_and_not_an_adaptive_one() -> None:
    made = probing()
    made.admit(110.0)
    assert made.report(111.0, good=False) is FAILED
    assert (made.failures, made.backoff.relapses) == (1, 0)
    other = probing(ADAPTIVE)
    other._rejected = 3
    assert other.admit(110.0)
    assert other.until == 110.25
    other.deadline_passed = True
    assert other.report(110.1, good=False) is UNCHANGED
    assert (other.until, other.failures) == (110.5, 1)
    assert not other.deadline_passed


def test_adaptive_probes_go_one_by_one() -> None:
    made = probing(ADAPTIVE)
    made._rejected, made.deadline_passed = 3, True
    assert not made.admit(109.9)
    assert made.admit(110.0)
    assert not made.deadline_passed
    assert [made.admit(110.3) for _ in range(4)] == [False, False, False, True]
    assert [made.admit(111.0) for _ in range(4)] == [False, False, False, True]
    assert made.probes_in_flight == 3
    assert not any(made.admit(115.0) for _ in range(9)), "no more than are stated at once"


# --- the ramp


def test_a_step_ends_at_its_time() -> None:
    made = ramping()
    assert made.until == 121.0
    assert made.tick(120.999) is UNCHANGED
    assert not made.deadline_passed
    assert made.tick(121.0) is FORWARD
    assert made.deadline_passed
    assert (made.share, made.until) == (0.5, 122.0)
    assert made.tick(121.9) is UNCHANGED
    assert made.tick(122.0) is RECOVERED


def test_a_ramp_that_became_shorter_admits_its_last_share() -> None:
    made = ramping()
    made._step = 5
    assert made.share == 0.5


def test_a_probe_that_reports_in_the_ramp_changes_nothing() -> None:
    made = ramping()
    made._probes.append(110.0)
    assert made.report(120.1, good=False) is UNCHANGED
    assert (made.failures, made.probes_in_flight) == (0, 1)


@pytest.mark.parametrize(
    ("settings", "phase", "step", "begins"),
    [
        (ADAPTIVE, RecoveryPhase.RAMP, 0, True),
        (ADAPTIVE, RecoveryPhase.RAMP, 1, False),
        (ADAPTIVE, RecoveryPhase.PROBES, 0, False),
        (STATED, RecoveryPhase.RAMP, 0, False),
    ],
)
def test_only_after_adaptive_probes_a_ramp_begins_with_a_new_window(
    settings: Settings, phase: RecoveryPhase, step: int, begins: bool
) -> None:
    made = opened(settings)
    made.phase, made._step = phase, step
    assert made.begins_ramp is begins


def test_a_step_back_is_held_twice_as_long_each_time() -> None:
    made = ramping()
    held = []
    for _ in range(7):
        made._step = 1
        assert made.step_back(200.0) is BACK
        assert made.share == 0.1
        held.append(made.until - 200.0)
    assert held == [2, 4, 8, 16, 32, 32, 32]
    assert made.step_back(300.0) is FAILED
    assert made.failures == 1
    made.start_probing(400.0)
    made.phase, made._step = RecoveryPhase.RAMP, 1
    made.step_back(400.0)
    assert made.until == 402.0, "held anew"


def test_what_goes_badly_without_steps_fails() -> None:
    led = ramping(LED)
    led._step = 1
    assert led.step_back(121.0) is FAILED
    memory = opened()
    memory.watch_memory()
    memory._step = 1
    assert memory.step_back(121.0) is FAILED


def test_a_ramp_led_by_the_limiter_has_no_steps() -> None:
    made = ramping(LED)
    assert (made.share, made.begins_ramp) == (1.0, True)
    assert made.admit(120.0)
    assert made.tick(1e6) is UNCHANGED


def test_the_shares_are_admitted_evenly() -> None:
    made = ramping()
    assert [made.admit(120.0) for _ in range(20)] == ([False] * 9 + [True]) * 2
    made._step = 1
    assert [made.admit(120.0) for _ in range(4)] == [False, True, False, True]


def test_a_ramp_begins_anew_after_probes() -> None:
    made = ramping()
    made._credit, made._step = 0.9, 1
    made.start_probing(200.0)
    for _ in range(2):
        made.admit(200.0)
    for _ in range(2):
        made.report(200.0, good=True)
    assert (made.share, made._credit) == (0.1, 0.0)


def test_relapses_begin_and_end_with_less() -> None:
    made = ramping(ADAPTIVE)
    ramp = ADAPTIVE.recovery.ramp
    assert made._ramp == ramp
    made.backoff.relapses = 3
    assert made._ramp == (ramp[0] / 2, *ramp, (1 + ramp[-1]) / 2)
    made.adaptive = False
    assert made._ramp == ramp
    stated = ramping(Settings(slo=SLO, recovery=RecoverySettings(ramp=(0.2,))))
    stated.backoff.relapses = 3
    assert stated._ramp == (0.2,), "a stated ramp is kept"


def test_only_the_last_step_is_held_after_relapses() -> None:
    made = ramping(ADAPTIVE)
    made.backoff.relapses = 3
    made._step_time = 0.5
    made._step = 0
    steps = []
    now = made.until
    while made.tick(now) is FORWARD:
        steps.append(made.until - now)
        now = made.until
        assert len(steps) < 9
    assert steps == pytest.approx([0.5] * (len(ADAPTIVE.recovery.ramp)) + [2.0])


def test_where_nothing_is_stated_a_step_takes_a_tenth_of_the_outage() -> None:
    found = Settings(latency_threshold=300)
    longest = found.ramp_step_time
    for settings, outage, step in (
        (found, longest * 5, longest / 2),
        (found, longest * 100, longest),
        (ADAPTIVE, longest * 5, ADAPTIVE.ramp_step_time),  # failures take its time-out to show
    ):
        made = probing(settings)
        made._opened_at, made._succeeded = 110.0, 1
        assert made.tick(110.0 + outage) is FORWARD
        assert made.until == pytest.approx(110.0 + outage + step)


def test_closing_forgets_the_lost_probes_and_remembers_when() -> None:
    made = ramping()
    made.lost_probes = 3
    made.backoff.failures = 2
    made.close(130.0)
    assert (made.lost_probes, made.failures) == (0, 0)
    assert made.backoff._good_from == 160.0, "as long as the recovery took"
    made.lost_probes = made.backoff.failures = made.backoff.relapses = 3
    made.reset()
    assert (made.lost_probes, made.failures, made.backoff.relapses) == (0, 0, 0)


def test_only_a_ramp_that_fails_is_a_relapse() -> None:
    made = probing()
    made.fail()
    assert made.backoff._good_from == -inf
    ramp = ramping()
    ramp.fail()
    assert ramp.backoff._good_from == inf
