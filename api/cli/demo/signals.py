"""End a demo in order, whoever ends it."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Make SIGTERM end the demo in order, as Ctrl-C does.

    A process that a shell starts in the background ignores SIGINT; the handler is set for it too.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signature of handlers
        signal.raise_signal(signal.SIGINT)

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, interrupt),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
