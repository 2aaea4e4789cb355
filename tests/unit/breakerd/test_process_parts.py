from __future__ import annotations

import logging
import multiprocessing
import threading
from multiprocessing.connection import Connection

import pytest

from breakerd import process_parts
from breakerd.process_parts import ProcessParts
from tests.support.polling import until

FORK = multiprocessing.get_context("fork")


class Recorder:
    """A part that notes what is done with it, in a list that all parts share."""

    def __init__(self, name: str, acts: list[str], *, broken: bool = False) -> None:
        self.name, self.acts, self.broken = name, acts, broken
        self.running = False
        self.may_start = threading.Event()
        self.may_start.set()

    def start(self) -> None:
        self.may_start.wait()
        if self.broken:
            raise OSError("no disk")
        self.acts.append(f"start {self.name}")
        self.running = True

    def close(self) -> None:
        self.acts.append(f"close {self.name}")
        self.running = False
        if self.broken:
            raise OSError("no disk")


def made(*parts: Recorder) -> ProcessParts:
    def not_running() -> dict[str, str]:
        return {part.name: f"{part.name} does not run" for part in parts if not part.running}

    return ProcessParts(parts, not_running)


@pytest.fixture
def acts() -> list[str]:
    return []


def test_parts_start_in_order_once_and_end_in_reverse(acts: list[str]) -> None:
    parts = made(Recorder("state", acts), Recorder("alerting", acts))
    assert not parts.running
    parts.start()
    parts.start()
    assert parts.running
    parts.close()
    parts.close()
    assert acts == ["start state", "start alerting", "close alerting", "close state"]


def test_what_was_never_started_is_told_of_the_end(acts: list[str]) -> None:
    """So that it says that it is closed, and not that the next call starts it."""
    parts = made(Recorder("state", acts))
    parts.close()
    assert acts == ["close state"]


def test_a_closed_one_starts_only_when_it_is_told_to(acts: list[str]) -> None:
    parts = made(Recorder("state", acts))
    parts.start()
    parts.close()
    parts.start_in_background()
    assert not parts.running
    parts.start()
    assert parts.running
    parts.close()


def test_a_part_that_fails_keeps_no_other_from_starting_and_ending(
    acts: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "breakerd")
    parts = made(Recorder("state", acts, broken=True), Recorder("alerting", acts))
    parts.start()
    assert acts == ["start alerting"]
    parts.close()
    assert acts == ["start alerting", "close alerting", "close state"]
    logged = [record.getMessage() for record in caplog.records]
    assert any("did not start" in line for line in logged)
    assert any("not everything runs" in line for line in logged)


def test_a_first_call_waits_for_the_first_part_and_not_for_the_others(acts: list[str]) -> None:
    state, alerting = Recorder("state", acts), Recorder("alerting", acts)
    alerting.may_start.clear()
    parts = made(state, alerting)
    parts.start_in_background()
    assert not alerting.running
    alerting.may_start.set()
    parts.start()  # waits for the thread
    assert acts == ["start state", "start alerting"]
    parts.close()


def test_a_first_call_does_not_wait_for_a_part_that_hangs(acts: list[str]) -> None:
    state = Recorder("state", acts)
    state.may_start.clear()
    parts = made(state)
    parts.start_in_background()
    assert not state.running
    state.may_start.set()
    parts.start()
    assert state.running
    parts.close()


def test_many_first_calls_at_once_start_it_once(acts: list[str]) -> None:
    parts = made(Recorder("state", acts))
    barrier = threading.Barrier(8)

    def call() -> None:
        barrier.wait()
        parts.start_in_background()

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    parts.start()
    assert acts == ["start state"]
    parts.close()


def test_a_forked_child_starts_and_ends_its_own(acts: list[str]) -> None:
    parts = made(Recorder("state", acts))
    parts.start()
    here, there = FORK.Pipe()
    child = FORK.Process(target=_use_in_child, args=(parts, acts, there))
    child.start()
    assert here.recv() == (False, ["start state", "start state"])
    child.join()
    assert child.exitcode == 0
    assert here.recv() == "start state, start state, close state"
    assert acts == ["start state"]
    parts.close()


def _use_in_child(parts: ProcessParts, acts: list[str], answer: Connection) -> None:
    running = parts.running
    parts.start()
    answer.send((running, acts))
    multiprocessing.util.Finalize(None, _report, (acts, answer), exitpriority=1)


def _report(acts: list[str], answer: Connection) -> None:
    """Runs after our own finalizer, whose priority is higher."""
    answer.send(", ".join(acts))


def test_a_child_that_starts_nothing_ends_nothing(acts: list[str]) -> None:
    parts = made(Recorder("state", acts))
    parts.start()
    here, there = FORK.Pipe()
    child = FORK.Process(target=_only_report, args=(acts, there))
    child.start()
    assert here.recv() == "start state"
    child.join()
    parts.close()


