from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from breakerd import Breaker, Event, RecoverySettings, Settings, State, Transition
from breakerd.breaker.runtime.ticker import Ticker
from tests.support.polling import until


def test_time_passes_without_calls() -> None:
    half_open = threading.Event()
    breaker = Breaker(Settings(wait_time=1), memory=lambda: 0.1)

    def listen(event: Event) -> None:
        if isinstance(event, Transition) and event.to_state == "HALF_OPEN":
            half_open.set()

    breaker.subscribe(listen)
    breaker.trip()
    # Most rejections do not read the clock: it is the ticker that ends the wait.
    assert not any(breaker.allow() for _ in range(100))
    assert half_open.wait(20)
    breaker.close()


def test_what_falls_due_sooner_than_the_ticker_knew() -> None:
    recovery = RecoverySettings(probes=1, ramp=(0.5,), step_time=1)
    settings = Settings(wait_time=1, memory_check_interval=60, recovery=recovery)
    breaker = Breaker(settings, memory=lambda: 0.1)
    reached = {state: threading.Event() for state in State}

    def listen(event: Event) -> None:
        if isinstance(event, Transition):
            reached[event.to_state].set()

    breaker.subscribe(listen)
    breaker.trip()
    assert reached[State.HALF_OPEN].wait(20)
    with breaker.guard():  # the probe; after it the ramp goes on by time alone
        pass
    assert reached[State.CLOSED].wait(20)
    breaker.close()


def test_a_shorter_interval_counts_at_once() -> None:
    read = threading.Semaphore(0)

    def memory() -> float:
        read.release()
        return 0.1

    breaker = Breaker(Settings(memory_check_interval=60), memory=memory)
    assert breaker.allow()
    while read.acquire(timeout=0.5):
        """What is read in the beginning."""
    breaker.apply(Settings(memory_check_interval=0.05))
    for _ in range(3):
        assert read.acquire(timeout=20)
    breaker.close()


def test_a_closed_breaker_lives_by_its_calls() -> None:
    breaker = Breaker(Settings(recovery=RecoverySettings(probes=1)), memory=lambda: 0.1)
    breaker.close()
    breaker.trip()
    assert not breaker.allow()


def test_a_failing_member_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    ticked = threading.Event()

    class Failing:
        def tick(self) -> float:
            raise RuntimeError("own fault")

    class Working:
        rounds = 0

        def tick(self) -> float:
            self.rounds += 1
            if self.rounds == 3:  # by then, the others had their turn
                ticked.set()
            return 0.0

    ticker, failing, working = Ticker(), Failing(), Working()
    with caplog.at_level(logging.ERROR, "breakerd.breaker.runtime.ticker"):
        ticker.add(failing)
        ticker.add(working)
        assert ticker.start()
        assert ticked.wait(10)
    assert "tick failed" in caplog.text
    ticker.discard(failing)
    ticker.discard(working)


def test_only_what_is_due_is_called() -> None:
    class Member:
        def __init__(self) -> None:
            self.ticks = 0
            self.ticked = threading.Event()

        def tick(self) -> float:
            self.ticks += 1
            self.ticked.set()
            return 3600.0

    ticker, busy, quiet = Ticker(), Member(), Member()
    assert ticker.start()
    for member in (busy, quiet):
        ticker.add(member)
        assert member.ticked.wait(10)
    for number in range(2, 12):
        busy.ticked.clear()
        ticker.wake(busy)
        assert busy.ticked.wait(10)
        assert busy.ticks == number
    assert quiet.ticks == 1
    ticker.discard(quiet)
    ticker.wake(quiet)
    busy.ticked.clear()
    ticker.wake(busy)
    assert busy.ticked.wait(10)
    assert quiet.ticks == 1


FORK = """
    import os, sys, threading
    from breakerd import Breaker, Settings, Transition

    breaker = Breaker(Settings(wait_time=1), memory=lambda: 0.1)
    assert breaker.allow()
    breaker._core.lock.acquire()  # as if another thread were in the middle of something
    child = os.fork()
    if child == 0:
        probing = threading.Event()
        breaker.subscribe(lambda e: probing.set() if e.to_state == "HALF_OPEN" else None)
        if breaker.in_flight:
            os._exit(2)
        breaker.trip()
        os._exit(0 if probing.wait(20) else 1)
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_survives_a_fork() -> None:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(FORK)], timeout=60, check=False)
    assert done.returncode == 0


class Member:
    """Counts its ticks; the first raises."""

    def __init__(self, error: BaseException) -> None:
        self.error: BaseException | None = error
        self.ticks = threading.Semaphore(0)

    def tick(self) -> float:
        self.ticks.release()
        error, self.error = self.error, None
        if error is not None:
            raise error
        return 0.0


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)], ids=["error", "exit"])
def test_a_member_that_fails_does_not_end_the_ticker(error: BaseException) -> None:
    """A listener may call `sys.exit`, which ends no process from a thread."""
    ticker, failing, other = Ticker(), Member(error), Member(ValueError("no"))
    assert ticker.start()
    ticker.add(failing)
    assert failing.ticks.acquire(timeout=30)
    ticker.add(other)
    assert other.ticks.acquire(timeout=30)
    assert ticker.running
    ticker.discard(failing)
    ticker.discard(other)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_ticker_whose_thread_has_ended_does_not_run() -> None:
    ticker, member = Ticker(), Member(KeyboardInterrupt())
    assert ticker.start()
    ticker.add(member)
    until(lambda: not ticker.running)
    assert "has ended" in ticker.problem
