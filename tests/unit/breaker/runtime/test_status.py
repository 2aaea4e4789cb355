"""Status has what alert texts need, with the figures of now."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd import Breaker, Reason, State, Transition
from breakerd.breaker.testing import EventLog, ManualClock

MakeBreaker = Callable[..., Breaker]


def serve(
    breaker: Breaker, clock: ManualClock, calls: int, took: float = 0.05, *, failing: int = 0
) -> None:
    """Let so many calls pass one after the other, of which the last ones of ten fail."""
    for n in range(calls):
        if breaker.allow():
            start = clock()
            clock.advance(took)
            breaker.done(start, clock(), error=n % 10 >= 10 - failing)


def test_a_percentile_of_no_calls_is_none_but_under_go_breakers_key(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make()
    status = breaker.status()
    assert status["current_percentile_exact_ms"] is None
    assert status["current_percentile_ms"] == 0
    serve(breaker, clock, 1)
    assert breaker.status()["current_percentile_exact_ms"] == pytest.approx(50)


def test_the_last_change_has_its_time_and_who_asked_for_it(
    make: MakeBreaker, log: EventLog
) -> None:
    breaker = make()
    assert breaker.status()["last_transition"] is None
    breaker.trip("deploying", by="ada")
    status = breaker.status()
    assert (status["note"], status["note_by"]) == ("deploying", "ada")
    change = status["last_transition"]
    assert change is not None
    assert change["at"] == status["last_trip_time"]
    assert (change["from_state"], change["to_state"]) == ("CLOSED", "OPEN")
    assert (change["reason"], change["note"], change["by"]) == ("manual", "deploying", "ada")
    (trip,) = log.of(Transition)
    assert (trip.reason, trip.note, trip.actor) == (Reason.MANUAL, "deploying", "ada")
    breaker.reset(by="grace")
    change = breaker.status()["last_transition"]
    assert change is not None
    assert (change["to_state"], change["reason"], change["by"]) == ("CLOSED", "reset", "grace")
    assert breaker.status()["note_by"] == ""


@pytest.mark.parametrize(
    ("command", "state"),
    [("force_open", "FORCED_OPEN"), ("disable", "DISABLED"), ("observe", "OBSERVE")],
)
def test_each_command_takes_a_name(command: str, state: str, make: MakeBreaker) -> None:
    breaker = make()
    getattr(breaker, command)(by="ada\ud800")
    change = breaker.status()["last_transition"]
    assert change is not None
    assert change["to_state"] == state
    assert change["by"].startswith("ada")
    assert change["by"].encode()


def test_who_opened_it_outlasts_a_restart(make: MakeBreaker) -> None:
    before, after = make(), make()
    before.trip("deploying", by="ada")
    after.restore(before.snapshot())
    assert after.status()["note_by"] == "ada"
    assert "actor" not in make().snapshot(), "earlier versions would refuse it"


def test_the_service_level_has_shares_beside_its_burn_rates(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(slo={"success_rate": 0.9, "timeout": 2.0, "warmup": 3600.0})
    serve(breaker, clock, 2000, failing=3)
    slo = breaker.status()["slo"]
    assert slo is not None
    assert slo["budget"] == pytest.approx(0.1)
    assert slo["failing_share_10s"] == pytest.approx(0.3, abs=0.05)
    assert slo["failing_share_5min"] == pytest.approx(0.3, abs=0.05)
    assert slo["burn_rate_10s"] == pytest.approx(slo["failing_share_10s"] / 0.1, rel=0.01)


def test_breaches_have_the_figures_of_now(make: MakeBreaker, clock: ManualClock) -> None:
    used = [0.95]
    breaker = make(memory=lambda: used[0])
    clock.advance(1)
    breaker.tick()
    used[0] = 0.79
    clock.advance(1)
    breaker.tick()
    (breach,) = breaker.status()["breaches"]
    assert breach["sentence"] == "79% of memory in use (limit 80%)"
    assert breaker.status()["evidence"][0]["sentence"] == "95% of memory in use (limit 80%)"


def test_the_limiter_tells_the_share_that_it_turns_away_and_how_many_were_wanted(
    make: MakeBreaker, clock: ManualClock
) -> None:
    """Of three calls that come every tenth of a second, a limit of two lets two pass."""
    breaker = make(limiter={"enabled": True, "max_limit": 2})
    limiter = breaker.status()["limiter"]
    assert limiter is not None
    assert limiter["shed_share"] is None
    for _ in range(400):
        starts = [clock() for _ in range(3) if breaker.allow()]
        clock.advance(0.1)
        breaker.tick()
        for start in starts:
            breaker.done(start, clock())
    limiter = breaker.status()["limiter"]
    assert limiter is not None
    assert limiter["shed_share"] == pytest.approx(1 / 3, abs=0.02)
    assert limiter["wanted"] == pytest.approx(3, abs=0.1)
    assert breaker.state is State.CLOSED
    for _ in range(1200):
        clock.advance(0.1)
        breaker.tick()
    limiter = breaker.status()["limiter"]
    assert limiter is not None
    assert limiter["shed_share"] is None, "there are no calls any more"
