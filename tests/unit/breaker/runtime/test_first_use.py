"""Nothing runs in the background until the first use in a process."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from breakerd import Breaker, Registry, Settings, State
from breakerd.breaker.runtime.ticker import TICKER, Ticker
from tests.support.program import run_program


@pytest.fixture
def hooks() -> list[str]:
    """Threads in which the hook was called."""
    return []


@pytest.fixture
def registry(hooks: list[str]) -> Iterator[Registry]:
    made = Registry(memory=lambda: 0.1)
    made.on_first_use = lambda: hooks.append(threading.current_thread().name)
    yield made
    made.close()


def enter(breaker: Breaker) -> None:
    with breaker.guard():
        pass


def enter_async(breaker: Breaker) -> None:
    async def run() -> None:
        async with breaker.guard():
            pass

    asyncio.run(run())


def end_drill(breaker: Breaker) -> None:
    breaker.drills.end_memory()


USES: dict[str, Callable[[Breaker], object]] = {
    "allow": lambda breaker: breaker.allow(),
    "done": lambda breaker: breaker.done(breaker.clock(), breaker.clock()),
    "an error": lambda breaker: breaker.done(breaker.clock(), breaker.clock(), error=True),
    "guard": enter,
    "async guard": enter_async,
    "call": lambda breaker: breaker.call(int),
    "decorated": lambda breaker: breaker(int)(),
    "trip": lambda breaker: breaker.trip(),
    "reset": lambda breaker: breaker.reset(),
    "enable": lambda breaker: breaker.enable(),
    "disable": lambda breaker: breaker.disable(),
    "observe": lambda breaker: breaker.observe(),
    "force_open": lambda breaker: breaker.force_open(),
    "latency drill": lambda breaker: breaker.drills.latency(),
    "memory drill": lambda breaker: breaker.drills.memory(),
    "end of a drill": end_drill,
}
LOOKS: dict[str, Callable[[Registry], object]] = {
    "get": lambda registry: registry.get("new"),
    "iteration": lambda registry: [breaker.state for breaker in registry],
    "status": lambda registry: registry.get().status(),
    "snapshot": lambda registry: registry.get().snapshot(),
    "counters": lambda registry: registry.get().counters(),
    "baseline": lambda registry: registry.get().baseline(),
    "latencies": lambda registry: registry.get().latencies_above(1),
    "figures": lambda registry: (
        registry.get().memory_ok,
        registry.get().latency_ok,
        registry.get().healthy,
        registry.get().in_flight,
        registry.get().retry_after,
        registry.get().concurrency_limit,
    ),
    "restore": lambda registry: registry.get().restore(Breaker().snapshot()),
    "apply": lambda registry: registry.get().apply(Settings(wait_time=3)),
    "change": lambda registry: registry.change("default", {"wait_time": 3}),
    "subscribe": lambda registry: registry.subscribe(lambda _: None),
    "abandon": lambda registry: registry.get().abandon(registry.get().clock()),
    "repr": lambda registry: repr(registry.get()),
}


@pytest.mark.parametrize("use", USES)
def test_a_use_calls_the_hook_once_in_its_thread(
    registry: Registry, hooks: list[str], use: str
) -> None:
    USES[use](registry.get("payments"))
    assert hooks == [threading.current_thread().name]
    USES[use](registry.get("orders"))
    assert len(hooks) == 1, "once for the registry"
    assert TICKER.running


@pytest.mark.parametrize("look", LOOKS)
def test_looking_is_no_use(registry: Registry, hooks: list[str], look: str) -> None:
    LOOKS[look](registry)
    assert not hooks
    registry.get().allow()
    assert len(hooks) == 1


def test_a_request_can_count_as_use(registry: Registry, hooks: list[str]) -> None:
    registry.use()
    registry.use()
    assert len(hooks) == 1


def test_the_hook_is_called_on_any_clock(hooks: list[str]) -> None:
    registry = Registry(clock=lambda: 5.0)
    registry.on_first_use = lambda: hooks.append("called")
    assert not hooks
    assert registry.get().allow()
    assert registry.get().allow()
    assert hooks == ["called"]


def test_after_close_a_call_starts_nothing(registry: Registry, hooks: list[str]) -> None:
    registry.close()
    assert registry.get().allow()
    assert registry.get("new").allow()
    registry.use()
    assert not hooks
    assert "closed" in registry.not_running()["ticker"]
    registry.start()
    assert registry.get().allow()
    assert "ticker" not in registry.not_running()
    assert not hooks, "it was started by hand"


def test_a_breaker_that_was_closed_itself_stays_closed(registry: Registry) -> None:
    closed, other = registry.get("closed"), registry.get("other")
    closed.close()
    registry.close()
    registry.start()
    assert not closed._core._background
    assert other._core._background


def test_the_hook_holds_no_lock(registry: Registry) -> None:
    answers: list[object] = []

    def look() -> None:
        answers.append(registry.get("payments").status()["state"])
        answers.append(registry.get("new").allow())
        registry.change("payments", {"wait_time": 3})

    def hook() -> None:
        other = threading.Thread(target=look)
        other.start()
        other.join(30)

    registry.on_first_use = hook
    registry.get("payments").force_open()
    assert answers == ["CLOSED", True]


def test_a_failing_hook_is_logged(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    def hook() -> None:
        raise OSError("own fault")

    registry.on_first_use = hook
    with caplog.at_level(logging.ERROR, "breakerd"):
        assert registry.get().allow()
        assert registry.get().allow()
    assert caplog.text.count("start at first use failed") == 1
    assert "own fault" in caplog.text


def test_time_passes_when_somebody_looks() -> None:
    saved = Breaker(Settings(wait_time=10), memory=lambda: 0.1)
    saved.trip()
    data = saved.snapshot()
    saved.close()
    for age, state in ((1, State.OPEN), (60, State.HALF_OPEN)):
        breaker = Breaker(Settings(wait_time=10), memory=lambda: 0.1)
        breaker.restore(data | {"saved_at": data["saved_at"] - age})
        assert breaker._core.dormant
        assert breaker.state is state
        assert breaker.triggered
        assert breaker.status()["state"] == state
        assert breaker.allow() is (state is State.HALF_OPEN)
        breaker.close()


def test_memory_is_read_when_somebody_looks() -> None:
    used = 0.1
    breaker = Breaker(Settings(memory_check_interval=0.05), memory=lambda: used)
    assert breaker.memory_ok
    used = 0.99
    breaker._core.readings.next_due = breaker._core._schedule.next_due = breaker.clock()
    assert not breaker.memory_ok
    assert breaker.memory_utilization == 0.99
    breaker.close()


def test_the_first_call_meets_the_present_state() -> None:
    """The wait is over although nobody let time pass, and the call says so."""
    saved = Breaker(Settings(wait_time=1), memory=lambda: 0.1)
    saved.trip()
    data = saved.snapshot()
    saved.close()
    breaker = Breaker(Settings(wait_time=1), memory=lambda: 0.1)
    breaker.restore(data | {"saved_at": data["saved_at"] - 60})
    assert breaker.allow()
    assert breaker.state is State.HALF_OPEN
    breaker.close()


def test_the_first_call_meets_the_present_memory() -> None:
    used = 0.1
    breaker = Breaker(memory=lambda: used)
    used = 0.99
    breaker._core.readings.next_due = breaker.clock()  # as after `memory_check_interval`
    assert not breaker.allow()
    breaker.close()


IMPORT_ONLY = """
    import json, os, sys, threading
    from pathlib import Path
    from breakerd import Breaker, Registry, StateAutosaver

    def threads():
        names = [thread.name for thread in threading.enumerate()]
        return names, len(os.listdir("/proc/self/task"))

    folder = Path(sys.argv[1])
    file = folder / "breakers.toml"
    file.write_text("latency_threshold = 600\\n[breakers.payments]\\n")
    registry = Registry.from_file(file)
    saver = StateAutosaver(registry, folder / "var" / "breakers.json")
    alone = Breaker(), Breaker.from_file(file, name="alone")
    for breaker in registry:
        breaker.status()
    before, missing = threads(), registry.not_running()
    status = registry.get("new").status()["not_running"]
    held = (folder / "var").exists()
    registry.get("payments").allow()
    print(json.dumps([before, missing, status, held, "breaker-ticker" in threads()[0]]))
