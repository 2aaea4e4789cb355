"""Each incident as its receivers saw it: the transcript in `data/`, and what must hold anyway."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest

from tests.golden.conftest import INCIDENTS
from tests.golden.notifications import LIMITS, notifications
from tests.golden.story import OPSGENIE, Story

DATA = Path(__file__).parent / "data"
MAX_MESSAGE = 130
PEOPLE_READ = ("message", "description", "note", "notification", "summary", "details")
NONSENSE = re.compile(
    r"\bNone\b|\bnan\b|\binf\b|p\d+ 0 ms|\(\)|\{|\}|, ,|,\)|\( |\.\.(?!\.)|\b1 calls\b|\b1 times\b"
    r"|\b1 breakers\b|-\d+ s\b|\d{7}"
)
REJECTING = {"OPEN", "HALF_OPEN", "FORCED_OPEN"}


def test_what_each_receiver_got(story: Story, request: pytest.FixtureRequest) -> None:
    file = DATA / f"{story.incident.name}.txt"
    if request.config.getoption("--update-golden"):
        file.write_text(story.text)
    before = file.read_text() if file.exists() else ""
    lines = difflib.unified_diff(
        before.splitlines(), story.text.splitlines(), "golden", "now", lineterm=""
    )
    if difference := "\n".join(lines):
        pytest.fail(difference, pytrace=False)


def test_no_transcript_is_left_over() -> None:
    assert {file.stem for file in DATA.glob("*.txt")} == {each.name for each in INCIDENTS}


def test_few_notifications_reach_a_person(story: Story) -> None:
    alerts = max(1, story.alerts())
    for receiver, subjects in notifications(story.delivered).items():
        limit = story.incident.limits[receiver]
        if receiver == "slack":  # its messages do not tell which alert they belong to
            limit *= alerts
        assert all(count <= limit for count in subjects.values()), (receiver, subjects)


def test_every_receiver_is_told_and_the_end_too(story: Story) -> None:
    told = {each.receiver for each in story.delivered}
    assert told >= {*LIMITS, "jsm", "jsm-ops", "webhook"} or not told
    assert told
    if not story.incident.stays_open:
        assert not any(story.open.values()), story.open


def test_nothing_is_refused(story: Story) -> None:
    assert story.problems == []


def test_the_first_line_fits(story: Story) -> None:
    for each, text in story.texts("message", "summary"):
        if not each.receiver.startswith("slack"):
            assert len(text) <= MAX_MESSAGE, text
            assert "\n" not in text


def test_no_text_is_nonsense(story: Story) -> None:
    for each, text in story.texts(*PEOPLE_READ):
        found = NONSENSE.search(text)
        assert not found, (each.receiver, each.action, found, text)


def test_no_text_says_what_is_not_so(story: Story) -> None:
    for pattern in story.incident.never:
        for each, text in story.texts(*PEOPLE_READ):
            assert not re.search(pattern, text), (each.receiver, each.action, pattern, text)


def test_the_first_alert_says_what_is_wrong(story: Story) -> None:
    first = story.of(OPSGENIE, "create")[0]
    for pattern in story.incident.says:
        assert re.search(pattern, first.texts["message"]), (pattern, first.texts["message"])


@pytest.mark.parametrize("receiver", [*LIMITS, "jsm", "jsm-ops", "webhook"])
def test_each_receiver_names_every_breaker(story: Story, receiver: str) -> None:
    text = "\n".join(each.text for each in story.of(receiver))
    missing = [name for name in story.incident.breakers if not re.search(rf"\b{name}\b", text)]
    assert not missing, text


def test_the_alert_names_every_breaker_in_its_tags_and_details(story: Story) -> None:
    latest: dict[str, str] = {}
    for each in story.of(OPSGENIE):
        latest |= each.texts
    for name in story.incident.breakers:
        assert f"Breaker:{name}" in latest["tags"]
        assert re.search(rf"\b{name}\b", latest["details"])
        assert re.search(rf"\b{name}\b", latest["description"])


def test_each_text_says_since_when_and_what_to_do(story: Story) -> None:
    for each, text in story.texts("description"):
        if not each.receiver.startswith("slack"):
            assert re.search(r"(?m)^Since: \d\d:\d\d:\d\d UTC", text), text
            assert re.search(r"(?m)^(Do|What to do): \S", text), text
            assert re.search(r"(?mi)^runbook: https://\S+", text), text


def test_words_agree_with_the_state(story: Story) -> None:
    for each in story.of(OPSGENIE, "create", "message"):
        message = each.texts["message"]
        names = [name for name in story.states if re.search(rf"\b{name}\b", message)]
        states = set().union(*(story.states_at(name, each.at) for name in names))
        if re.search(r"\bOPEN\b", message) and "would" not in message:
            assert states & REJECTING, (message, states)
        if "OBSERVE" in states:
            assert "would" in message, message


def test_a_share_of_rejections_is_that_of_the_calls(story: Story) -> None:
    """Within five points: the incident began up to a second earlier than its alert."""
    if len(story.states) > 1 or story.alerts() != 1:
        return
    (breaker,) = story.states
    first = story.of(OPSGENIE, "create")[0].at
    for each in story.of(OPSGENIE, "create", "message"):
        for share in re.findall(r"(\d+) ?% rejected", each.texts["message"]):
            begun = first - _age(each.texts["message"], each.at, first)
            calls = story.calls_at(breaker, each.at).since(story.calls_at(breaker, begun))
            assert abs(100 * calls.rejected / calls.made - int(share)) <= 5, (each, calls)


def _age(message: str, at: float, first: float) -> float:
    """Return the seconds by which the incident is older than its first alert."""
    found = re.search(r"(?:(\d+) min ?)?(?:(\d+) s)?,", message)
    if not found or not any(found.groups()):
        return 0.0
    age = 60 * int(found[1] or 0) + int(found[2] or 0)
    return max(0.0, age - (at - first))
