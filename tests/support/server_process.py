"""Run `breakerd serve` as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.support.warnings_as_errors import PYTHON_OPTIONS

COMMAND = [sys.executable, *PYTHON_OPTIONS, "-m", "breakerd", "serve"]


class Server:
    """A running server on a free port; `url` is its URL."""

    def __init__(
        self, *arguments: str, folder: Path, environment: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._lines: list[str] = []
        self._process = subprocess.Popen(
            [*COMMAND, "--port", "0", *arguments],
            cwd=folder,
            env=os.environ | (environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read_log)
        self._reader.start()
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self.url = line.rpartition(" ")[2].strip()
        if not line.startswith("breakerd listening on http"):
            self.stop()
            raise AssertionError(f"the server did not start: {line} {self.log}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def log(self) -> list[dict[str, Any]]:
        """Records that it has logged so far."""
        return [json.loads(line) for line in list(self._lines) if line.startswith("{")]

    @property
    def text(self) -> str:
        """Everything that it has written to its standard error so far."""
        return "".join(self._lines)

    @property
    def made_token(self) -> str:
        """The token that it has made in its folder; empty if it has none."""
        file = self.folder / "var" / "token"
        return file.read_text().strip() if file.exists() else ""

    def client(self, token: str | None = None) -> httpx.Client:
        """Return a client with that token, by default the made one."""
        return httpx.Client(base_url=self.url, headers=self.headers(token), timeout=30)

    def headers(self, token: str | None = None) -> dict[str, str]:
        """Return the headers of a request with that token, by default the made one."""
        return {"Authorization": f"Bearer {token}"} if (token := token or self.made_token) else {}

    def stranger(self) -> httpx.Client:
        """Return a client without a token."""
        return httpx.Client(base_url=self.url, timeout=30)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it by a signal, and return its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            code = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        return code

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._lines.append(line)


def run_server(
    *arguments: str, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected not to start."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
