"""Threads that hang are seen by the ticker, though no call begins or ends any more."""

from __future__ import annotations

import threading

from breakerd import Breaker, Settings
from tests.support.polling import until


def test_workers_that_hang_open_a_breaker_on_the_real_clock() -> None:
    breaker = Breaker(
        Settings(latency_threshold=50, memory_check_interval=0.05), memory=lambda: 0.1
    )
    answer = threading.Event()

    def work() -> None:
        with breaker.guard():
            answer.wait()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(10)]
    try:
        for worker in workers:
            worker.start()
        until(lambda: breaker.triggered)
        status = breaker.status()
        assert status["reason"] == "latency"
        assert status["calls"]["success"] == 0
        assert "10 calls in flight, none has returned for" in status["evidence"][0]["sentence"]
    finally:
        answer.set()
        for worker in workers:
            worker.join()
        breaker.close()
