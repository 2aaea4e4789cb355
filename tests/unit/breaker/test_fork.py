"""A forked child: each lock that a thread of the parent held is free, and nothing of it runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.program import run_program

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")

IN_CHILD = """
    import asyncio, gc, json, os, signal, sys, threading, time
    from pathlib import Path
    from breakerd import Breaker, Registry, Settings, State, StateAutosaver

    def in_child(work):
        read, write = os.pipe()
        if os.fork() == 0:
            signal.alarm(60)  # what waits for a lock is killed
            try:
                answer = work()
            except BaseException as error:
                answer = repr(error)
            os.write(write, json.dumps(answer).encode())
            os._exit(0)
        os.close(write)
        with open(read, "rb") as stream:
            text = stream.read()
        os.wait()
        return json.loads(text) if text else "hung"

    def wait_until(condition):
        while not condition():
            time.sleep(0.01)
"""


def run(program: str, *arguments: object) -> Any:
    return run_program(IN_CHILD + program, *arguments)


EACH_LOCK = """
    file = Path(sys.argv[1])
    file.write_text("memory_check_interval = 0.05\\n[load]\\ncpu_pressure_threshold = 90\\n")
    kinds = (type(threading.Lock()), type(threading.RLock()))

    def our_locks():
        found = {}
        for item in gc.get_objects():
            if not type(item).__module__.startswith("breakerd.breaker."):
                continue
            names = [name for kind in type(item).__mro__ for name in getattr(kind, "__slots__", ())]
            for name in {*names, *getattr(item, "__dict__", ())}:
                name = f"_{type(item).__name__}{name}" if name.startswith("__") else name
                if isinstance(value := getattr(item, name, None), kinds):
                    found[id(value)] = (f"{type(item).__name__}.{name}", value)
        return dict(found.values())

    def exercise():
        for breaker in [*registry, alone, manual]:
            assert breaker.allow() and breaker.triggered is False
            breaker.done(breaker.clock(), breaker.clock())
            breaker.abandon(breaker.clock())
            breaker.trip(), breaker.status(), breaker.snapshot(), breaker.reset()
            breaker.subscribe(lambda event: None)()
        wait_until(lambda: "file" not in registry.not_running())
        registry.change("default", {"wait_time": 3})
        registry.get("new").drills.latency()
        registry.subscribe(lambda event: None)()
        saver.start(), saver.save(), saver.close()
        registry.close(), registry.start()
        return [registry.not_running(), file.read_text().count("wait_time = 3")]

    async def main():
        global registry, alone, manual, saver
        registry = Registry.from_file(file)
        registry.get("payments")
        alone, manual = Breaker(), Breaker(clock=lambda: 1.0, memory=lambda: 0.1)
        saver = StateAutosaver(registry, file.with_name("breakers.json"))
        stream = registry.events()
        held, forked = threading.Event(), threading.Event()
        locks = our_locks()
        def hold():
            for name, lock in locks.items():
                lock.acquire()
            held.set()
            forked.wait()
            for name, lock in locks.items():
                lock.release()
        if sys.argv[2] == "running":
            registry.start(), saver.start(), alone.allow()
            wait_until(lambda: "file" not in registry.not_running())
        threading.Thread(target=hold).start()
        held.wait()
        answer = in_child(exercise)
        forked.set()
        print(json.dumps([sorted(locks), answer]))

    asyncio.run(main())
"""


@pytest.mark.parametrize("parent", ["dormant", "running"])
def test_each_lock_is_free_in_a_child(tmp_path: Path, parent: str) -> None:
    locks, answer = run(EACH_LOCK, tmp_path / "breakers.toml", parent)
    assert len(locks) >= 9
    assert {"Controller.lock", "Gate._lock", "ProcessLock._lock", "EventStream._lock"} <= {*locks}
    state = f"state is not saved to {tmp_path}/breakers.json: closed"
    assert answer == [{"state": state}, 1]


EACH_STARTS = """
    file = Path(sys.argv[1])
    file.write_text("latency_threshold = 600\\n")
    registry = Registry.from_file(file, memory=lambda: 0.1)
    breaker = registry.get("payments")

    def child():
        before = registry.not_running(), [thread.name for thread in threading.enumerate()]
        threshold = breaker.settings.latency_threshold
        assert breaker.allow()
        wait_until(lambda: breaker.settings.latency_threshold == 700)
        wait_until(lambda: not registry.not_running())
        file.write_text("latency_threshold = 800\\n")
        began = time.monotonic()
        wait_until(lambda: breaker.settings.latency_threshold == 800)
        return [before, threshold, time.monotonic() - began < 3]

    if sys.argv[2] == "running":
        registry.start()
    # Changed after the parent read it, and before the child looks.
    file.write_text("latency_threshold = 700\\n")
    if sys.argv[2] == "running":
        wait_until(lambda: breaker.settings.latency_threshold == 700)
    answer = in_child(child)
    alive = [thread.name for thread in threading.enumerate()]
    print(json.dumps([answer, alive]))
