"""Load by `wrk`, for as long as one likes."""

import json
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.figures import UnavailableError

_SCRIPT = Path(__file__).with_suffix(".lua")
_LONGEST = "60s"


@dataclass(frozen=True)
class Load:
    """What came of a load.

    Attributes:
        requests: how many were answered.
        seconds: how long it lasted.
        received: bytes, with the heads of the answers.
        p50: median seconds from request to answer.
        p99: the same for the slowest hundredth.
        errors: connections that failed, time-outs, and answers from 400 on.
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
    """The program's path.

    Raises:
        UnavailableError: it is not installed.
    """
    program = shutil.which("wrk")
    if program is None:
        raise UnavailableError("wrk is not installed (Debian: apt-get install wrk)")
    return program


def load(url: str, seconds: float, *, connections: int) -> Load:
    """Asks `url` again and again, on one thread; at least a tenth of a second or so.

    wrk's own durations are whole seconds, so it is interrupted, which it takes for its end.

    Raises:
        UnavailableError: it is not installed.
        RuntimeError: it failed.
    """
    command = [
        require(),
        "-t1",
        f"-c{connections}",
        f"-d{_LONGEST}",
        "--timeout=30s",
        "-s",
        str(_SCRIPT),
        url,
    ]
    with subprocess.Popen(  # noqa: S603 - wrk, found by its name
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        said = _interrupted(process, seconds)
    if process.returncode == -signal.SIGINT:  # it came too early
        return load(url, seconds * 2, connections=connections)
    if process.returncode:
        raise RuntimeError(f"wrk failed: {said}")
    return _parse(said)


def _interrupted(process: subprocess.Popen[str], seconds: float) -> str:
    """What it said, when it was interrupted after so long.

    On a busy machine it may not have come to the point of heeding that, and be killed; or, where
    signals were ignored by who started us, not have noticed. Then it is told again.
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


def _parse(said: str) -> Load:
    found = json.loads(said.splitlines()[-1])
    return Load(
        requests=found["requests"],
        seconds=found["microseconds"] / 1e6,
        received=found["bytes"],
        p50=found["p50"] / 1e6,
        p99=found["p99"] / 1e6,
        errors=found["socket_errors"] + found["status_errors"],
    )
