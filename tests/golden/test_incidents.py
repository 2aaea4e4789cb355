"""Each incident as its receivers saw it: the transcript in `data/`, and what must hold anyway."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest

from tests.golden.conftest import INCIDENTS
from tests.golden.notifications import LIMITS, notifications
from tests.golden.story import OPSGENIE, Story
from tests.golden.world import EPOCH

DATA = Path(__file__).parent / "data"
MAX_MESSAGE = 130
PEOPLE_READ = ("message", "description", "note", "notification", "summary", "details")
NONSENSE = re.compile(
    r"\bNone\b(?! of )|\bnan\b|\binf\b|p\d+ 0 ms|\(\)|\{|\}|, ,|,\)|\( |\.\.(?!\.)|\b1 calls\b"
    r"|\b1 times\b|\b1 breakers\b|-\d+ s\b|\d{7}"
)
COMMAND = re.compile(r"breakerd incident [0-9a-f]{12}")
COUNTS = re.compile(r"([\d,]+) of ([\d,]+) calls rejected \(([\d.]+) ?%\)")
BURNING = re.compile(
    r"([\d.]+) ?% (?:of calls )?fail or time out \((\d+) ?% allowed, burning ([\d.]+)"
)
SINCE = re.compile(r"Since: (\d\d:\d\d:\d\d) UTC \((?:(\d+) min ?)?(?:(\d+) s )?ago")
COMPOSED = {"create", "priority", "update", "description", "trigger", "trigger again"}
"""Actions that carry a text of now."""
EIGHT = 8 * 3600.0
"""Time of day of `EPOCH` in seconds."""
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
        found = NONSENSE.search(COMMAND.sub("", text))  # an id may be all digits
        assert not found, (each.receiver, each.action, found, text)


def test_no_text_says_what_is_not_so(story: Story) -> None:
    for pattern in story.incident.never:
        for each, text in story.texts(*PEOPLE_READ):
            assert not re.search(pattern, text), (each.receiver, each.action, pattern, text)


def test_the_first_alert_says_what_is_wrong(story: Story) -> None:
    first = story.of(OPSGENIE, "create")[0]
    for pattern in story.incident.says:
        assert re.search(pattern, first.texts["message"]), (pattern, first.texts["message"])


def test_the_priority_is_the_one_that_is_due(story: Story) -> None:
    if story.incident.priorities:
        found = tuple(each.summary for each in story.of(OPSGENIE, "create", "priority"))
        assert found == story.incident.priorities


def test_its_text_is_kept_up_to_date(story: Story) -> None:
    messages = [each.texts["message"] for each in story.of(OPSGENIE, "create", "message")]
    for pattern in story.incident.later:
        assert re.search(pattern, messages[-1]), (pattern, messages)


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
        if each.action.split()[0] in COMPOSED and not each.receiver.startswith("slack"):
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


def test_counts_are_those_of_the_calls(story: Story) -> None:
    if story.alerts() != 1:
        return
    for each, text in story.texts("note", "description"):
        for part, whole, share in re.findall(COUNTS, text):
            rejected, made, percent = _number(part), _number(whole), _number(share)
            assert abs(100 * rejected / made - percent) <= 0.6, (each.receiver, text)
            real = story.calls_between(EPOCH, each.at)
            assert rejected <= real.rejected, (each.receiver, text, real)
            assert made <= real.made, (each.receiver, text, real)
            if each.action == "close" and text == each.texts["note"]:
                assert rejected >= 0.95 * real.rejected - 20, (each.receiver, text, real)


def test_a_burn_rate_is_the_share_by_what_is_allowed(story: Story) -> None:
    for each, text in story.texts("message", "description", "note"):
        for share, allowed, burning in re.findall(BURNING, text):
            rate = _number(share) / _number(allowed)
            assert abs(rate - _number(burning)) <= 0.05 * rate + 0.1, (each.receiver, text)


def test_it_says_since_when_as_of_now(story: Story) -> None:
    """Within six seconds: while a receiver is down, texts are composed every five."""
    composed = (pair for pair in story.texts("description") if pair[0].action in COMPOSED)
    for each, text in composed:
        for clock, minutes, seconds in re.findall(SINCE, text):
            at = EPOCH + sum(
                int(part) * unit for part, unit in zip(clock.split(":"), (3600, 60, 1), strict=True)
            )
            age = 60 * int(minutes or 0) + int(seconds or 0)
            assert abs(at - EIGHT + age - each.at) <= 6, (each.receiver, each.at - EPOCH, text)


def test_its_end_names_the_last_priority(story: Story) -> None:
    if story.alerts() != 1:
        return
    last = ""
    for each in story.of("slack"):
        text = each.texts["notification"]
        named = re.search(r"Resolved after .* \(was (P\d)\)", text)
        assert named is None or named[1] == last, text
        last = found[1] if (found := re.match(r"\S+ (P\d) ", text)) else last


def _number(text: str) -> float:
    return float(text.replace(",", ""))