"""


def test_a_process_that_only_imports_has_no_thread_and_no_file(tmp_path: object) -> None:
    (names, tasks), missing, status, held, ticks = run_program(IMPORT_ONLY, tmp_path)
    assert names == ["MainThread"]
    assert tasks == 1
    assert not held
    assert ticks
    assert status == missing
    assert set(missing) == {"ticker", "file", "state"}
    assert "starts with the first call" in missing["ticker"]
    assert f"{tmp_path}/breakers.toml are not followed: not started yet" in missing["file"]
    assert f"not saved to {tmp_path}/var/breakers.json: not started yet" in missing["state"]


NO_THREADS = """
    import json, logging, sys, threading
    from pathlib import Path
    from breakerd import Registry, State, Settings
    from breakerd.breaker.runtime import ticker
    from breakerd.breaker.registry import background

    logged = []
    class Keep(logging.Handler):
        def emit(self, record):
            logged.append(record.event)
    logging.getLogger("breakerd").addHandler(Keep())

    start = threading.Thread.start
    def refuse(thread):
        raise RuntimeError("can't start new thread")
    threading.Thread.start = refuse
    ticker._RETRY_TIME = background._RETRY_TIME = 0.1

    file = Path(sys.argv[1])
    file.write_text("wait_time = 1\\n")
    registry = Registry.from_file(file, memory=lambda: 0.1)
    breaker = registry.get()
    found = {"allowed": [breaker.allow() for _ in range(100)]}
    breaker.trip()
    found["rejected"] = not breaker.allow()
    found["missing"] = registry.not_running()
    while not breaker.allow():
        "Calls let time pass."
    found["state"] = breaker.state
    found["logged"] = list(logged)

    threading.Thread.start = start
    while registry.not_running():
        breaker.allow()
    print(json.dumps(found))
"""


def test_without_threads_calls_go_on_and_it_is_tried_again(tmp_path: object) -> None:
    found = run_program(NO_THREADS, f"{tmp_path}/breakers.toml")
    assert all(found["allowed"])
    assert found["rejected"]
    assert found["state"] == State.HALF_OPEN
    assert "can't start new thread" in found["missing"]["ticker"]
    assert "can't start new thread" in found["missing"]["file"]
    assert found["logged"].count("ticker not started; calls let time pass") == 1
    assert found["logged"].count("background work not started") == 1


def test_a_ticker_is_not_tried_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refuse(thread: threading.Thread) -> None:
        tried.append(thread)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    ticker = Ticker()
    assert not any(ticker.start() for _ in range(10))
    assert len(tried) == 1
    assert not ticker.running
    assert ticker.problem == "can't start new thread"


def test_calls_at_the_same_time_wait_for_the_hook_too(registry: Registry) -> None:
    """It restores the state: none of them is to pass while it says FORCED_OPEN."""
    barrier, answers = threading.Barrier(8), []

    def restore() -> None:
        saved = Breaker(name="payments")
        saved.force_open()
        registry.get("payments").restore(saved.snapshot())

    def call() -> None:
        barrier.wait()
        answers.append(registry.get("payments").allow())

    registry.get("payments")
    registry.on_first_use = restore
    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [False] * 8
