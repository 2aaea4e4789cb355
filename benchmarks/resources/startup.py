"""Time to start: imports in fresh interpreters, the first breaker, and the command.

Before anything is timed, modules are compiled to byte code and in the page cache, as at any start
but the first. Imports and constructions are CPU time, commands are wall time.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from benchmarks.harness.child import ROOT
from benchmarks.harness.figures import Effort, Figure

NAME: Final = "startup"

REACH: Final = "<= 60"
DEPENDENCIES: Final = ("pydantic", "tomlkit", "watchdog", "psutil")
NEEDED: Final = {"watchdog": ("watchdog.observers", "watchdog.events")}
"""Modules that we import from a dependency, if they are not the package itself."""
IMPORT: Final = "import breakerd, beyond its dependencies"
FIRST: Final = "the first Breaker()"
LATER: Final = "a later Breaker()"
HELP: Final = "breakerd --help"
SERVE: Final = "breakerd serve until /healthz answers"
INTERPRETER: Final = "the interpreter alone"

_FRESH: Final = str(Path(__file__).with_name("fresh_import.py"))
_COMMAND: Final = (sys.executable, "-m", "breakerd")
_ENVIRONMENT: Final = {**os.environ, "PYTHONPATH": str(ROOT)}

Seconds = dict[str, list[float]]


def measure(effort: Effort) -> list[Figure]:
    """Start one interpreter after the other."""
    foreign = _fresh("list")
    found: Seconds = defaultdict(list)
    for _ in range(effort.rounds):
        _imports(foreign, found)
        _commands(found)
    return [_figure(name, found[name], foreign) for name in found]


def _imports(foreign: list[str], found: Seconds) -> None:
    own = _fresh("breaker", *foreign)
    found[IMPORT].append(own["import"])
    found["all its dependencies"].append(_fresh("modules", *foreign))
    for dependency in DEPENDENCIES:
        found[f"import {dependency}"].append(_fresh("modules", *_of(dependency, foreign)))
    found[FIRST].append(own["first"])
    found[LATER].append(own["later"])


def _of(dependency: str, foreign: list[str]) -> list[str]:
    """Return its modules that `import breakerd` loads; if none, those that we import later."""
    return _part_of(dependency, foreign) or list(NEEDED.get(dependency, (dependency,)))


def _part_of(dependency: str, foreign: list[str]) -> list[str]:
    return [name for name in foreign if name.partition(".")[0] == dependency]


def _fresh(*arguments: str) -> Any:
    command = [sys.executable, _FRESH, *arguments]
    done = subprocess.run(command, env=_ENVIRONMENT, stdout=subprocess.PIPE, check=True)  # noqa: S603 - ours
    return json.loads(done.stdout)


def _commands(found: Seconds) -> None:
    found[INTERPRETER].append(_run(sys.executable, "-c", "pass"))
    found[HELP].append(_run(*_COMMAND, "--help"))
    with tempfile.TemporaryDirectory() as folder:
        found[SERVE].append(_serve(folder))


def _run(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, env=_ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - ours
    return time.perf_counter() - start


def _serve(folder: str) -> float:
    start = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - ours
        [*_COMMAND, "serve", "--port", "0"],
        cwd=folder,
        env=_ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            url = process.stdout.readline().split()[-1]
            with urllib.request.urlopen(f"{url}/healthz") as answer:  # noqa: S310 - loopback
                answer.read()
            return time.perf_counter() - start
        finally:
            process.terminate()


def _figure(name: str, seconds: list[float], foreign: list[str]) -> Figure:
    dependency = name.removeprefix("import ")
    notes = [f"minimum {min(seconds) * 1000:.4g} ms"]
    if name == IMPORT:
        notes.append(f"{len(foreign)} modules of other distributions were loaded before")
    if dependency in DEPENDENCIES and not _part_of(dependency, foreign):
        notes.append("import breakerd does not load it")
    return Figure(
        part=NAME,
        name=name,
        value=statistics.median(seconds) * 1000,
        unit="ms",
        reach=REACH if name == IMPORT else "",
        note="; ".join(notes),
        details={"minimum_ms": min(seconds) * 1000, "rounds": len(seconds)},
    )
