"""The trivial routes under load, bare and behind each contestant's middleware.

A peer's middleware is the few lines that somebody would write around it, by what its documentation
says of coroutines, or its own where it ships one. They do less than ours, which is in their favour:
what counts as an error is an exception alone, and a rejection is a bare 503.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from breakerd.breaker.integrations.asgi import Application, Message, Receive, Scope, Send

BARE: Final = "bare"
AGAIN: Final = "bare again"
OURS: Final = "ours"
ASKING: Final = "ours, asked and told by hand"
SEEING: Final = "ours, by hand with the status"


async def raw(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with two bytes, without a framework."""
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
    """An application of one route, which gives a small object."""
    from fastapi import FastAPI

    app = FastAPI()

    async def answer() -> dict[str, bool]:
        return {"ok": True}

    app.get("/")(answer)
    return app


def bare(app: Application) -> Application:
    """No breaker."""
    return app


def ours(app: Application) -> Application:
    """As the documentation has it."""
    from breakerd import Breaker
    from breakerd.breaker.integrations.asgi import BreakerMiddleware

    return BreakerMiddleware(app, Breaker(name="benchmark"))


def asking(app: Application) -> Application:
    """The least that there could be: asks and reports, and sees nothing of what is answered."""
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


def seeing(app: Application) -> Application:
    """The least that sees the status: neither the end of the body, nor errors, nor who left."""
    from breakerd import Breaker

    breaker = Breaker(name="benchmark")
    clock = breaker.clock

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        failed = False

        def passed_on(message: Message) -> Awaitable[None]:
            nonlocal failed
            if message["type"] == "http.response.start":
                failed = message["status"] >= 500
            return send(message)

        if not breaker.allow():
            raise breaker.rejection()
        start = clock()
        await app(scope, receive, passed_on)
        breaker.done(start, clock(), failed)

    return middleware


def pybreaker(app: Application) -> Application:
    """Its context manager; its own way with coroutines is for Tornado's."""
    import pybreaker as library

    breaker = library.CircuitBreaker()

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        with breaker.calling():
            await app(scope, receive, send)

    return guarded(call, library.CircuitBreakerError)


def circuitbreaker(app: Application) -> Application:
    """Its decorator."""
    import circuitbreaker as library

    @library.circuit(name="benchmark")  # type: ignore[untyped-decorator] # it has no types
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return guarded(call, library.CircuitBreakerError)


def purgatory(app: Application) -> Application:
    """Its context manager."""
    import purgatory as library
    from purgatory.domain.model import OpenedState

    factory = library.AsyncCircuitBreakerFactory()

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        async with await factory.get_breaker("benchmark"):
            await app(scope, receive, send)

    return guarded(call, OpenedState)


def aiobreaker(app: Application) -> Application:
    """Its decorator."""
    import aiobreaker as library

    breaker = library.CircuitBreaker()

    @breaker  # type: ignore[untyped-decorator] # it has no types
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return guarded(call, library.CircuitBreakerError)


def interlock(app: Application) -> Application:
    """Its context manager; what it ships for FastAPI guards what a route calls."""
    import interlock as library

    breaker = library.CircuitBreaker(name="benchmark")

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        async with breaker:
            await app(scope, receive, send)

    return guarded(call, library.CircuitOpenError)


def pyresilience(app: Application) -> Application:
    """The middleware it ships, with a breaker and nothing else."""
    from pyresilience import CircuitBreakerConfig, ResilienceConfig
    from pyresilience.contrib.fastapi import ResilientMiddleware

    config = ResilienceConfig(circuit_breaker=CircuitBreakerConfig())
    return cast("Application", ResilientMiddleware(app, config))  # its scope is a dict


def guarded(call: Application, rejection: type[Exception]) -> Application:
    """The few lines: 503 where `call` raises `rejection`."""

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
    ASKING: asking,
    SEEING: seeing,
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
    """The application of that name behind the middleware of that name."""
    return (MIDDLEWARE | PEERS)[middleware](APPLICATIONS[application]())
