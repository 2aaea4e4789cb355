from __future__ import annotations

import asyncio
import gc
import threading
import time

import pytest

from breakerd.breaker.host.loop_lag import INTERVAL, SPAN, EventLoopLag, LagWindow


def block(seconds: float) -> None:
    """Keeps the thread busy, as a computation would."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_the_mean_of_the_last_two_seconds() -> None:
    window = LagWindow(0.0)
    assert window.mean(0.05) == 0.0, "nothing is due yet"
    window.sample(INTERVAL + 0.3)
    window.sample(INTERVAL + 0.3 + INTERVAL)
    assert window.mean(0.5) == pytest.approx(0.15)
    window.sample(SPAN + 0.45)
    assert window.mean(SPAN + 0.45) == pytest.approx((0 + 1.85) / 2), "the first is old"


def test_a_look_before_its_time_is_not_late() -> None:
    window = LagWindow(0.0)
    window.sample(INTERVAL / 2)
    assert window.mean(INTERVAL / 2) == 0.0


def test_a_loop_that_hangs_is_late_before_it_goes_on() -> None:
    window = LagWindow(0.0)
    assert window.mean(INTERVAL + 7) == 7
    window.sample(INTERVAL)
    assert window.mean(2 * INTERVAL + 3) == pytest.approx(3), "what is old is forgotten meanwhile"


def test_one_pause_is_no_overload() -> None:
    window = LagWindow(0.0)
    now = 0.0
    for late in [0.0] * 15 + [0.2]:
        now += INTERVAL + late
        window.sample(now)
    assert window.mean(now) == pytest.approx(0.2 / 16)


async def test_a_real_loop_that_is_blocked() -> None:
    lag = EventLoopLag()
    assert lag.seconds is None
    lag.watch()
    assert lag.seconds == 0.0
    block(INTERVAL + 0.05)
    assert lag.seconds is not None
    assert lag.seconds >= 0.05, "while it is blocked, before it could look"
    # What is due is run in the first round of the loop, beside this test, or in the second.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (window,) = lag._watched.values()
    ((_, delay),) = window._delays
    assert delay >= 0.05, "and afterwards"


async def test_it_is_seen_from_another_thread_while_it_hangs() -> None:
    lag = EventLoopLag()
    lag.watch()
    seen: list[float | None] = []
    block(INTERVAL + 0.01)
    thread = threading.Thread(target=lambda: seen.append(lag.seconds))
    thread.start()
    thread.join()
    assert seen[0] is not None
    assert seen[0] >= 0.01


async def test_watching_twice_is_watching_once() -> None:
    lag = EventLoopLag()
    lag.watch()
    (window,) = lag._watched.values()
    lag.watch()
    assert list(lag._watched.values()) == [window]


def test_a_loop_that_ended_is_forgotten_without_a_word() -> None:
    lag = EventLoopLag()

    async def served() -> None:
        lag.watch()
        assert lag.seconds is not None

    asyncio.run(served())
    assert lag.seconds is None, "an ended loop does not hang"
    assert lag._watched == {}
    asyncio.run(served())
    assert len(lag._watched) == 1
    gc.collect()  # what is left over would warn here


def test_a_loop_that_is_stopped_does_not_hang() -> None:
    lag = EventLoopLag()
    loop = asyncio.new_event_loop()

    async def served() -> None:
        lag.watch()

    loop.run_until_complete(served())
    assert lag.seconds is None
    loop.close()


def test_the_latest_of_several_loops_counts() -> None:
    lag = EventLoopLag()
    watched, seen = threading.Event(), threading.Event()

    async def other() -> None:
        lag.watch()
        watched.set()
        seen.wait()

    async def here() -> None:
        lag.watch()
        thread = threading.Thread(target=asyncio.run, args=(other(),))
        thread.start()
        watched.wait()
        windows = list(lag._watched.values())
        windows[0]._due = time.monotonic() - 5
        assert lag.seconds is not None
        assert lag.seconds >= 5
        seen.set()
        thread.join()

    asyncio.run(here())


def test_outside_of_a_loop_there_is_nothing_to_watch() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        EventLoopLag().watch()


async def test_a_forked_child_does_not_watch_its_parents_loops() -> None:
    lag = EventLoopLag()
    lag.watch()
    lag.after_fork()
    assert lag.seconds is None
    lag._sample(asyncio.get_running_loop())
    assert lag.seconds is None, "a look that was planned comes to nothing"
