"""`breakerd emulator`: an OpsGenie or a Jira Service Management on loopback until interrupted."""

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
    """What is emulated. `key` is the only one let in, None for any; `delay` is in seconds."""

    mode: Mode
    port: int
    key: str | None
    delay: float
    faults: Path | None = None
    """A JSON file: one fault, or a list of them."""


def run_emulator(wanted: EmulatorOptions) -> None:
    """Serves until SIGINT or SIGTERM."""
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as handlers are called
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    faults = _read_faults(wanted.faults) if wanted.faults else []
    emulator = _bind(wanted)
    try:
        emulator.schedule(faults)
    except FaultError as error:
        emulator.stop()
        fail(f"{wanted.faults}: {error}", USAGE_ERROR)
    with emulator:
        name, key = NAMES[emulator.mode], wanted.key or "any"
        print(f"{name} emulator on {emulator.url}", flush=True)  # noqa: T201 - read by programs
        print(f"  OPSGENIE_API_URL={emulator.url} OPSGENIE_API_KEY={key}", flush=True)  # noqa: T201 - as above
        stop.wait()


def _bind(wanted: EmulatorOptions) -> Emulator:
    keys = {wanted.key} if wanted.key else set()
    try:
        return Emulator(mode=wanted.mode, port=wanted.port, api_keys=keys, delay=wanted.delay)
    except OSError as error:
        fail(f"cannot listen on port {wanted.port}: {error.strerror}")


def _read_faults(file: Path) -> list[Fault]:
    try:
        return schedule_from_json(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        fail(f"{file}: {error.strerror}", USAGE_ERROR)
    except ValueError as error:  # no JSON, or no fault that makes sense
        fail(f"{file}: {error}", USAGE_ERROR)
