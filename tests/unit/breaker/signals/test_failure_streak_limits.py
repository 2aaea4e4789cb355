"""The failure streak against its formulas: how many failures it takes, and what it learns."""

from __future__ import annotations

from math import exp, log

import pytest

from breakerd.breaker.signals.failure_streak import FailureStreak

TIMEOUT = 2.0


class Usual:
    """Facts that a streak knows of a service: its rate of calls, and how many fail as a rule."""

    def __init__(self) -> None:
        self.rate = self.weight = 0.0
        self.short, self.long = 0.0, 0.05

    def advance(self, seconds: float, attempts: int) -> None:
        kept = exp(-seconds / 10)
        self.rate = self.rate * kept + attempts / seconds * (1 - kept)
        self.weight = self.weight * kept + 1 - kept

    def learn(self, failures: int, successes: int) -> None:
        failures = min(10, failures)
        for _ in range(failures):
            self.short += (1 - self.short) / 64
            self.long += (1 - self.long) / 512
        for _ in range(successes):
            self.short -= self.short / 64
            self.long -= self.long / 512

    @property
    def share(self) -> float:
        return min(0.8, max(0.02, self.short, 1.2 * self.long))

    def shows_outage(self, failures: int, pending: float = 0.0) -> bool:
        rate = max(0.01, self.rate + (1 - self.weight) * 10)
        against_usual = failures * log(0.95 / self.share) + pending * log(0.05 / (1 - self.share))
        return (
            failures >= 2
            and against_usual >= log(3600 * rate)
            and against_half(failures, pending) >= 1.2 * log(1 + 2 * rate)
        )


def against_half(failures: int, pending: float) -> float:
    return failures * log(0.95 / 0.5) + pending * log(0.05 / 0.5)


class Service:
    """A service whose calls take no time, and what should be known of it."""

    def __init__(self, rate: float = 0.0, seconds: int = 60) -> None:
        self.streak, self.usual = FailureStreak(TIMEOUT), Usual()
        self.now, self.admitted = 0.0, 0
        for _ in range(seconds):
            self.second(rate)

    def second(self, rate: float) -> None:
        attempts = int((self.now + 1) * rate) - int(self.now * rate)
        self.now += 1.0
        self.admitted += attempts
        self.streak.advance(
            self.now, seconds=1.0, attempts=attempts, successes=attempts, admitted=self.admitted
        )
        self.usual.advance(1.0, attempts)
        self.usual.learn(0, attempts)

    def fail(self, *, pending: int = 0) -> bool:
        """One more failure, which begins and ends now; `pending` calls began in the streak."""
        admitted = self.admitted + pending + self.streak.failures + 1
        if not self.streak.failures:
            admitted = self.admitted
        return self.streak.record_failure(self.now, self.now, self.now, admitted)

    def failures_needed(self) -> int:
        return next(n for n in range(1, 1000) if self.fail())


@pytest.mark.parametrize("rate", [0.02, 0.2, 1, 2, 5, 12, 40, 150, 1000, 20_000])
def test_how_many_failures_it_takes_at_a_rate(rate: float) -> None:
    service = Service(rate, 120)
    wanted = next(n for n in range(1, 1000) if service.usual.shows_outage(n))
    assert service.failures_needed() == wanted


@pytest.mark.parametrize("seconds", [0, 1, 3, 10, 30])
@pytest.mark.parametrize("rate", [1, 3000])
def test_until_its_rate_is_known_ten_a_second_are_assumed(rate: int, seconds: int) -> None:
    service = Service(rate, seconds)
    wanted = next(n for n in range(1, 1000) if service.usual.shows_outage(n))
    assert service.failures_needed() == wanted


@pytest.mark.parametrize("failures", [2, 3])
def test_the_limit_is_one_false_alarm_an_hour(failures: int) -> None:
    # The rate at which so many failures are just once an hour by chance; it sinks in silence.
    rate = (0.95 / 0.06) ** failures / 3600
    silence = -10 * log(rate / 10)
    for seconds, enough in ((silence * 1.00001, True), (silence * 0.99999, False)):
        streak = FailureStreak(TIMEOUT)
        streak.advance(seconds, seconds=seconds, attempts=0, successes=0, admitted=0)
        shown = [streak.record_failure(seconds, seconds, seconds, 0) for _ in range(failures)]
        assert shown == [False] * (failures - 1) + [enough]


