"""Django's development server, whose reloader replaces the process when code changes."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from breakerd.alerts.emulator import Emulator
from tests.support.deployment.processes import ServerProcess, is_running
from tests.support.deployment.scenario import Scenario
from tests.support.deployment.service import HttpService
from tests.support.deployment.settings import ServiceFolder, variables
from tests.support.polling import until

SITE = Path(__file__).parents[2] / "support" / "deployment" / "django_site.py"
COMMAND = (sys.executable, "-m", "django", "runserver", "--settings", "site_of_test", "127.0.0.1:0")


@contextmanager
def runserver(folder: ServiceFolder, emulator: Emulator) -> Iterator[Scenario]:
    shutil.copy(SITE, folder.path / "site_of_test.py")
    # The reloader's parent leaves the server that it kills to its destructor.
    quiet = {"PYTHONWARNINGS": "default,ignore:subprocess:ResourceWarning"}
    with (
        ServerProcess(COMMAND, folder.path, variables(folder, emulator) | quiet) as process,
        connected(process, folder) as service,
    ):
        yield Scenario(service, emulator)


def connected(process: ServerProcess, folder: ServiceFolder) -> HttpService:
    """Return the service at the latest address: the server takes another port each time."""
    url = process.wait_for(r"server at (http://127.0.0.1:[1-9]\d*)")[1]
    return HttpService(process, folder, 1, url)


def test_a_life(folder: ServiceFolder, opsgenie_emulator: Emulator) -> None:
    with runserver(folder, opsgenie_emulator) as scenario:
        scenario.check_parent(threads=1)
        scenario.check_nothing_is_started()
        scenario.live()
        scenario.check_parent(threads=1)
        # Its parent kills the server a quarter of a second after Ctrl-C, and at once after SIGTERM.
        scenario.end(signal.SIGINT, foreground=True, orderly=False)
    with runserver(folder, opsgenie_emulator) as started_again:
        scenario.service = started_again.service
        scenario.recover()


def test_a_change_of_the_code(folder: ServiceFolder, opsgenie_emulator: Emulator) -> None:
    with runserver(folder, opsgenie_emulator) as scenario:
        scenario.trip_all()
        before = scenario.service.ask_one("show").pid
        os.utime(folder.path / "site_of_test.py")
        process = scenario.service.process
        until(lambda: not is_running(before))
        until(lambda: process.log.count("server at http") == 2)
        with connected(process, folder) as scenario.service:
            scenario.recover()
            scenario.check_no_repetition()
