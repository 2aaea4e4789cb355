"""What is measured beside our breaker does break: else the comparison would mean nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from benchmarks.calls.comparison import WrongStateError
from benchmarks.calls.timed_loop import coroutine, plain
from benchmarks.peers import async_peers as async_rivals
from benchmarks.peers import sync_peers as rivals
from benchmarks.peers.comparison import installed
from benchmarks.peers.naive_go_breaker import NaiveGoBreaker
from benchmarks.peers.peer import Rival

FORMS = [*rivals.RIVALS.values(), *async_rivals.RIVALS.values()]


def gone() -> Iterator[Rival]:
    raise ImportError("No module named 'gone'")
    yield


def fail() -> None:
    raise LookupError


async def fail_async() -> None:
    raise LookupError


@pytest.mark.parametrize("forms", [form for form in FORMS if form is not rivals.naive_go_breaker])
def test_each_opens_and_is_not_measured_then(
    forms: Callable[[], Iterator[Rival]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rivals, "nothing", fail)
    monkeypatch.setattr(async_rivals, "nothing_async", fail_async)
    with asyncio.Runner() as runner:
        for rival in forms():
            rival.begin()
            if forms in async_rivals.RIVALS.values():
                loop = coroutine(runner, rival.body, **rival.names)
            else:
                loop = plain(rival.body, **rival.names)
            for _ in range(200):
                with suppress(Exception):  # its own, once it is open
                    loop.run(1)
            with pytest.raises(WrongStateError):
                rival.end(1)


@pytest.mark.parametrize("forms", FORMS)
def test_each_is_closed_when_it_is_made(forms: Callable[[], Iterator[Rival]]) -> None:
    for rival in forms():
        rival.begin()
        assert rival.note


def test_one_that_has_opened_is_not_measured() -> None:
    breaker = NaiveGoBreaker(window=4, threshold=50)
    rival = Rival("naive", "", {}, lambda: breaker.tripped, closed=False, note="")
    rival.begin()
    breaker.done(0, 1)
    with pytest.raises(WrongStateError, match="naive is True, not False"):
        rival.end(1)


def test_a_package_that_is_not_installed_has_a_row_that_says_so() -> None:
    found, (missing,) = installed({"naive": rivals.naive_go_breaker, "gone": gone})
    assert len(found) == 3
    assert missing.note == "not measured: No module named 'gone'"


class TestNaiveGoBreaker:
    def test_opens_at_the_percentile_and_closes_after_the_wait(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [100.0]
        monkeypatch.setattr("time.monotonic", lambda: now[0])
        breaker = NaiveGoBreaker(window=20, threshold=50, percentile=0.9, wait=10)
        for _ in range(18):
            breaker.done(0, 0.01)
        breaker.done(0, 0.1)
        assert breaker.allow()  # one of 19
        breaker.done(0, 0.1)
        assert not breaker.allow()
        now[0] += 10
        assert breaker.allow()
        assert breaker.samples == []

    def test_with_trend_it_opens_only_on_a_rise_or_a_plateau(self) -> None:
        samples = [100.0 if n % 4 == 0 else 10.0 for n in range(64)]
        flat = NaiveGoBreaker(threshold=50, trend=True, samples=samples)
        for n in range(64):
            flat.done(0, samples[n] / 1000)
        assert flat.too_slow()
        assert not flat.tripped
        rising = NaiveGoBreaker(window=16, threshold=50, trend=True)
        for n in range(20):
            rising.done(0, 0.004 * n)
        assert rising.tripped
        plateau = NaiveGoBreaker(window=16, threshold=50, trend=True)
        for _ in range(10):
            plateau.done(0, 0.08)
        assert plateau.tripped

    def test_short_of_memory_it_lets_nothing_in(self) -> None:
        assert not NaiveGoBreaker(memory_used=80).allow()
