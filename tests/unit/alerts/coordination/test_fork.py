"""A process that was forked while alerting ran: its threads and its database are the parent's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

FORK = """
    import json, os, sys
    from breakerd import Alerting, AlertingSettings, AlertsSettings, OpsGenieSettings, Registry
    from breakerd.alerts.muting.silences import NotStoredError

    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key="k", api_url="http://127.0.0.1:9", team="t"),
        AlertsSettings(database=sys.argv[1]),
    )
    with Registry() as registry:
        registry.get("payments")
        alerting = Alerting(registry, settings)
        alerting.start()
        assert alerting.paging
        alerting.run_once()  # so that what threads import and open at their start is there
        read, write = os.pipe()
        # Locks that a thread of the parent holds at this moment stay locked in the child.
        with alerting._worker._round, alerting._incident_log.lock, alerting._silences._lock:
            child = os.fork()
        if child == 0:
            # As much later as a thread that had stopped would be told.
            alerting._watchdog._clock = lambda: 1e9
            for sender in alerting._pipeline._threads.values():
                sender._alive._clock = lambda: 1e9
            found = {"health": alerting.health(), "stats": alerting.stats().stalled}
            found["report"] = alerting.status.paging_report("payments")
            try:
                alerting.add_silence(author="ann", reason="a move", seconds=60)
            except NotStoredError as error:
                found["silence"] = str(error)
            found["incidents"] = alerting.incidents()
            alerting.close()
            os.write(write, json.dumps(found).encode())
            os._exit(0)
        os.close(write)
        with open(read, "rb") as answer:
            found = json.loads(answer.read())
        os.wait()
        found["parent"] = [alerting.paging, alerting._store.holder() == alerting._store.process]
        found["silences"] = len(alerting.silences())
        alerting.close()
    print(json.dumps(found))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_forked_process_says_that_it_pages_nobody_and_is_not_stalled(tmp_path: Path) -> None:
    database = tmp_path / "alerts.db"
    command = [sys.executable, "-c", textwrap.dedent(FORK), str(database)]
    done = subprocess.run(command, timeout=60, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert not found["health"]["stalled"]
    assert not found["stats"]
    assert not found["health"]["ok"]
    assert not found["health"]["paging"]
    assert not found["report"]["paging"]
    why = found["report"]["paging_problems"][0]
    assert why.startswith("nobody is being paged by this process: it was forked after alerting")
    assert f"{database}: opened before this process was forked" in found["silence"]
    assert found["incidents"] == []
    assert found["parent"] == [True, True], "the lease is still the parent's"
    assert found["silences"] == 0
