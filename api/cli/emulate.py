"""`breakerd emulator`: an OpsGenie on loopback until it is interrupted."""

import signal
import threading
from types import FrameType

from alerts.emulator import Emulator
from api.cli.output import fail


def run_emulator(port: int, key: str | None, delay: float) -> None:
    """Serves until SIGINT or SIGTERM."""
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as handlers are called
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    try:
        emulator = Emulator(port=port, api_keys={key} if key else (), delay=delay)
    except OSError as error:
        fail(f"cannot listen on port {port}: {error.strerror}")
    with emulator:
        print(f"OpsGenie emulator on {emulator.url}", flush=True)  # noqa: T201 - read by programs
        print(f"  OPSGENIE_API_URL={emulator.url} OPSGENIE_API_KEY={key or 'any'}", flush=True)  # noqa: T201 - as above
        stop.wait()