@pytest.mark.parametrize("failures", [4, 5])
def test_a_busier_service_must_be_surer_that_not_half_succeeds(failures: int) -> None:
    # The rate at which so many failures just outweigh the successes that rejecting would cost.
    rate = (exp(against_half(failures, 0) / 1.2) - 1) / 2
    silence = -10 * log(rate / 10)
    for seconds, enough in ((silence * 1.00001, True), (silence * 0.99999, False)):
        streak = FailureStreak(TIMEOUT)
        streak.advance(seconds, seconds=seconds, attempts=0, successes=0, admitted=0)
        shown = [streak.record_failure(seconds, seconds, seconds, 0) for _ in range(failures)]
        assert shown == [False] * (failures - 1) + [enough]


def test_a_silent_service_is_not_one_of_no_calls() -> None:
    service = Service(0.0, 400)
    assert service.usual.rate == 0.0
    wanted = next(n for n in range(1, 1000) if service.usual.shows_outage(n))
    assert service.failures_needed() == wanted == 2


@pytest.mark.parametrize("streak", [1, 2, 5, 9, 10, 11, 40])
def test_what_fails_as_a_rule_is_learnt(streak: int) -> None:
    service = Service(5.0, 20)
    for _ in range(60):
        for _ in range(streak):
            service.fail()
        service.streak.record_success(service.now, congested=False)
        service.second(5.0)
        # The streak that ended counts with the successes of the interval, before them.
        service.usual.short, service.usual.long = relearnt(service, streak)
        assert service.streak.expected_failure_rate == pytest.approx(service.usual.share)
    wanted = next(n for n in range(1, 1000) if service.usual.shows_outage(n))
    assert service.failures_needed() == wanted


def relearnt(service: Service, streak: int) -> tuple[float, float]:
    """Return the rates with the streak before the five successes that were learnt already."""
    usual = Usual()
    usual.short = service.usual.short / (1 - 1 / 64) ** 5
    usual.long = service.usual.long / (1 - 1 / 512) ** 5
    usual.learn(streak, 5)
    return usual.short, usual.long


def test_the_share_that_fails_as_a_rule_has_limits() -> None:
    assert FailureStreak(TIMEOUT).expected_failure_rate == pytest.approx(0.06)
    assert Service(50.0, 60).streak.expected_failure_rate == 0.02
    service = Service(1.0, 1)
    for _ in range(2000):
        for _ in range(10):
            service.fail()
        service.streak.record_success(service.now, congested=False)
        service.second(1.0)
    assert service.streak.expected_failure_rate == 0.8


@pytest.mark.parametrize("rate", [1, 40])
@pytest.mark.parametrize("pending", range(5))
def test_a_call_that_may_still_succeed_speaks_against_it(rate: float, pending: int) -> None:
    service = Service(rate, 60)
    service.fail()
    for failures in range(2, 60):
        shown = service.fail(pending=pending)
        assert (service.streak.failures > 0) == (against_half(failures, pending) >= 0)
        if not service.streak.failures:
            return
        assert shown == service.usual.shows_outage(failures, pending)


def test_no_time_at_all_teaches_nothing_of_the_rate() -> None:
    service = Service(5.0, 20)
    wanted = next(n for n in range(1, 1000) if service.usual.shows_outage(n))
    service.streak.advance(service.now, seconds=0.0, attempts=7, successes=0, admitted=100)
    assert service.failures_needed() == wanted


@pytest.mark.parametrize(("start", "ends"), [(9.999, False), (10.0, True), (10.001, True)])
def test_a_success_ends_a_streak_that_it_did_not_precede(start: float, ends: bool) -> None:
    streak = FailureStreak(TIMEOUT)
    streak.record_failure(10.0, 10.0, 10.0, 1)
    streak.record_failure(11.0, 11.0, 11.0, 2)
    streak.record_success(start, congested=False)
    assert (streak.failures == 0) is ends


@pytest.mark.parametrize(("start", "counts"), [(10.999, 0), (11.0, 1)])
def test_a_reset_forgets_calls_that_began_before_it(start: float, counts: int) -> None:
    streak = FailureStreak(TIMEOUT)
    streak.record_failure(10.0, 10.0, 10.0, 1)
    streak.reset(11.0)
    assert streak.failures == 0
    assert not streak.record_failure(12.0, start, 12.0, 2)
    assert streak.failures == counts


@pytest.mark.parametrize(("start", "counts"), [(10.999, 0), (11.0, 1)])
def test_calls_that_queue_are_forgiven_and_no_others(start: float, counts: int) -> None:
    streak = FailureStreak(TIMEOUT)
    streak.forgive_queued(11.0)
    assert not streak.record_failure(12.0, start, 12.0, 2)
    assert (streak.failures, streak.length) == (counts, 1)


