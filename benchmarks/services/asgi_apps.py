"""The trivial routes under load, bare and behind each middleware.

A peer's middleware is its own if it ships one, else the few lines that its documentation of
coroutines suggests. They do less than ours, which favours them: only an exception counts as an
error, and a rejection is a bare 503.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from breakerd.breaker.integrations.asgi import Application, Message, Receive, Scope, Send

BARE: Final = "bare"
AGAIN: Final = "bare again"
OURS: Final = "ours"
BY_HAND: Final = "ours, allow and done by hand"
WITH_STATUS: Final = "ours, by hand with the status"


async def raw(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with two bytes, without a framework."""
    del scope, receive
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", b"2")],
        }
    )
    await send({"type": "http.response.body", "body": b"ok"})


def fastapi() -> Application:
    """Return an application with one route that returns a small object."""
    from fastapi import FastAPI

    app = FastAPI()

    async def answer() -> dict[str, bool]:
        return {"ok": True}

    app.get("/")(answer)
    return app


def bare(app: Application) -> Application:
    """Return the application without a breaker."""
    return app


def ours(app: Application) -> Application:
    """Return the application behind our middleware, as documented."""
    from breakerd import Breaker
    from breakerd.breaker.integrations.asgi import BreakerMiddleware

    return BreakerMiddleware(app, Breaker(name="benchmark"))


def by_hand(app: Application) -> Application:
    """Return the minimum: `allow` and `done` around the application, ignoring its response."""
    from breakerd import Breaker

    breaker = Breaker(name="benchmark")
    clock = breaker.clock

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if not breaker.allow():
            raise breaker.rejection()
        start = clock()
        await app(scope, receive, send)
        breaker.done(start, clock())

    return middleware


def with_status(app: Application) -> Application:
    """Return the minimum that reads the status; not the end of the body, errors or disconnects."""
    from breakerd import Breaker

    breaker = Breaker(name="benchmark")
    clock = breaker.clock

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        failed = False

        def forward(message: Message) -> Awaitable[None]:
            nonlocal failed
            if message["type"] == "http.response.start":
                failed = message["status"] >= 500
            return send(message)

        if not breaker.allow():
            raise breaker.rejection()
        start = clock()
        await app(scope, receive, forward)
        breaker.done(start, clock(), failed)

    return middleware


def pybreaker(app: Application) -> Application:
    """Use its context manager; its support of coroutines is for those of Tornado."""
    import pybreaker as library

    breaker = library.CircuitBreaker()

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        with breaker.calling():
            await app(scope, receive, send)

    return guarded(call, library.CircuitBreakerError)


def circuitbreaker(app: Application) -> Application:
    """Use its decorator."""
    import circuitbreaker as library

    @library.circuit(name="benchmark")  # type: ignore[untyped-decorator] # it has no types
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return guarded(call, library.CircuitBreakerError)


def purgatory(app: Application) -> Application:
    """Use its context manager."""
    import purgatory as library
    from purgatory.domain.model import OpenedState

    factory = library.AsyncCircuitBreakerFactory()

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        async with await factory.get_breaker("benchmark"):
            await app(scope, receive, send)

    return guarded(call, OpenedState)


def aiobreaker(app: Application) -> Application:
    """Use its decorator."""
    import aiobreaker as library

    breaker = library.CircuitBreaker()

    @breaker  # type: ignore[untyped-decorator] # it has no types
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return guarded(call, library.CircuitBreakerError)


def interlock(app: Application) -> Application:
    """Use its context manager; its FastAPI integration guards calls made by a route."""
    import interlock as library

    breaker = library.CircuitBreaker(name="benchmark")

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        async with breaker:
            await app(scope, receive, send)

    return guarded(call, library.CircuitOpenError)


def pyresilience(app: Application) -> Application:
    """Use the middleware that it ships, with a breaker and nothing else."""
    from pyresilience import CircuitBreakerConfig, ResilienceConfig
    from pyresilience.contrib.fastapi import ResilientMiddleware

    config = ResilienceConfig(circuit_breaker=CircuitBreakerConfig())
    return cast("Application", ResilientMiddleware(app, config))  # its scope is a dict


def guarded(call: Application, rejection: type[Exception]) -> Application:
    """Return a middleware that responds with 503 if `call` raises `rejection`."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await call(scope, receive, send)
        except rejection:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    return middleware


APPLICATIONS: Final[dict[str, Callable[[], Application]]] = {
    "raw": lambda: raw,
    "FastAPI": fastapi,
}
MIDDLEWARE: Final[dict[str, Callable[[Application], Application]]] = {
    BARE: bare,
    AGAIN: bare,
    OURS: ours,
    BY_HAND: by_hand,
    WITH_STATUS: with_status,
}
PEERS: Final[dict[str, Callable[[Application], Application]]] = {
    "circuitbreaker": circuitbreaker,
    "pybreaker": pybreaker,
    "aiobreaker": aiobreaker,
    "purgatory": purgatory,
    "pyresilience": pyresilience,
    "interlock-cb": interlock,
}


def build(application: str, middleware: str) -> Any:
    """Return the named application behind the named middleware."""
    return (MIDDLEWARE | PEERS)[middleware](APPLICATIONS[application]())
