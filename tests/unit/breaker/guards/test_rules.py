from __future__ import annotations

import asyncio
import functools
import gc
import logging
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from breakerd import Breaker, BreakerOpenError, DeadlineExceeded, Registry, Settings, deadline
from breakerd.breaker.calls.outcome import CallOutcome
from breakerd.breaker.guards import rules as rules_module
from breakerd.breaker.guards.rules import Rules
from breakerd.breaker.testing import ManualClock

MakeBreaker = Callable[..., Breaker]


class RefusalError(Exception):
    """An answer, not a failure."""


def made(**rules: Any) -> Breaker:
    return Breaker(Settings(), clock=ManualClock(), memory=lambda: 0.1, **rules)


def totals(breaker: Breaker) -> tuple[int, int, int]:
    """Return successes, errors and abandoned calls; none is in flight."""
    counters = breaker.counters()
    assert counters.in_flight == 0
    return counters.success, counters.error, counters.abandoned


def fail(error: BaseException) -> None:
    raise error


async def fail_later(error: BaseException) -> None:
    raise error


# --- what may be given

NO_RULES = [
    KeyError("an instance"),
    int,
    "KeyError",
    [KeyError],
    (KeyError, int),
    (KeyError, lambda _: True),
    lambda: True,
    lambda _a, _b: True,
    fail_later,
    42,
]


@pytest.mark.parametrize("name", ["ignore", "failures"])
@pytest.mark.parametrize("wrong", NO_RULES)
def test_what_is_no_rule_is_refused_when_it_is_given(
    make: MakeBreaker, name: str, wrong: object
) -> None:
    given: dict[str, Any] = {name: wrong}
    message = f"{name} got .*; allowed: exception classes, a tuple of them, or a function of one"
    breaker = make()
    for give in (
        lambda: made(**given),
        lambda: breaker.guard(**given),
        lambda: breaker.guarded(**given),
        lambda: Registry(**given),
        lambda: Registry().get("x", **given),
    ):
        with pytest.raises(TypeError, match=message):
            give()
    assert breaker.in_flight == 0


@pytest.mark.parametrize("name", ["failed_result", "fallback"])
@pytest.mark.parametrize("wrong", [42, "x", lambda: True, lambda _a, _b: True])
def test_what_is_no_function_of_one_argument_is_refused(name: str, wrong: object) -> None:
    given: dict[str, Any] = {name: wrong}
    with pytest.raises(TypeError, match=f"{name} got .*; allowed: a function"):
        made(**given)
    with pytest.raises(TypeError, match=f"{name} got"):
        made().guarded(**given)


def test_a_predicate_is_not_async() -> None:
    with pytest.raises(TypeError, match="failed_result got"):
        made(failed_result=fail_later)
    made(fallback=fail_later)


class Codes:
    """A predicate that is an object."""

    def __call__(self, error: Exception) -> bool:
        return isinstance(error, RefusalError)

    def of(self, error: Exception, *, more: int = 0) -> bool:
        return self(error) and not more


@pytest.mark.parametrize(
    "rule",
    [
        RefusalError,
        (RefusalError, ValueError),
        lambda error: isinstance(error, RefusalError),
        lambda error, more=1: isinstance(error, RefusalError) and more,
        lambda *errors: isinstance(errors[0], RefusalError),
        Codes(),
        Codes().of,
        functools.partial(Codes().of, more=0),
        functools.partial(lambda cls, error: isinstance(error, cls), RefusalError),
    ],
)
def test_classes_and_predicates_are_the_same_everywhere(rule: Any) -> None:
    def failed(error: Exception) -> bool:
        return Rules(ignore=rule).judge(error) is CallOutcome.ERROR

    for breaker in (made(ignore=rule), made(failures=failed)):
        for error in (RefusalError("x"), KeyError("x")):
            with pytest.raises(type(error)):
                breaker.call(fail, error)
            with pytest.raises(type(error)):
                asyncio.run(breaker.call_async(fail_later, error))
            with pytest.raises(type(error)):
                breaker(fail)(error)
            with pytest.raises(type(error)), breaker.guard(timeout=60):
                raise error
            with pytest.raises(type(error)), breaker.guard():
                raise error
        assert totals(breaker) == (5, 5, 0)


# --- what counts


def test_with_failures_all_else_is_an_answer() -> None:
    breaker = made(failures=(ConnectionError, TimeoutError))
    for error in (ConnectionResetError(), TimeoutError(), ValueError(), KeyError()):
        with pytest.raises(type(error)):
            breaker.call(fail, error)
    assert totals(breaker) == (2, 2, 0)


def test_what_is_ignored_is_no_failure_whatever_else_is_said() -> None:
    breaker = made(failures=OSError, ignore=FileNotFoundError)
    for error in (OSError(), FileNotFoundError()):
        with pytest.raises(OSError):  # noqa: PT011 - either
            breaker.call(fail, error)
    assert totals(breaker) == (1, 1, 0)


class GreenletTimeout(BaseException):
    """Exception that some libraries raise for a time-out."""