def test_a_new_streak_has_no_failures() -> None:
    streak = FailureStreak(TIMEOUT)
    assert not streak.active
    assert streak.length == 0
    streak.record_failure(10.0, 10.0, 10.0, 1)
    assert (streak.active, streak.length) == (True, 1)
    streak.advance(10.1, seconds=0.1, attempts=2, successes=1, admitted=2)
    assert (streak.active, streak.length) == (True, 1), "of a call that began before it"


@pytest.mark.parametrize(("admitted", "failures"), [(4, 0), (2, 1)])
def test_nothing_was_admitted_before_the_first_sample(admitted: int, failures: int) -> None:
    streak = FailureStreak(TIMEOUT)
    for now, count in ((10.0, 0), (11.0, admitted)):
        streak.advance(now, seconds=1.0, attempts=0, successes=0, admitted=count)
    # By 10.5 s half of them had begun: the one that failed, and one that may still succeed.
    streak.record_failure(11.0, 9.0, 9.5, admitted)
    assert streak.failures == failures


def hanging(timeout: float = 1.0) -> FailureStreak:
    """Forty calls a second; those of the first two seconds succeed."""
    streak = FailureStreak(timeout)
    for n in range(40):
        served = 4 if n < 20 else 0
        streak.advance(n / 10, seconds=0.1, attempts=4, successes=served, admitted=4 * n)
    return streak


def test_how_many_calls_hang() -> None:
    streak = hanging()
    # 116 were admitted by 2.9 s, so 40 of the 80 in flight are younger than the time-out.
    assert streak.hung(3.9, in_flight=80, admitted=156) == 40
    assert streak.hung(3.9, in_flight=41, admitted=156) == 0, "one call is no streak"
    assert streak.hung(3.9, in_flight=40, admitted=156) == 0


@pytest.mark.parametrize("timeout", [0.2, 1.0, 20.0])
def test_calls_hang_alike_whatever_the_time_out(timeout: float) -> None:
    streak = FailureStreak(timeout)
    for n in range(40):
        served = 4 if n < 20 else 0
        now, seconds = n * timeout / 10, timeout / 10
        streak.advance(now, seconds=seconds, attempts=4, successes=served, admitted=4 * n)
    # 118 were admitted until a time-out ago, so 38 of the 80 in flight are younger.
    assert streak.hung(3.95 * timeout, in_flight=80, admitted=156) == 42


def test_nothing_hangs_within_a_time_out_of_the_last_success() -> None:
    streak = hanging()
    assert streak.hung(2.899, in_flight=150, admitted=120) == 0
    assert streak.hung(2.9, in_flight=150, admitted=120) > 100


@pytest.mark.parametrize("before", [0.5, 0.25])
def test_calls_withdrawn_are_not_pending(before: float) -> None:
    service, other = Service(1.0, 60), Service(1.0, 60)
    for each in (service, other):
        each.streak.record_failure(each.now, each.now, each.now, each.admitted)
        each.now += 0.5
    for _ in range(3):
        service.streak.withdraw(service.now, service.now - before)
    for _ in range(4):
        # Each time three more were admitted than failed: withdrawn here, pending there.
        service.fail(pending=3)
        other.fail(pending=3)
    assert service.streak.failures == 5
    assert other.streak.failures < 5


def test_a_call_withdrawn_from_before_the_streak_is_not_one_of_it() -> None:
    service, other = Service(1.0, 60), Service(1.0, 60)
    for each in (service, other):
        each.streak.record_failure(each.now, each.now, each.now, each.admitted)
        each.now += 0.5
    for _ in range(3):
        service.streak.withdraw(service.now, service.now - 10.0)
    for _ in range(4):
        service.fail(pending=3)
        other.fail(pending=3)
    assert service.streak.failures == other.streak.failures


def test_calls_withdrawn_do_not_hang() -> None:
    streak = hanging()
    assert streak.hung(3.9, in_flight=60, admitted=156) == 20
    for _ in range(10):
        streak.withdraw(3.9, 3.5)
    # Ten of those that are younger than the time-out are in flight no more.
    assert streak.hung(3.9, in_flight=50, admitted=156) == 20


def test_calls_too_young_to_have_failed_do_not_speak_against_it() -> None:
    streak = FailureStreak(5.0)
    shown = False
    for n in range(1, 121):
        now = n / 10
        streak.advance(now, seconds=0.1, attempts=4, successes=4 if n < 60 else 0, admitted=4 * n)
        if n >= 70:  # each call that began from 6 s on fails after a second
            shown |= any(streak.record_failure(now, now - 1.0, now, 4 * n) for _ in range(4))
    assert shown
