"""Host server: tells whether the server that runs the application is stopping.

A server that stops first waits for its open requests, and only then ends the lifespan. A stream of
events would keep it for ever, so the stream must look for itself.
"""

import signal


def is_stopping() -> bool:
    """Return True if uvicorn, alone or as a worker of gunicorn, was told to stop.

    Its handler of SIGTERM is a method of the server, which has a flag for its main loop. Under any
    other server it is False. Thread-safe.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return getattr(server, "should_exit", False) is True
