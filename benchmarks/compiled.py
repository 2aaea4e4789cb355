"""The compiled build beside the interpreted one: the same calls, in a copy that was compiled.

As `python -m benchmarks.compiled` it measures the `breaker` that it finds, and prints figures.
"""

import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.calls import empty_pair, many_threads, rejection
from benchmarks.calls.contest import Contest, Row
from benchmarks.calls.empty_pair import EMPTY, nothing
from benchmarks.calls.features import SLO
from benchmarks.calls.forms import GUARD_BODY, README_BODY
from benchmarks.calls.subject import Subject, entered
from benchmarks.figures import Effort, Figure, UnavailableError
from breaker import LimiterSettings, Settings

NAME: Final = "compiled"
ROOT: Final = Path(__file__).resolve().parents[1]
COPIED: Final = ("alerts", "api", "benchmarks", "breaker")
ROWS: Final = [
    Row("compiled, allow + done", "plain", EMPTY, "<= 1.1"),
    Row("compiled, with self-tuning and limiter", "slo and limiter", EMPTY),
    Row("compiled, the README's form", "readme", EMPTY, note="b.clock(), error=False said"),
    Row("compiled, with guard()", "guard", EMPTY),
    Row("compiled, decorator", "decorator", EMPTY),
]
ALSO: Final = ("allow when open", "1 thread, no work", "8 threads, no work")
"""Figures of other contests, without their reaches, which are for the interpreted build."""


def measure(effort: Effort) -> list[Figure]:
    """Compiles a copy, and measures it in an interpreter of its own.

    Raises:
        UnavailableError: there is no C compiler, or no headers of this Python.
    """
    header = Path(sysconfig.get_path("include"), "Python.h")
    if shutil.which("gcc") is None or not header.exists():
        raise UnavailableError("gcc and Python's headers are needed to compile")
    with tempfile.TemporaryDirectory() as folder:
        for package in COPIED:
            leave = shutil.ignore_patterns("__pycache__", "*.so")
            shutil.copytree(ROOT / package, Path(folder, package), ignore=leave)
        compile_into = [sys.executable, str(ROOT / "hatch_build.py"), str(Path(folder, "breaker"))]
        subprocess.run(compile_into, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - this project's
        inner = [sys.executable, "-m", "benchmarks.compiled", str(effort.rounds), str(effort.calls)]
        done = subprocess.run(inner, cwd=folder, check=True, stdout=subprocess.PIPE)  # noqa: S603 - this program
        return [Figure.from_json(data) for data in json.loads(done.stdout)]


def measure_here(effort: Effort) -> list[Figure]:
    """What calls cost in this interpreter."""
    tuned = Settings(slo=SLO, limiter=LimiterSettings(enabled=True))
    with ExitStack() as stack:
        kinds = ("plain", "readme", "guard", "decorator")
        subjects = entered(stack, {kind: Subject() for kind in kinds})
        tuning = stack.enter_context(Subject(tuned))
        decorated = subjects["decorator"].breaker(nothing)
        field = [
            empty_pair.contestant(),
            subjects["plain"].contestant("plain"),
            tuning.contestant("slo and limiter"),
            subjects["readme"].contestant("readme", README_BODY),
            subjects["guard"].contestant("guard", GUARD_BODY),
            subjects["decorator"].contestant("decorator", "g()", g=decorated),
        ]
        figures = Contest(effort, field).run().figures(ROWS)
    others = [*rejection.measure(effort), *many_threads.measure(effort, ("no work",))]
    figures += [
        replace(figure, name=f"compiled, {figure.name}", reach="")
        for figure in others
        if figure.name in ALSO
    ]
    return [replace(figure, part=NAME) for figure in figures]


def measure_as_compiled(arguments: list[str]) -> str:
    """The figures as JSON; `arguments` are rounds and calls.

    Raises:
        SystemExit: the `breaker` that was found is not compiled.
    """
    if "hot_path" not in machine.compiled():
        sys.exit("the breaker that was found is not compiled")
    rounds, calls = map(int, arguments)
    return json.dumps([figure.as_json() for figure in measure_here(Effort(rounds, calls, 0.0))])


if __name__ == "__main__":
    print(measure_as_compiled(sys.argv[1:]))
