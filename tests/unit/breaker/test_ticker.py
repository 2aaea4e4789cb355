from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from breaker import Breaker, Event, RecoverySettings, Settings, Transition
from breaker.ticker import Ticker


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

        def after_fork(self) -> None: ...

    class Working:
        rounds = 0

        def tick(self) -> float:
            self.rounds += 1
            if self.rounds == 3:  # by then, the others had their turn
                ticked.set()
            return 0.0

        def after_fork(self) -> None: ...

    ticker, failing, working = Ticker(), Failing(), Working()
    with caplog.at_level(logging.ERROR, "breaker.ticker"):
        ticker.add(failing)
        ticker.add(working)
        assert ticked.wait(10)
    assert "tick failed" in caplog.text
    ticker.discard(failing)
    ticker.discard(working)


FORK = """
    import os, sys, threading
    from breaker import Breaker, Settings, Transition

    breaker = Breaker(Settings(wait_time=1), memory=lambda: 0.1)
    breaker._lock.acquire()  # as if another thread were in the middle of something
    child = os.fork()
    if child == 0:
        probing = threading.Event()
        breaker.subscribe(lambda e: probing.set() if e.to_state == "HALF_OPEN" else None)
        breaker.trip()
        os._exit(0 if probing.wait(20) else 1)
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_survives_a_fork() -> None:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(FORK)], timeout=60, check=False)
    assert done.returncode == 0
