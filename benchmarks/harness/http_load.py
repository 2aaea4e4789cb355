"""HTTP load by `wrk`, of any duration."""

import json
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.figures import UnavailableError

_SCRIPT = Path(__file__).with_name("wrk.lua")
_MAX_DURATION = "60s"


@dataclass(frozen=True)
class Load:
    """The result of a load.

    Attributes:
        requests: number of responses.
        seconds: duration of the load.
        received: bytes received, headers included.
        p50: median seconds from request to response.
        p99: 99th percentile of the same.
        errors: failed connections, time-outs, and responses with a status from 400 on.
    """

    requests: int
    seconds: float
    received: int
    p50: float
    p99: float
    errors: int

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def require() -> str:
    """Return the path of `wrk`.

    Raises:
        UnavailableError: it is not installed.
    """
    program = shutil.which("wrk")
    if program is None:
        raise UnavailableError("wrk is not installed (Debian: apt-get install wrk)")
    return program


def load(url: str, seconds: float, *, connections: int) -> Load:
    """Request `url` repeatedly from one thread for `seconds`, 0.1 or more.

    wrk takes whole seconds only, so it is interrupted, and reports as at its regular end.

    Raises:
        UnavailableError: wrk is not installed.
        RuntimeError: wrk failed.
    """
    command = [
        require(),
        "-t1",
        f"-c{connections}",
        f"-d{_MAX_DURATION}",
        "--timeout=30s",
        "-s",
        str(_SCRIPT),
        url,
    ]
    with subprocess.Popen(  # noqa: S603 - wrk, found by its name
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        output = _interrupt_after(process, seconds)
    if process.returncode == -signal.SIGINT:  # the interrupt came before its handler
        return load(url, seconds * 2, connections=connections)
    if process.returncode:
        raise RuntimeError(f"wrk failed: {output}")
    return _parse(output)


def _interrupt_after(process: subprocess.Popen[str], seconds: float) -> str:
    """Interrupt the process after `seconds`, and return its output.

    On a busy machine it may not have installed its handler yet, and dies of the signal; if our
    parent ignored signals, it may not have received it. So it is interrupted again every second.
    """
    try:
        while True:
            try:
                return process.communicate(timeout=seconds)[0]
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
                seconds = 1.0
    finally:
        process.kill()


def _parse(output: str) -> Load:
    found = json.loads(output.splitlines()[-1])
    return Load(
        requests=found["requests"],
        seconds=found["microseconds"] / 1e6,
        received=found["bytes"],
        p50=found["p50"] / 1e6,
        p99=found["p99"] / 1e6,
        errors=found["socket_errors"] + found["status_errors"],
    )