"""


@pytest.mark.parametrize("parent", ["dormant", "running"])
def test_a_child_follows_the_file_from_its_first_use(tmp_path: Path, parent: str) -> None:
    (before, threshold, soon), alive = run(EACH_STARTS, tmp_path / "breakers.toml", parent)
    missing, threads = before
    assert "forked" in missing["ticker"]
    assert "forked" in missing["file"]
    assert threads == ["MainThread"]
    assert threshold == (700 if parent == "running" else 600)
    assert soon
    assert ("breaker-ticker" in alive) == (parent == "running")


HALF_APPLIED = """
    file = Path(sys.argv[1])
    file.write_text("latency_threshold = 600\\n[breakers.a]\\n[breakers.b]\\n")
    registry = Registry.from_file(file, memory=lambda: 0.1)
    applying, forked = threading.Event(), threading.Event()

    def listen(event):
        if threading.current_thread() is not threading.main_thread() and not applying.is_set():
            applying.set()
            forked.wait(60)

    registry.subscribe(listen)
    registry.start()
    file.write_text("latency_threshold = 700\\n[breakers.a]\\n[breakers.b]\\n")
    applying.wait(60)

    def child():
        before = [breaker.settings.latency_threshold for breaker in registry]
        registry.get().allow()
        wait_until(lambda: not registry.not_running())
        return [before, [breaker.settings.latency_threshold for breaker in registry]]

    answer = in_child(child)
    forked.set()
    print(json.dumps(answer))
"""


def test_a_configuration_that_was_half_applied_is_applied_anew(tmp_path: Path) -> None:
    before, after = run(HALF_APPLIED, tmp_path / "breakers.toml")
    assert sorted(before) == [600, 600, 700], "the fork came in the middle"
    assert after == [700, 700, 700]


COUNTS = """
    registry = Registry(memory=lambda: 0.1)
    hooks = []
    registry.on_first_use = lambda: hooks.append(os.getpid())
    breaker = registry.get()
    for _ in range(3):
        breaker.allow()

    def child():
        flying = breaker.in_flight
        breaker.abandon(breaker.clock())
        waiting = len(hooks)
        breaker.allow()
        grandchild = in_child(lambda: [breaker.allow(), hooks.count(os.getpid())])
        return [flying, waiting, hooks.count(os.getpid()), grandchild, breaker.counters().success]

    answer = in_child(child)
    print(json.dumps([answer, breaker.in_flight, len(hooks)]))
"""


def test_calls_of_the_parent_are_not_in_flight_in_a_child() -> None:
    (flying, waiting, called, grandchild, success), own, hooks = run(COUNTS)
    assert flying == 0
    assert waiting == 1, "that of the parent"
    assert called == 1
    assert grandchild == [True, 1]
    assert success == 0
    assert own == 3
    assert hooks == 1


CLOSED = """
    registry = Registry(memory=lambda: 0.1)
    registry.get().allow()
    registry.close()

    def child():
        registry.get().allow()
        before = registry.not_running()
        registry.start()
        return [before, registry.not_running()]

    print(json.dumps(in_child(child)))
"""


def test_what_the_parent_closed_stays_closed_until_it_is_started() -> None:
    assert run(CLOSED) == [{"ticker": "time passes only with calls: closed"}, {}]


FILE_LOCK = """
    from breakerd.breaker.config.file.locking import file_lock
    file = Path(sys.argv[1])
    file.write_text("")
    read, write = os.pipe()
    if os.fork() == 0:
        with file_lock(file, 1):
            if os.fork() == 0:  # lives on, as a worker does whose master was killed
                os.close(write)
                os.closerange(0, 3)  # nobody waits for its output
                time.sleep(60)
                os._exit(0)
            os.write(write, b"x")
            os.kill(os.getpid(), signal.SIGKILL)
    os.read(read, 1)
    os.wait()
    with file_lock(file, 1):
        print("true")
"""


def test_a_child_does_not_keep_the_lock_of_a_killed_parent(tmp_path: Path) -> None:
    assert run(FILE_LOCK, tmp_path / "breakers.toml") is True


HALF_A_MODULE = """
    from breakerd.breaker.fork import importing

    Path("slow_module.py").write_text("import time; time.sleep(0.3); value = 1")

    def load():
        with importing():
            began.set()
            import slow_module

    def value():
        import slow_module
        return slow_module.value

    began = threading.Event()
    thread = threading.Thread(target=load)
    thread.start()
    began.wait()
    wait_until(lambda: "slow_module" in sys.modules)
    print(json.dumps(in_child(value)))
    thread.join()
"""


def test_a_child_has_no_module_that_its_parent_was_importing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(HALF_A_MODULE) == 1
