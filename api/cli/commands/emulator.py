"""`breakerd emulator`: emulate OpsGenie or Jira Service Management on loopback."""

import json
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from breakerd.alerts.emulator import Emulator, Fault, FaultError, Mode, schedule_from_json
from breakerd.alerts.emulator.web.page import NAMES
from breakerd.api.cli.output import USAGE_ERROR, fail


@dataclass(frozen=True)
class EmulatorOptions:
    """Options of an emulator.

    Attributes:
        mode: API to emulate.
        port: port to listen on; 0 takes a free one.
        key: the only valid key; None: any key is valid.
        delay: seconds until a write takes effect.
        faults: JSON file with one fault or a list of faults.
    """

    mode: Mode
    port: int
    key: str | None
    delay: float
    faults: Path | None = None


def run_emulator(options: EmulatorOptions) -> None:
    """Serve until SIGINT or SIGTERM. To be called in the main thread."""
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signature of handlers
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    faults = _read_faults(options.faults) if options.faults else []
    emulator = _bind(options)
    try:
        emulator.schedule(faults)
    except FaultError as error:
        emulator.stop()
        fail(f"{options.faults}: {error}", USAGE_ERROR)
    with emulator:
        name, key = NAMES[emulator.mode], options.key or "any"
        print(f"{name} emulator on {emulator.url}", flush=True)  # noqa: T201 - read by programs
        print(f"  OPSGENIE_API_URL={emulator.url} OPSGENIE_API_KEY={key}", flush=True)  # noqa: T201 - as above
        stop.wait()


def _bind(options: EmulatorOptions) -> Emulator:
    keys = {options.key} if options.key else set()
    try:
        return Emulator(mode=options.mode, port=options.port, api_keys=keys, delay=options.delay)
    except OSError as error:
        fail(f"cannot listen on port {options.port}: {error.strerror}")


def _read_faults(file: Path) -> list[Fault]:
    try:
        return schedule_from_json(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        fail(f"{file}: {error.strerror}", USAGE_ERROR)
    except ValueError as error:  # invalid JSON, or an invalid fault
        fail(f"{file}: {error}", USAGE_ERROR)
