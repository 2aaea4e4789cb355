"""Run the two processes of the demo: the service and the OpsGenie emulator."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from breakerd.api.cli.demo.observer import DemoError

KEY: Final = "demo-key"

_START_TIMEOUT: Final = 90.0
"""Seconds until a process that prints nothing is killed."""
_STOP_TIMEOUT: Final = 10.0
"""Seconds between SIGTERM and SIGKILL."""

CONFIG: Final = """\
# Written by `breakerd demo`: short times, so that a whole incident takes a minute.
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
trigger_on_latency_threshold = false  # so that the alert comes with the trip, and not before
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
resolve_after = {quiet}

[api]
audit_file = "{folder}/audit.jsonl"
made_token_file = "{folder}/token"
"""


@contextmanager
def start_emulator(folder: Path) -> Iterator[str]:
    """Run the emulator, and yield its URL."""
    arguments = ["emulator", "--port", "0", "--key", KEY, "--delay", "0.2"]
    with run_process(arguments, folder / "emulator.log", {}) as line:
        yield line.rsplit(" ", 1)[-1]


class Service(NamedTuple):
    """A running service: its URL, and the token that it has made."""

    url: str
    token: str

    @property
    def dashboard(self) -> str:
        """The dashboard's address with the token in it."""
        return f"{self.url}/#token={self.token}"


@contextmanager
def start_service(
    folder: Path, emulator: str, pace: float, template: str = CONFIG
) -> Iterator[Service]:
    """Run the service, which pages the emulator, and yield it.

    Args:
        folder: where its files are.
        emulator: URL of the emulator.
        pace: speed; 2 is twice as fast.
        template: its configuration, with the fields of `CONFIG`.
    """
    config = folder / "breakers.toml"
    escalate, quiet, step = max(2, round(15 / pace)), 5 / pace, 1 / pace
    config.write_text(template.format(folder=folder, escalate=escalate, quiet=quiet, step=step))
    arguments = ["serve", "--config", str(config), "--port", "0", "--demo-endpoints"]
    variables = {"OPSGENIE_API_KEY": KEY, "OPSGENIE_API_URL": emulator}
    with run_process(arguments, folder / "service.log", variables) as line:
        yield Service(line.rsplit(" ", 1)[-1], (folder / "token").read_text().strip())


@contextmanager
def run_process(arguments: list[str], log: Path, variables: dict[str, str]) -> Iterator[str]:
    """Run a `breakerd` process, yield the first line it prints, and end it in any case.

    Args:
        arguments: arguments of the command.
        log: file for its standard error, in the folder that the process runs in.
        variables: added to this process's environment, from which settings of breakerd are removed.

    Raises:
        DemoError: the process did not start.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BREAKERD_", "OPSGENIE_"))}
    kept.pop("Environment", None)
    with (
        log.open("w") as errors,
        subprocess.Popen(  # noqa: S603 - the program is this one
            # -P: a `breakerd` in the current folder must not be imported.
            [sys.executable, "-P", "-m", "breakerd", *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=log.parent,  # files that no setting names are the demo's too
            env=kept | variables,
        ) as process,
    ):
        try:
            yield _first_line(process, arguments[0], log)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()


def _first_line(process: "subprocess.Popen[str]", command: str, log: Path) -> str:
    assert process.stdout is not None  # noqa: S101 - stdout is a pipe
    timeout = threading.Timer(_START_TIMEOUT, process.kill)
    timeout.start()
    line = process.stdout.readline().strip()
    timeout.cancel()
    if not line:
        reason = log.read_text()[-2000:] or f"no output within {_START_TIMEOUT:g} s"
        raise DemoError(f"breakerd {command} did not start:\n{reason}")
    return line
