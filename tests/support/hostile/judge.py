"""Judge what becomes of hostile files, in forked processes with limits of time and memory."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Final, Self

from breakerd import Breakerd, ConfigError
from breakerd.api.file_settings import FileSettings, read_file
from breakerd.breaker.errors import ConfigProblem
from tests.support.hostile.bombs import bombs
from tests.support.hostile.mutators import MUTATORS
from tests.support.hostile.seeds import BASE, seeds
from tests.support.thoroughness import THOROUGH

SECONDS: Final = 1.0
"""CPU time within which a file is to be read and checked, where nothing else runs."""
MARGIN: Final = 4.0
"""How many times as long that may be on a slow or busy machine, whose CPU time is longer too."""
MEGABYTES: Final = 100.0
"""Memory that reading and checking a file may need."""
_SHORT: Final = 100_000
"""Length, in bytes, up to which a wrong file is reloaded too, and not only checked."""
_FEW_BREAKERS: Final = 20
"""Breakers up to which a valid file is put in force too; making more of them takes long."""


@dataclass
class Verdicts:
    """What became of some files."""

    refused: int = 0
    valid: int = 0
    slowest: float = 0.0
    largest: float = 0.0
    faults: list[str] = field(default_factory=list)

    def add(self, other: Self) -> None:
        """Add those of other files."""
        self.refused += other.refused
        self.valid += other.valid
        self.slowest = max(self.slowest, other.slowest)
        self.largest = max(self.largest, other.largest)
        self.faults += other.faults


def case(number: int) -> tuple[str, bytes]:
    """Return the file of that number, always the same, and how it was made."""
    chance = Random(number)
    texts = seeds()
    # The reference is long, so it is rarer.
    at = chance.choice([*range(len(texts) - 1), *range(len(texts) - 1), len(texts) - 1])
    content, names = texts[at].encode(), []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        mutate = chance.choice(MUTATORS)
        content = mutate(chance, content)
        names.append(mutate.__name__)
    return f"case({number}): seed {at}, {', '.join(names)}", content


def judge_cases(numbers: Sequence[int], folder: Path, processes: int) -> Verdicts:
    """Judge the files of these numbers, some in each of so many processes."""
    parts = [numbers[at::processes] for at in range(processes)]
    return _in_processes(folder, [_job_of_cases(part) for part in parts])


def judge_bombs(folder: Path, processes: int) -> Verdicts:
    """Judge each bomb in a process of its own, so that each finds the same memory."""
    found = Verdicts()
    made = list(bombs().items())
    for at in range(0, len(made), processes):
        jobs = [_job(name, text) for name, text in made[at : at + processes]]
        found.add(_in_processes(folder, jobs))
    return found


def _job_of_cases(numbers: Sequence[int]) -> Callable[[Court], None]:
    return lambda court: court.judge_all(numbers)


def _job(name: str, text: str) -> Callable[[Court], None]:
    return lambda court: court.judge(name, text.encode())


def _in_processes(folder: Path, jobs: Sequence[Callable[[Court], None]]) -> Verdicts:
    children = []
    for number, job in enumerate(jobs):
        place = folder / f"{number}"
        place.mkdir(exist_ok=True)
        child = os.fork()
        if child == 0:
            _work(place, job)
        children.append((child, place))
    found = Verdicts()
    for child, place in children:
        _, status = os.waitpid(child, 0)
        result = place / "result.json"
        if status or not result.exists():
            last = (place / "last.txt").read_text()
            found.faults.append(f"{last}: the process ended with status {status}")
        else:
            found.add(Verdicts(**json.loads(result.read_text())))
            result.unlink()
    return found


def _work(place: Path, job: Callable[[Court], None]) -> None:
    """Do a job, write its verdicts, and end the process."""
    status = 1
    try:
        os.chdir(place)
        signal.signal(signal.SIGPROF, _too_slow)
        court = Court()
        job(court)
        Path("result.json").write_text(json.dumps(asdict(court.verdicts)))
        status = 0
    except BaseException:  # noqa: BLE001 - told, and the process ends
        traceback.print_exc()
    finally:
        os._exit(status)


class TooSlowError(BaseException):
    """Reading took far too long; no handler of errors catches it."""


def _too_slow(*_: object) -> None:
    raise TooSlowError


class Court:
    """Judges files one by one, beside a running configuration."""

    def __init__(self) -> None:
        self.verdicts = Verdicts()
        self._path = Path("breakers.toml").absolute()
        self._write(BASE.encode())
        self._breakers = Breakerd.from_file(self._path)
        config = self._breakers.registry.config
        assert config is not None
        self._config = config
        self._before = self._state()
        self._what = ""

    def judge_all(self, numbers: Sequence[int]) -> None:
        """Judge the files of these numbers."""
        for number in numbers:
            self.judge(*case(number))

    def judge(self, what: str, content: bytes) -> None:
        """Judge one file; a fault says how to make it again."""
        self._what = what
        Path("last.txt").write_text(what)
        self._write(content)
        try:
            settings, problems = self._measured()
            if settings is None:
                self.verdicts.refused += 1
                self._check_problems(problems, content)
                if len(content) <= _SHORT or THOROUGH:
                    self._check_untouched()
            else:
                self.verdicts.valid += 1
                if len(settings.breakers.named) <= _FEW_BREAKERS:
                    self._check_in_force()
        except TooSlowError:
            self._fault("is not read in any sensible time")
        except BaseException:  # noqa: BLE001 - whatever it is
            self._fault(traceback.format_exc())

    def _measured(self) -> tuple[FileSettings | None, Sequence[ConfigProblem]]:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        signal.setitimer(signal.ITIMER_PROF, 3 * MARGIN * SECONDS)
        began = time.process_time()
        found: tuple[FileSettings | None, Sequence[ConfigProblem]]
        try:
            found = read_file(self._path), ()
        except ConfigError as error:
            found = None, error.problems
        finally:
            took = time.process_time() - began
            signal.setitimer(signal.ITIMER_PROF, 0)
        needed = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
        self.verdicts.slowest = max(self.verdicts.slowest, took)
        self.verdicts.largest = max(self.verdicts.largest, needed)
        if took > MARGIN * SECONDS:
            self._fault(f"took {took:.1f} s of CPU time")
        if needed > MEGABYTES:
            self._fault(f"needed {needed:.0f} MB")
        return found

    def _check_problems(self, problems: Sequence[ConfigProblem], content: bytes) -> None:
        lines = content.count(b"\n") + 1
        if not problems:
            self._fault("is refused without a problem")
        for problem in problems:
            if not (0 < problem.line <= lines or _is_of_the_whole(problem)):
                self._fault(f"has a problem without a place: {problem}")
            if not (problem.found and problem.allowed) or len(str(problem)) > 5000:
                self._fault(f"has a problem that says too little or too much: {problem!r:.500}")

    def _check_untouched(self) -> None:
        if self._config.reload():
            self._fault("is refused by the check and taken by a reload")
        if self._state() != self._before:
            self._fault("changes the configuration in force although it is refused")

    def _check_in_force(self) -> None:
        if not self._config.reload():
            # Only a running process knows whether its database may move to a path.
            self._check_problems(self._config.status.problems, self._path.read_bytes())
            if any(each.key != "alerts.database" for each in self._config.status.problems):
                self._fault(f"is valid, but refused by a reload: {self._config.status.problems}")
        self._write(BASE.encode())
        if not self._config.reload() or self._state() != self._before:
            self._fault("leaves something in force when the file before is back")

    def _state(self) -> tuple[object, ...]:
        names = ("default", "base")
        settings = [self._breakers.get(name).settings for name in names]
        return (self._config.document.data, *settings)

    def _write(self, content: bytes) -> None:
        self._path.write_bytes(content)
        os.utime(self._path, (1, 1))  # nobody is saving it

    def _fault(self, found: str) -> None:
        self.verdicts.faults.append(f"{self._what}: {found}")


def _is_of_the_whole(problem: ConfigProblem) -> bool:
    """True for a problem of a file that is not read at all, or of a variable."""
    return problem.where == "environment" or "a readable file of at most" in problem.allowed
