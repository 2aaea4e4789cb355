from __future__ import annotations

import pytest

from tests.golden.incidents.calls import CALLS
from tests.golden.incidents.catalogue import Incident
from tests.golden.incidents.groups import GROUPS
from tests.golden.incidents.people import PEOPLE
from tests.golden.story import Story, run

INCIDENTS = sorted([*CALLS, *GROUPS, *PEOPLE], key=lambda incident: incident.name)


@pytest.fixture(scope="module", params=INCIDENTS, ids=lambda incident: incident.name)
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Each incident, run once for all tests of a module."""
    incident: Incident = request.param
    return run(incident, tmp_path_factory.mktemp(incident.name))
