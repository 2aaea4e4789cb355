"""WSGI application with alerting, which each worker starts in a thread at its first request.

Settings are read from the file that `SETTINGS` names.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

from breakerd import Alerting, Registry

registry = Registry()
alerting = Alerting.from_file(os.environ["SETTINGS"], registry)
_started: list[int] = []


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    if os.getpid() not in _started:
        _started.append(os.getpid())
        threading.Thread(target=alerting.start, daemon=True).start()
    if (name := environ["PATH_INFO"].removeprefix("/open/")) != environ["PATH_INFO"]:
        registry.get(name).force_open("a test")
    body = json.dumps({"pid": os.getpid(), "not_running": alerting.not_running()}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
