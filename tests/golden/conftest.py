from __future__ import annotations

import fcntl
import os
import pickle
from pathlib import Path

import pytest

from tests.golden.incidents.calls import CALLS
from tests.golden.incidents.catalogue import Incident
from tests.golden.incidents.groups import GROUPS
from tests.golden.incidents.people import PEOPLE
from tests.golden.story import Story, run

INCIDENTS = sorted([*CALLS, *GROUPS, *PEOPLE], key=lambda incident: incident.name)


@pytest.fixture(scope="module", params=INCIDENTS, ids=lambda incident: incident.name)
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Each incident, run once for all tests, by whichever of pytest-xdist's processes is first."""
    incident: Incident = request.param
    folder, base = tmp_path_factory.mktemp(incident.name), tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return _run_once(incident, folder, shared / f"{incident.name}.story")


def _run_once(incident: Incident, folder: Path, kept: Path) -> Story:
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            new = folder / kept.name
            new.write_bytes(pickle.dumps(run(incident, folder)))
            new.replace(kept)
        story: Story = pickle.loads(kept.read_bytes())  # written by these tests
        return story