def _only_report(acts: list[str], answer: Connection) -> None:
    multiprocessing.util.Finalize(None, _report, (acts, answer), exitpriority=1)


def test_the_lock_that_a_thread_held_at_the_fork_is_free_in_the_child(acts: list[str]) -> None:
    state = Recorder("state", acts)
    state.may_start.clear()
    parts = made(state)
    thread = threading.Thread(target=parts.start)  # holds the lock, in the part's start
    thread.start()
    here, there = FORK.Pipe()
    child = FORK.Process(target=_close_in_child, args=(parts, there))
    child.start()
    assert here.poll(30)
    assert here.recv() == "closed"
    child.join()
    state.may_start.set()
    thread.join()
    parts.close()


def _close_in_child(parts: ProcessParts, answer: Connection) -> None:
    parts.close()
    answer.send("closed")


def test_an_end_right_after_the_first_call_is_not_undone(acts: list[str]) -> None:
    parts = made(Recorder("state", acts))
    with parts._lock:  # the thread of the start waits for it
        parts.start_in_background()
        parts.close()
    until(lambda: "breakerd-start" not in {thread.name for thread in threading.enumerate()})
    assert acts == ["close state"]
    assert not parts.running


def test_an_end_within_the_start_ends_what_was_started(acts: list[str]) -> None:
    """As by a signal handler that closes: it interrupts the start in the same thread."""

    class Interrupted(Recorder):
        def start(self) -> None:
            parts.close()
            super().start()

    parts = made(Interrupted("state", acts), Recorder("alerting", acts))
    parts.start()
    assert acts == ["start state", "start alerting", "close alerting", "close state"]
    assert not parts.running
    assert parts.closed


def test_an_end_does_not_wait_for_a_start_that_hangs(
    acts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_parts, "_START_WAIT", 0.01)
    state = Recorder("state", acts)
    state.may_start.clear()
    parts = made(state, Recorder("alerting", acts))
    parts.start_in_background()
    parts.close()
    assert acts == []
    state.may_start.set()
    until(lambda: not parts.running)
    assert acts == ["start state", "start alerting", "close alerting", "close state"]


def test_the_last_of_several_holders_ends_it(acts: list[str]) -> None:
    parts = made(Recorder("state", acts))
    parts.hold()
    parts.hold()
    parts.release()
    assert parts.running
    parts.release()
    assert not parts.running


def test_a_holder_of_the_parent_holds_nothing_in_a_child(acts: list[str]) -> None:
    parts = made(Recorder("state", acts))
    parts.hold()
    here, there = FORK.Pipe()
    child = FORK.Process(target=_hold_in_child, args=(parts, there))
    child.start()
    assert here.poll(30)
    assert here.recv() == (True, False)
    child.join()
    parts.release()


def _hold_in_child(parts: ProcessParts, answer: Connection) -> None:
    parts.hold()
    held = parts.running
    parts.release()
    answer.send((held, parts.running))


def test_a_child_that_ends_while_its_parts_start_ends_them(acts: list[str]) -> None:
    """As a task of `multiprocessing.Pool` that is over in a moment."""
    state = Recorder("state", acts)
    parts = made(state)
    here, there = FORK.Pipe()
    child = FORK.Process(target=_end_while_starting, args=(parts, state, acts, there))
    child.start()
    assert here.poll(30)
    assert here.recv() == "start state, close state"
    child.join()


def _end_while_starting(
    parts: ProcessParts, state: Recorder, acts: list[str], answer: Connection
) -> None:
    multiprocessing.util.Finalize(None, _report, (acts, answer), exitpriority=1)
    multiprocessing.util.Finalize(None, state.may_start.set, exitpriority=200)
    state.may_start.clear()
    parts.start_in_background()


def test_a_child_has_one_exit_hook_however_often_it_starts(acts: list[str]) -> None:
    parts = made(Recorder("state", acts))
    here, there = FORK.Pipe()
    child = FORK.Process(target=_start_often, args=(parts, there))
    child.start()
    assert here.poll(30)
    assert here.recv() == 1
    child.join()


def _start_often(parts: ProcessParts, answer: Connection) -> None:
    before = len(multiprocessing.util._finalizer_registry)  # type: ignore[attr-defined]
    for _ in range(5):
        parts.start()
        parts.close()
    answer.send(len(multiprocessing.util._finalizer_registry) - before)  # type: ignore[attr-defined]


def test_it_says_that_it_is_starting(acts: list[str]) -> None:
    state = Recorder("state", acts)
    state.may_start.clear()
    parts = made(state)
    parts.start_in_background()
    until(lambda: parts.starting)
    state.may_start.set()
    parts.start()
    assert not parts.starting
    parts.close()
