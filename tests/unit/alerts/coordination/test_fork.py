"""A process that was forked while alerting ran: its threads and its database are the parent's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")

BEGIN = """
    import json, os, signal, sys, threading, time
    from breakerd import Alerting, AlertingSettings, AlertsSettings, OpsGenieSettings, Registry
    from breakerd.breaker.errors import NotStoredError

    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key="key", api_url=sys.argv[2], team="t",
            environment="e", bookmaker_id="b", alert_cooldown_seconds=0),
        AlertsSettings(database=sys.argv[1], attach_chart=False, group_window=0),
    )
    registry = Registry()
    registry.get("payments")
    alerting = Alerting(registry, settings)

    def tell(**found):
        os.write(1, json.dumps(found).encode() + b"\\n")

    def leads():
        return alerting._runtime.worker._components.lease.held

    def fork(inside):
        # What the child does, as another process would; it ends as `os.fork` children do.
        child = os.fork()
        if child == 0:
            code = 1
            try:
                inside()
                code = 0
            finally:
                os._exit(code)
        return child
"""

READ_IN_CHILD = """
    alerting.start()
    assert alerting.paging
    alerting.run_once()  # so that what threads import and open at their start is there
    (sender,) = alerting._runtime.pipeline._threads.values()
    runtime = alerting._runtime

    def inside():
        found = {"health": alerting.health(), "stats": alerting.stats().stalled}
        found["not_running"] = alerting.not_running()
        found["report"] = alerting.status.paging_report("payments")
        found["empty"] = [alerting.incidents(), alerting.silences(), alerting.receivers()]
        found["opsgenie"] = alerting.opsgenie_status()["initialized"]
        found["staged"] = alerting.staged_alerts("payments")["pending_alerts_count"]
        for write in (
            lambda: alerting.add_silence(author="ann", reason="a move", seconds=60),
            lambda: alerting.retry("any"),
            lambda: alerting.run_once(),
        ):
            try:
                write()
            except NotStoredError as error:
                found.setdefault("refused", []).append(str(error))
        registry.get("payments").trip("an event that nobody observes")
        alerting.close()
        alerting.close()
        tell(**found)

    # Locks that a thread of the parent holds at this moment stay locked in the child.
    with (
        runtime.worker._round, runtime.worker._wake._cond, runtime.incident_log.lock,
        runtime.silences._lock, sender._wake._cond,
    ):
        child = fork(inside)
    assert os.waitpid(child, 0)[1] == 0
    tell(
        parent=[alerting.paging, runtime.store.holder() == runtime.store.process],
        silences=len(alerting.silences()),
    )
    alerting.close()
"""


def run(script: str, database: Path, url: str = "http://127.0.0.1:9") -> list[dict[str, Any]]:
    """Lines of the processes of a script, in order."""
    code = textwrap.dedent(BEGIN) + textwrap.dedent(script)
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, str(database), url]
    done = subprocess.run(command, timeout=60, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_forked_process_says_that_it_pages_nobody_and_waits_for_no_lock(tmp_path: Path) -> None:
    child, parent = run(READ_IN_CHILD, tmp_path / "alerts.db")
    why = child["not_running"]["alerting"]
    assert why.startswith("nobody is being paged by this process: it was forked after alerting")
    assert why.endswith("it starts with `with alerting:` or `start()`")
    assert child["health"] == {"ok": False, "stalled": False, "paging": False, "problems": [why]}
    assert child["report"] == {"paging": False, "paging_problems": [why]}
    assert not child["stats"]
    assert not child["opsgenie"]
    assert child["empty"] == [[], [], []]
    assert child["staged"] == 0
    assert child["refused"] == [f"nothing can be stored: {why}"] * 3
    assert parent["parent"] == [True, True], "the lease is still the parent's"
    assert parent["silences"] == 0
