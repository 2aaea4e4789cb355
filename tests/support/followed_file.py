"""Processes that follow a file of settings: this one, or one of its own in a place of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from breakerd import Breakerd
from breakerd.breaker.config import ConfigFile
from tests.support.polling import until
from tests.support.warnings_as_errors import PYTHON_OPTIONS

ROOT = Path(__file__).resolve().parents[2]
TEXT = "wait_time = 10 # why ten\nlatency_threshold = 300\n[breakers.payments]\n"
"""Content of the file at the beginning."""


def with_wait(seconds: int) -> str:
    """Return the content with that `wait_time`."""
    return TEXT.replace("10 #", f"{seconds} #")


class Followed:
    """A file that this process follows as an embedding application does."""

    def __init__(self, breakers: Breakerd) -> None:
        config = breakers.registry.config
        assert config is not None
        self.config: ConfigFile = config
        self._breaker = breakers.get("payments")
        self.applied: list[int] = []
        """The `wait_time` of each change of settings, in order."""
        self._breaker.subscribe(lambda event: self._note(type(event).__name__))

    def _note(self, event: str) -> None:
        if event == "SettingsChanged":
            self.applied.append(self.in_force)

    @property
    def in_force(self) -> int:
        """The `wait_time` in force."""
        return int(self._breaker.settings.wait_time)

    def until(self, seconds: int) -> None:
        """Wait until that is the `wait_time` in force, and the file is not refused."""
        until(lambda: self.in_force == seconds and self.config.status.successful)

    def until_refused(self) -> str:
        """Wait until the file is refused; return why."""
        until(lambda: not self.config.status.successful)
        return "; ".join(map(str, self.config.status.problems))


@contextmanager
def followed(path: Path, text: str | None = TEXT) -> Iterator[Followed]:
    """Write the file, unless `text` is None, and follow it with all that a process runs."""
    if text is not None:
        path.write_text(text)
    with Breakerd.from_file(path, alerting=False, fleet=False, state=False) as breakers:
        found = Followed(breakers)
        until(lambda: found.config.watching)
        yield found


class FollowingProcess:
    """A process that follows a file, and answers what it sees; `launcher` starts it."""

    def __init__(self, path: Path, *launcher: str) -> None:
        # Its errors go to those of the tests.
        command = [*launcher, sys.executable, *PYTHON_OPTIONS, "-m", __spec__.name, str(path)]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self) -> dict[str, Any]:
        """Return the `wait_time` in force, the report on the file, and the numbers of reloads."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"it has ended with exit code {self._process.wait(30)}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def until(self, **expected: object) -> dict[str, Any]:
        """Wait until it answers that, and return the whole answer."""
        last: dict[str, Any] = {}

        def holds() -> bool:
            last.update(self.ask())
            return expected.items() <= last.items()

        try:
            until(holds)
        except AssertionError:
            raise AssertionError(last) from None
        return last

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate("end\n", timeout=60)
        finally:
            self._process.kill()
            self._process.wait()
        assert self._process.returncode == 0


def main(arguments: Sequence[str]) -> None:
    """Follow the file, and answer each line of the standard input but the last, `end`."""
    with followed(Path(arguments[0]), None) as found:
        for line in sys.stdin:
            if line.strip() == "end":
                break
            report = {
                "in_force": found.in_force,
                "successful": found.config.status.successful,
                "problems": [str(problem) for problem in found.config.status.problems],
                "by": found.config.watch_report.by,
                "problem": found.config.watch_report.problem,
                "applied": found.config.outcomes.counts.applied,
            }
            print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
