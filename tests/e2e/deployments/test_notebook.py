"""A notebook: a real kernel, in which the cell that makes the breakers is run again."""

from __future__ import annotations

import ast
import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

from breakerd.alerts.emulator import Emulator
from tests.support.deployment.processes import ServerProcess
from tests.support.deployment.scenario import Scenario
from tests.support.deployment.service import Service
from tests.support.deployment.settings import ServiceFolder, variables
from tests.support.polling import until

COMMAND = (sys.executable, "-m", "ipykernel_launcher", "-f")
CELL = """
import json, os, threading
from breakerd import Breakerd
from tests.support.deployment.answers import answer
breakers = Breakerd.from_file(os.environ["SERVICE_FILE"])
payments = breakers.get("payments")
"""


class Notebook(Service):
    """A kernel with one client."""

    def __init__(
        self, process: ServerProcess, folder: ServiceFolder, client: BlockingKernelClient
    ) -> None:
        super().__init__(process, folder, workers=1)
        self._client = client

    def run(self, cell: str) -> None:
        """Run a cell."""
        self._execute(cell, {})

    def value(self, expression: str) -> Any:
        """Return the value of an expression."""
        shown = self._execute("", {"value": f"json.dumps({expression})"})["user_expressions"]
        return json.loads(ast.literal_eval(shown["value"]["data"]["text/plain"]))

    def ask(self, action: str, times: int) -> list[dict[str, Any]]:
        return [self.value(f"answer(breakers, payments, {action!r})") for _ in range(times)]

    def shut_down(self) -> None:
        """Ask the kernel to end, as Jupyter does."""
        self._client.shutdown()

    def _execute(self, code: str, expressions: dict[str, str]) -> dict[str, Any]:
        reply = self._client.execute(code, user_expressions=expressions, reply=True, timeout=60)
        content: dict[str, Any] = reply["content"]
        assert content["status"] == "ok", content
        return content


@contextmanager
def notebook(folder: ServiceFolder, emulator: Emulator) -> Iterator[Notebook]:
    connection = folder.path / "kernel.json"
    command = (*COMMAND, str(connection))
    with ServerProcess(command, folder.path, variables(folder, emulator)) as process:
        until(lambda: is_written(connection))
        client = BlockingKernelClient(connection_file=str(connection))
        client.load_connection_file()
        client.start_channels()
        try:
            client.wait_for_ready(60)
            yield Notebook(process, folder, client)
        finally:
            client.stop_channels()


def is_written(file: Path) -> bool:
    return file.exists() and file.read_text().rstrip().endswith("}")


def test_a_life(folder: ServiceFolder, opsgenie_emulator: Emulator) -> None:
    with notebook(folder, opsgenie_emulator) as kernel:
        kernel.run(CELL)
        scenario = Scenario(kernel, opsgenie_emulator)
        scenario.check_nothing_is_started()
        scenario.trip_all()
        before = kernel.value("id(breakers)")
        kernel.run(CELL)
        assert kernel.value("id(breakers)") == before
        assert kernel.ask_one("show").state == "OPEN"
        threads = Counter(kernel.value("[each.name for each in threading.enumerate()]"))
        assert {threads[name] for name in ("breaker-config", "breaker-ticker")} == {1}
        scenario.recover()
        scenario.live()
        scenario.end(kernel.shut_down)
