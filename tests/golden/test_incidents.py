"""Each incident as its receivers saw it, against the transcript in `data/`."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from tests.golden.incidents.calls import CALLS
from tests.golden.incidents.catalogue import Incident
from tests.golden.incidents.groups import GROUPS
from tests.golden.incidents.people import PEOPLE
from tests.golden.world import made_world

DATA = Path(__file__).parent / "data"
INCIDENTS = sorted([*CALLS, *GROUPS, *PEOPLE], key=lambda incident: incident.name)


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)
def test_what_each_receiver_got(
    incident: Incident,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    with made_world(incident.title, tmp_path, monkeypatch) as world:
        incident.script(world)
        text = world.render()
    file = DATA / f"{incident.name}.txt"
    if request.config.getoption("--update-golden"):
        file.write_text(text)
    before = file.read_text() if file.exists() else ""
    difference = list(difflib.unified_diff(before.splitlines(), text.splitlines(), lineterm=""))
    if difference:
        pytest.fail("\n".join(difference), pytrace=False)


def test_no_transcript_is_left_over() -> None:
    assert {file.stem for file in DATA.glob("*.txt")} == {each.name for each in INCIDENTS}
