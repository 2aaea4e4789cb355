"""Send the demo's load: requests at a steady rate."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from breakerd.api.cli.demo.observer import Observer

REQUESTS_PER_SECOND: Final = 25
"""Requests per second."""


@contextlib.asynccontextmanager
async def send_load(observer: Observer) -> AsyncIterator[None]:
    """Send requests at a steady rate, as a service's users do."""

    async def send_all() -> None:
        async with asyncio.TaskGroup() as calls:
            while True:
                calls.create_task(observer.send_request())
                await asyncio.sleep(1 / REQUESTS_PER_SECOND)

    task = asyncio.create_task(send_all())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
