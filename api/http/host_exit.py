"""Notice that the host's server is stopping, which tells its application too late for streams."""

import signal
from typing import Final

import uvicorn

_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


def is_host_stopping() -> bool:
    """Return True once the uvicorn server of this process, under gunicorn too, was told to stop.

    uvicorn then waits for every response to end, an event stream as well, before it ends the
    application's lifespan. Its signal handlers lead to it: an application gets no reference.
    """
    servers = (getattr(signal.getsignal(number), "__self__", None) for number in _STOPPING)
    return any(isinstance(server, uvicorn.Server) and server.should_exit for server in servers)
