"""Types of guarded calls. Checked by mypy in strict mode, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, assert_type

from breakerd import Breaker, BreakerOpenError, Priority, Registry, Rules, Settings


class Client:
    """Something with methods, some of which are guarded."""

    breaker = Breaker()

    @breaker
    def get(self, path: str, *, retries: int = 3) -> bytes:
        return path.encode() * retries


def plain(number: int, *, name: str = "") -> str:
    return name * number


async def coroutine(number: int, *, name: str = "") -> list[str]:
    return [name] * number


def raw_form(breaker: Breaker) -> None:
    assert_type(breaker.allow(), bool)
    assert_type(breaker.clock(), float)
    assert_type(breaker.done(0.0, 1.0), None)
    assert_type(breaker.done(0.0, 1.0, error=True), None)
    assert_type(breaker.abandon(0.0), None)
    assert_type(breaker.abandon(0.0, 1.0), None)


def rules() -> None:
    Breaker(ignore=KeyError, failures=(OSError, ValueError))
    Breaker(ignore=lambda error: "404" in str(error), failed_result=lambda reply: reply == 429)
    Breaker(failed_result=bool, fallback=lambda _: None)
    Breaker.from_file("breakers.toml", name="payments", failures=OSError)
    Registry(ignore=KeyError).get("payments", failures=OSError)
    Breaker(ignored=KeyError)  # type: ignore[call-arg]
    Breaker(ignore=42)  # type: ignore[arg-type]
    Breaker(ignore=(int,))  # type: ignore[arg-type]
    breaker = Breaker()
    breaker.rules = Rules(ignore=KeyError)
    breaker.guarded(fallback=lambda _: 0, failures=OSError)
    breaker.guarded(fallback=0)  # type: ignore[arg-type]
    with breaker.guard(failed_result=lambda reply: reply == 429) as call:
        assert_type(call.judge(429), int)
        assert_type(call.abandon(), None)


def guards(breaker: Breaker) -> None:
    with breaker.guard() as call:
        assert_type(call.fail(), None)
        assert_type(call.end(ValueError()), None)
    with breaker.guard(timeout=0.8, priority=Priority.CRITICAL, ignore=(KeyError,)):
        pass
    with breaker.guard(timeout="slo", ignore=(KeyError, ValueError)):
        pass
    breaker.guard(timeout="soon")  # type: ignore[arg-type]
    breaker.guard(ignore=("KeyError",))  # type: ignore[arg-type]


async def async_guards(breaker: Breaker) -> None:
    async with breaker.guard(timeout=1) as call:
        call.fail()


def decorated(breaker: Breaker) -> None:
    bare = breaker(plain)
    assert_type(bare(3, name="a"), str)
    bare("3")  # type: ignore[arg-type]
    bare(3, nme="a")  # type: ignore[call-arg]
    limited: Callable[[int], str] = breaker.guarded(timeout=0.8, ignore=(KeyError,))(plain)
    assert_type(limited(3), str)
    assert_type(breaker.guarded()(plain)(3, name="a"), str)
    breaker.guarded(0.8)  # type: ignore[call-arg]
    assert_type(Client().get("/", retries=1), bytes)
    Client().get(1)  # type: ignore[arg-type]


async def decorated_coroutines(breaker: Breaker) -> None:
    guarded = breaker(coroutine)
    assert_type(await guarded(3, name="a"), list[str])
    made: Callable[..., Coroutine[Any, Any, list[str]]] = guarded
    await made(3)
    await guarded("3")  # type: ignore[arg-type]
    assert_type(await breaker.guarded(timeout="slo")(coroutine)(3, name="a"), list[str])


async def called(breaker: Breaker) -> None:
    assert_type(breaker.call(plain, 3, name="a"), str)
    breaker.call(plain, "3")  # type: ignore[call-overload]
    assert_type(breaker.call(plain, 3, fallback=lambda _: 0), str | int)
    assert_type(breaker.call(plain, 3, fallback=len), str | int)  # type: ignore[arg-type]
    assert_type(await breaker.call_async(coroutine, 3, name="a"), list[str])
    assert_type(await breaker.call_async(coroutine, 3, fallback=lambda _: 0), list[str] | int)
    assert_type(await breaker.call(coroutine, 3, name="a"), list[str])
    await breaker.call_async(coroutine, 3, nme="a")  # type: ignore[call-arg]


def made(numbers: Iterator[float]) -> None:
    assert_type(Breaker(Settings(), name="a", clock=numbers.__next__), Breaker)
    assert_type(Breaker(memory=lambda: None), Breaker)
    assert_type(Breaker.from_file("breakers.toml", name="a"), Breaker)
    Breaker(Settings(), "a")  # type: ignore[call-arg]


async def rejected(breaker: Breaker, things: AsyncIterator[int]) -> None:
    try:
        breaker.call(plain, 1)
    except BreakerOpenError as error:
        assert_type(error.reason, str)
        assert_type(error.retry_after, float)
    async for thing in things:
        assert_type(await breaker(coroutine)(thing), list[str])
