"""Serve an application by uvicorn, in a thread of this process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


@contextmanager
def hosting(app: Any, **options: Any) -> Iterator[str]:
    """A host's application on a free port, its lifespan included; yields its address.

    `options` are those of `uvicorn.Config`.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Without it, each answer of two writes waits 40 ms for the client's delayed ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1, **options)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
