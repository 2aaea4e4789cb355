"""A WSGI application with a registry of its own, as gunicorn loads it: before the fork or after."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from breakerd import Registry

registry = Registry.from_file(os.environ["BREAKERS"], memory=lambda: 0.1)
breaker = registry.get("payments")
waiting: list[str] = []


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/call":
        breaker.allow()
    elif path == "/meet":
        meet()
    told = {
        "pid": os.getpid(),
        "threshold": breaker.settings.latency_threshold,
        "missing": registry.not_running(),
        "threads": [thread.name for thread in threading.enumerate()],
    }
    body = json.dumps(told).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def meet() -> None:
    """Return when two requests are in here at once; for gevent, `sleep` lets the other one run."""
    waiting.append("")
    deadline = time.monotonic() + 60
    while len(waiting) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(waiting) >= 2
