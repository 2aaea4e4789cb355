from __future__ import annotations

import asyncio
import threading

import anyio.to_thread
import pytest

from breakerd.api.server import run_until_stopped


def test_a_request_whose_thread_hangs_does_not_keep_the_loop() -> None:
    hanging, begun = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        hanging.wait(60)

    async def serve() -> None:
        requests.append(asyncio.create_task(anyio.to_thread.run_sync(hang)))
        while not begun.is_set():  # noqa: ASYNC110 - set by a thread
            await asyncio.sleep(0)

    requests: list[asyncio.Task[None]] = []
    run_until_stopped(serve())
    assert not hanging.is_set()
    hanging.set()


def test_what_is_cancelled_may_end_in_order() -> None:
    ended: list[str] = []

    async def request() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("in order")

    async def serve() -> None:
        tasks.append(asyncio.create_task(request()))
        await asyncio.sleep(0)

    tasks: list[asyncio.Task[None]] = []
    run_until_stopped(serve())
    assert ended == ["in order"]


def test_an_error_of_the_server_is_raised() -> None:
    async def serve() -> None:
        raise OSError("address in use")

    with pytest.raises(OSError, match="address in use"):
        run_until_stopped(serve())
