"""A router's lifespan, which runs within that of the application that includes the router."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from fastapi import APIRouter, FastAPI

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
"""Function of the application; of None before FastAPI 0.112.2."""


def enter_by_handlers(router: APIRouter, lifespan: Lifespan) -> None:
    """Enter and leave `lifespan` by handlers of `router`, where FastAPI drops a router's lifespan.

    Before 0.112.2 it does, and runs the handlers where the application has no lifespan of its own.
    """
    if routers_lifespan_is_run():
        return
    entered = AsyncExitStack()

    async def enter() -> None:
        await entered.enter_async_context(lifespan(None))  # type: ignore[arg-type]  # nothing leads to it

    router.on_startup.append(enter)
    router.on_shutdown.append(entered.aclose)


def routers_lifespan_is_run() -> bool:
    """Return True if this FastAPI merges a router's lifespan into that of its application."""
    including = APIRouter()
    before = including.lifespan_context
    including.include_router(APIRouter())
    return including.lifespan_context is not before
