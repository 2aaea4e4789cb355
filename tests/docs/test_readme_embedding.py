"""The README's service with breakers, as it is printed, under a real server: it pages."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from breakerd.alerts.emulator import Emulator
from tests.support.deployment.processes import ServerProcess
from tests.support.deployment.scenario import Scenario
from tests.support.deployment.service import HttpService
from tests.support.deployment.settings import ServiceFolder, variables
from tests.support.documented import blocks

ROUTE = """
from printed import app, breakers, payments
from tests.support.deployment.answers import answer

@app.get("/{action}")
def ask(action: str) -> dict[str, object]:
    return answer(breakers, payments, action)
"""
COMMAND = (sys.executable, "-m", "uvicorn", "service:app", "--port", "0")


def test_one_page_for_an_incident(tmp_path: Path, opsgenie_emulator: Emulator) -> None:
    (block,) = (each for each in blocks("python") if is_embedding(each.page, each.text))
    folder = ServiceFolder(tmp_path, "config/breakers.toml")
    (tmp_path / "printed.py").write_text(block.text)
    (tmp_path / "service.py").write_text(ROUTE)
    with ServerProcess(COMMAND, tmp_path, variables(folder, opsgenie_emulator)) as process:
        url = process.wait_for(r"running on (http://127.0.0.1:\d+)")[1]
        with HttpService(process, folder, 1, url) as service:
            scenario = Scenario(service, opsgenie_emulator)
            scenario.trip_all()
            scenario.recover()
            scenario.check_no_repetition()
            scenario.end(code=-signal.SIGTERM)


def is_embedding(page: str, text: str) -> bool:
    return page == "README.md" and "Breakerd.from_file" in text