def test_a_class_beside_exception_may_be_named() -> None:
    breaker = made(failures=(Exception, GreenletTimeout), ignore=SystemExit)
    for error in (GreenletTimeout(), KeyError(), SystemExit(), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            breaker.call(fail, error)
    assert totals(breaker) == (1, 2, 1)


def test_a_predicate_is_asked_for_no_cancellation() -> None:
    asked: list[object] = []
    breaker = made(ignore=asked.append, failures=asked.append)
    for leaving in (asyncio.CancelledError(), KeyboardInterrupt(), GeneratorExit()):
        with pytest.raises(type(leaving)):
            breaker.call(fail, leaving)
    assert asked == []
    assert totals(breaker) == (0, 0, 3)


def test_the_rules_of_a_call_take_the_place_of_the_breakers() -> None:
    breaker = made(ignore=KeyError, failures=LookupError)
    with pytest.raises(KeyError), breaker.guard(ignore=()):
        raise KeyError
    with pytest.raises(IndexError), breaker.guard(ignore=IndexError):
        raise IndexError
    with pytest.raises(ValueError, match="x"), breaker.guard(failures=ValueError):
        raise ValueError("x")
    with pytest.raises(KeyError), breaker.guard(failures=Exception):
        raise KeyError  # still ignored
    assert totals(breaker) == (2, 2, 0)


def test_other_rules_hold_from_the_next_call_on() -> None:
    breaker = made()
    plain, own = breaker(fail), breaker.guarded(failures=ValueError)(fail)
    for function in (plain, own):
        with pytest.raises(KeyError):
            function(KeyError())
    assert totals(breaker) == (1, 1, 0)
    breaker.rules = Rules(ignore=(KeyError, ValueError))
    for error in (KeyError(), ValueError()):
        for function in (plain, own):
            with pytest.raises(type(error)):
                function(error)
    assert totals(breaker) == (5, 1, 0)


def test_what_has_no_rule_of_its_own_is_the_breakers() -> None:
    breaker = made(fallback=lambda _: "cached", failed_result=lambda result: result == 429)
    own = breaker.guarded(ignore=LookupError)
    assert own(fail)(ValueError()) == "cached"
    assert own(int)(429) == 429
    with breaker.guard(failures=KeyError) as call:
        call.judge(429)
    assert totals(breaker) == (0, 3, 0)


@pytest.mark.parametrize("name", ["ignore", "failures"])
def test_a_deadline_of_the_caller_is_judged_by_no_rule(name: str, clock: ManualClock) -> None:
    def work() -> None:
        clock.advance(1.1)
        raise TimeoutError("a client's own, at the deadline of its caller")

    given: dict[str, Any] = {name: TimeoutError}
    breaker = Breaker(clock=clock, memory=lambda: 0.1, **given)
    with deadline(1, clock=clock), pytest.raises(TimeoutError):
        breaker.call(work)
    assert totals(breaker) == (0, 0, 1)


# --- predicates that raise


@pytest.mark.parametrize("name", ["ignore", "failures"])
def test_a_predicate_that_raises_hides_nothing_and_leaks_nothing(
    name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules_module, "_reported", set())

    def broken(error: Exception) -> bool:
        raise AttributeError(f"{error!r} has no code")

    given: dict[str, Any] = {name: broken}
    breaker = made(**given)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(KeyError):
                breaker.call(fail, KeyError())
            with pytest.raises(KeyError):
                breaker(fail)(KeyError())
    assert totals(breaker) == ((0, 6, 0) if name == "ignore" else (6, 0, 0))
    (record,) = caplog.records
    assert "predicate of a breaker failed" in record.message
    assert "broken" in record.message


def test_an_interrupt_in_a_predicate_leaks_no_call() -> None:
    def interrupted(_error: Exception) -> bool:
        raise KeyboardInterrupt

    breaker = made(ignore=interrupted)
    for call in (functools.partial(breaker.call, fail), breaker(fail)):
        with pytest.raises(KeyboardInterrupt):
            call(KeyError())
    assert totals(breaker) == (0, 2, 0)


def test_predicates_are_not_kept() -> None:
    breaker, held = made(), Codes()
    gone = weakref.ref(held)
    with pytest.raises(KeyError), breaker.guard(ignore=held.of):
        raise KeyError
    del held
    gc.collect()
    assert gone() is None


# --- results


def test_a_result_may_be_a_failure() -> None:
    breaker = made(failed_result=lambda status: status == 429)

    async def later(status: int) -> int:
        return status

    for status in (200, 429):
        assert breaker.call(int, status) == status
        assert breaker(int)(status) == status
        assert asyncio.run(breaker.call_async(later, status)) == status
        assert asyncio.run(breaker(later)(status)) == status
        assert asyncio.run(as_coroutine(breaker.call(later, status))) == status
        with breaker.guard() as call:
            assert call.judge(status) == status
    assert totals(breaker) == (6, 6, 0)


async def as_coroutine(awaitable: Any) -> Any:
    return await awaitable


async def test_the_result_of_a_future_may_be_a_failure() -> None:
    breaker = made(failed_result=lambda status: status == 429)
    for status in (200, 429):
        task = asyncio.ensure_future(as_coroutine(asyncio.sleep(0, status)))
        assert breaker(asyncio.ensure_future)(task) is task
        assert breaker.call(asyncio.ensure_future, task) is task
        assert await task == status
        await asyncio.sleep(0)
    assert totals(breaker) == (2, 2, 0)


def test_a_function_has_a_rule_for_its_results_of_its_own() -> None:
    breaker = made()
    own = breaker.guarded(failed_result=lambda text: not text)(str)
    assert (own(""), own("x")) == ("", "x")
    with breaker.guard(failed_result=lambda text: not text) as call:
        call.judge("")
    assert totals(breaker) == (1, 2, 0)


def test_a_predicate_on_results_that_raises_is_ignored() -> None:
    breaker = made(failed_result=lambda response: response.status == 429)
    assert breaker.call(int, 1) == 1
    assert totals(breaker) == (1, 0, 0)


# --- fallback


def test_a_fallback_replaces_failures_and_rejections() -> None:
    breaker, seen = made(), list[Exception]()

    def replace(error: Exception) -> str:
        seen.append(error)
        return "cached"

    async def replace_later(error: Exception) -> str:
        return replace(error)

    guarded = breaker.guarded(fallback=replace)
    assert breaker.call(fail, KeyError(), fallback=replace) == "cached"
    assert guarded(fail)(KeyError()) == "cached"
    for later in (replace, replace_later):
        assert asyncio.run(breaker.call_async(fail_later, KeyError(), fallback=later)) == "cached"
        own = breaker.guarded(fallback=later)(fail_later)
        assert asyncio.run(own(KeyError())) == "cached"
    assert asyncio.run(as_coroutine(breaker.call(fail_later, KeyError(), fallback=replace))) == (
        "cached"
    )
    assert totals(breaker) == (0, 7, 0)
    assert [type(error) for error in seen] == [KeyError] * 7
    breaker.force_open()
    assert breaker.call(int, 1, fallback=replace) == "cached"
    assert guarded(int)(1) == "cached"
    assert [type(error) for error in seen[7:]] == [BreakerOpenError] * 2
    assert breaker.call(int, 1, fallback=lambda error: error.retry_after) == 0  # type: ignore[attr-defined]


def test_answers_and_what_was_abandoned_have_no_fallback(clock: ManualClock) -> None:
    breaker = Breaker(clock=clock, memory=lambda: 0.1, ignore=RefusalError)
    breaker.rules = breaker.rules.replaced({"fallback": lambda _: "cached"})
    for error in (RefusalError(), KeyboardInterrupt(), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            breaker.call(fail, error)
        with pytest.raises(type(error)):
            breaker(fail)(error)
    with deadline(-1, clock=clock), pytest.raises(DeadlineExceeded):
        breaker.call(int, 1)

    def run_out() -> None:
        clock.advance(2)
        raise DeadlineExceeded("by the caller's")

    with deadline(1, clock=clock), pytest.raises(DeadlineExceeded):
        breaker.call(run_out)
    assert breaker.call(fail, KeyError()) == "cached"
    assert totals(breaker) == (2, 1, 5)


def test_what_a_fallback_raises_comes_through() -> None:
    def broken(error: Exception) -> None:
        raise LookupError("no cache") from error

    breaker = made(fallback=broken)
    with pytest.raises(LookupError, match="no cache"):
        breaker.call(fail, ValueError())
    assert totals(breaker) == (0, 1, 0)


def test_a_call_with_a_wrong_fallback_is_not_made() -> None:
    breaker = made()
    with pytest.raises(TypeError, match="fallback got 42"):
        breaker.call(int, 1, fallback=42)  # type: ignore[arg-type]
    assert totals(breaker) == (0, 0, 0)


# --- registries


def test_a_registry_hands_its_rules_to_each_breaker() -> None:
    with Registry(breakers={"b": Settings()}, ignore=KeyError) as registry:
        for name in ("b", "c"):
            assert registry.get(name).rules.judge(KeyError()) is CallOutcome.SUCCESS
        breaker = registry.get("b", failures=OSError)
        assert breaker is registry.get("b")
        assert breaker.rules.judge(KeyError()) is CallOutcome.SUCCESS
        assert breaker.rules.judge(ValueError()) is CallOutcome.SUCCESS
        assert registry.get("c").rules.judge(ValueError()) is CallOutcome.ERROR


def test_rules_are_given_beside_a_file(tmp_path: Any) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text("[breakers.payments]\nlatency_threshold = 600\n")
    with Registry.from_file(path, watch=False, failures=OSError) as registry:
        assert registry.get("payments").rules.judge(KeyError()) is CallOutcome.SUCCESS
    breaker = Breaker.from_file(path, name="payments", ignore=KeyError)
    assert breaker.rules.judge(KeyError()) is CallOutcome.SUCCESS
    assert breaker.settings.latency_threshold == 600
    breaker.close()
    with pytest.raises(TypeError, match="ignore got 42"):
        Breaker.from_file(path, ignore=42)  # type: ignore[arg-type]


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(TypeError, match="ignored"):
        made(ignored=KeyError)
