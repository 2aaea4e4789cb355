"""The two processes of the demo: the service, and the OpsGenie emulator."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

KEY: Final = "demo-key"

_START: Final = 30.0
_STOP: Final = 10.0

_CONFIG: Final = """\
# Written by `breakerd demo`: short times, so that a whole incident fits into a minute.
latency_threshold = 300
latency_window_size = 64
percentile = 0.95
wait_time = 2
trend_analysis_enabled = true

[recovery]
probes = 3
step_time = {step}
max_wait_time = 0          # failed probes do not double the wait

[opsgenie]
enabled = true
team = "payments"
environment = "DEMO"
bookmaker_id = "demo"
business = "internal"
api_name = "Payment API"
time_before_send_alert = {escalate}
initial_alert_priority = "P3"
escalated_alert_priority = "P1"

[alerts]
database = "{folder}/breakerd.db"
quiet_time = {quiet}

[api]
audit_file = "{folder}/audit.jsonl"
"""


@contextmanager
def start_emulator(folder: Path) -> Iterator[str]:
    """Runs the emulator; gives its address."""
    arguments = ["emulator", "--port", "0", "--key", KEY, "--delay", "0.2"]
    with _running(arguments, folder / "emulator.log", {}) as line:
        yield line.rsplit(" ", 1)[-1]


@contextmanager
def start_service(folder: Path, emulator: str, pace: float) -> Iterator[str]:
    """Runs the service, which pages the emulator; gives its address."""
    config = folder / "breakers.toml"
    escalate, quiet, step = max(2, round(15 / pace)), 5 / pace, 1 / pace
    config.write_text(_CONFIG.format(folder=folder, escalate=escalate, quiet=quiet, step=step))
    arguments = ["serve", "--config", str(config), "--port", "0", "--demo-endpoints"]
    variables = {"OPSGENIE_API_KEY": KEY, "OPSGENIE_API_URL": emulator}
    with _running(arguments, folder / "service.log", variables) as line:
        yield line.rsplit(" ", 1)[-1]


@contextmanager
def _running(arguments: list[str], log: Path, variables: dict[str, str]) -> Iterator[str]:
    """A `breakerd` process, ended whatever happens; gives the first line it printed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BREAKERD_", "OPSGENIE_"))}
    kept.pop("Environment", None)
    with (
        log.open("w") as errors,
        subprocess.Popen(  # noqa: S603 - our own command, with arguments from above
            [sys.executable, "-m", "api.cli.main", *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=kept | variables,
        ) as process,
    ):
        try:
            yield _first_line(process, log)
        finally:
            process.terminate()
            try:
                process.wait(_STOP)
            except subprocess.TimeoutExpired:
                process.kill()


def _first_line(process: "subprocess.Popen[str]", log: Path) -> str:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    deadline = time.monotonic() + _START
    line = process.stdout.readline().strip()
    if not line or time.monotonic() > deadline:
        raise RuntimeError(f"{process.args!s} did not start:\n{log.read_text()[-2000:]}")
    return line
