"""A command is answered in its time, whatever the hub does meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from breakerd import State
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError, Progress
from breakerd.breaker.fleet.runtime import commands
from breakerd.breaker.fleet.runtime.bounded import run_until
from tests.support.fleet_members import LIMIT, BreakableHub, Member

Make = Callable[..., Member]


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """Set to let go on what hangs."""
    released = threading.Event()
    yield released
    released.set()


@pytest.fixture
def pair(make: Make, monkeypatch: pytest.MonkeyPatch) -> tuple[Member, Member]:
    monkeypatch.setattr(commands, "ANSWER_TIME", 1.0)
    one, other = make("a"), make("b")
    one.called()
    other.called()
    return one, other


def let_hang(hub: BreakableHub, name: str, released: threading.Event) -> None:
    """Let an operation of the hub hang until released, and be done then."""
    operation = getattr(hub, name)

    def hangs(*arguments: Any) -> Any:
        assert released.wait(LIMIT)
        return operation(*arguments)

    setattr(hub, name, hangs)


@pytest.mark.parametrize("name", ["trip", "enable"])
def test_a_hub_that_hangs_when_it_is_given(
    pair: tuple[Member, Member], hub: BreakableHub, hang: threading.Event, name: str
) -> None:
    for operation in ("act", "set_mode"):
        let_hang(hub, operation, hang)
    result = getattr(pair[0].fleet, name)("payments")
    assert not hang.is_set()
    assert (result.applied, result.waiting + result.silent) == (1, 1)
    assert "the hub is away" in result.problem


def test_a_mode_that_arrives_late_is_the_one_that_was_kept(
    pair: tuple[Member, Member], hub: BreakableHub, hang: threading.Event
) -> None:
    one, other = pair
    let_hang(hub, "set_mode", hang)
    result = one.fleet.disable("payments")
    assert (result.applied, result.waiting) == (1, 1)
    assert one.registry.get("payments").state is State.DISABLED
    one.meet()
    other.meet()
    assert other.registry.get("payments").state is State.DISABLED


def test_a_hub_that_is_lost_after_it_had_told_that_all_are_waited_for(
    pair: tuple[Member, Member], hub: BreakableHub, hang: threading.Event
) -> None:
    one, _ = pair
    let_hang(hub, "exchange", hang)
    progress = hub.progress

    def answer_once(breaker: str, command: str) -> Progress:
        hub.loses.add("progress")
        hub.progress = progress  # type: ignore[method-assign]
        return hub.inner.progress(breaker, command)

    hub.progress = answer_once  # type: ignore[method-assign]
    result = one.fleet.disable("payments")
    assert (result.applied, result.waiting) == (1, 1)
    assert "the answer is lost" in result.problem
    assert one.registry.get("payments").state is State.DISABLED


@pytest.mark.parametrize(("name", "state"), [("trip", State.OPEN), ("disable", State.DISABLED)])
def test_a_hub_that_hangs_when_it_is_followed(
    pair: tuple[Member, Member], hub: BreakableHub, hang: threading.Event, name: str, state: State
) -> None:
    """It has the command: this process does it at once, and the others when it answers again."""
    one, other = pair
    let_hang(hub, "progress", hang)
    let_hang(hub, "exchange", hang)
    result = getattr(one.fleet, name)("payments")
    assert not hang.is_set()
    assert (result.applied, result.waiting) == (1, 1)
    assert "does not answer in time" in result.problem
    assert one.registry.get("payments").state is state
    hang.set()
    other.meet()
    other.meet()
    assert other.registry.get("payments").state is state
    one.meet()
    assert one.registry.get("payments").state is state


@pytest.mark.parametrize("operation", ["act", "set_mode", "progress"])
def test_a_hub_that_fails_once_is_asked_again(
    pair: tuple[Member, Member],
    hub: BreakableHub,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
) -> None:
    monkeypatch.setattr(commands, "ANSWER_TIME", 60.0)
    one, other = pair
    one.fleet.disable("payments")
    works = getattr(hub, operation)

    def fail_once(*_: Any) -> Any:
        setattr(hub, operation, works)
        raise HubUnavailableError("database is locked")

    setattr(hub, operation, fail_once)
    result = one.fleet.enable("payments")
    assert (result.applied, result.problem) == (2, "")
    assert other.registry.get("payments").state is State.CLOSED


def test_what_is_asked_in_time_is_answered() -> None:
    deadline = CLOCK.monotonic() + LIMIT
    assert run_until(deadline, lambda: 7) == 7
    with pytest.raises(ValueError, match="seven"):
        run_until(deadline, lambda: int("seven"))


def test_what_comes_too_late_is_not_begun() -> None:
    begun: list[int] = []
    with pytest.raises(HubUnavailableError):
        run_until(CLOCK.monotonic(), lambda: begun.append(7))
    assert not begun


def test_without_a_thread_it_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    assert run_until(CLOCK.monotonic() + LIMIT, lambda: 7) == 7
