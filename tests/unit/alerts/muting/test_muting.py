"""Silences, maintenance windows and inhibition: what holds an alert back, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakerd import Alerting, ConfigError, Registry, Settings
from breakerd.alerts.model.matchers import LONGEST, Matcher, Subject, checked
from breakerd.alerts.model.silence import Silence, SilenceRequest
from breakerd.alerts.muting.inhibition import MEMORY_INHIBITS_LATENCY, find_inhibitor
from breakerd.alerts.muting.mute import labels_of
from breakerd.alerts.muting.silence_index import SilenceIndex
from breakerd.alerts.settings.inhibition import InhibitionSettings
from breakerd.alerts.settings.maintenance import MaintenanceSettings
from tests.unit.alerts.conftest import World

PAY = Subject(("payments",), {"kind": "open", "Team": "core", "Environment": "prod"})


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("breaker=payments", True),
        ("breaker=pay*", True),
        ("breaker=orders", False),
        ("breaker!=orders", True),
        ("breaker=orders|pay*", True),
        ("kind=open", True),
        (" Team = core ", True),
        ("Team!=core", False),
        ("Nobody=x", False),
        ("Nobody!=x", True),
        ("Environment=[ps]*", True),
    ],
)
def test_matchers(text: str, holds: bool) -> None:
    assert Matcher.parse(text).matches(PAY) is holds


def test_of_several_breakers_each_must_fit() -> None:
    group = Subject(("payments", "orders"))
    assert not Matcher.parse("breaker=pay*").matches(group)
    assert Matcher.parse("breaker!=x*").matches(group)
    assert not Matcher.parse("breaker!=pay*").matches(group)


@pytest.mark.parametrize("text", ["", "breaker", "=x", "breaker=", "a b=c", "x=" + "y" * LONGEST])
def test_what_is_no_matcher_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="NAME=PATTERN or NAME!=PATTERN"):
        Matcher.parse(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind=latncy", "kind with a pattern of open, memory, latency, degraded, .*'latency'"),
        ("kind!=open|slow", "not 'slow'"),
        ("priority=P9", "priority with a pattern of P1, P2, P3, P4, P5, not 'P9'"),
        ("drill=yes", "true, false"),
    ],
)
def test_a_value_that_there_never_is_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        checked([text])
    with pytest.raises(ValueError, match=told):
        SilenceRequest("ann", "x", 60, matchers=(text,)).to_silence(0, "1")
    with pytest.raises(ValueError, match=told):
        MaintenanceSettings(begins="02:00", ends="03:00", matchers=(text,))
    with pytest.raises(ValueError, match=told):
        InhibitionSettings(source=(text,), target=("kind=open",))


def test_patterns_of_values_that_there_are_pass() -> None:
    assert (
        len(checked(["kind=*", "kind!=lat*|open", "priority=P[12]", "drill=true", "Kind=x"])) == 5
    )


def test_a_matcher_that_is_written_down_is_the_same() -> None:
    for text in ("breaker=pay*", "Team!=core"):
        assert str(Matcher.parse(text)) == text


# --- silences


def test_a_silence_of_the_older_form_is_understood() -> None:
    old = {
        "id": "1", "breaker": "pay*", "kind": "*", "author": "ann", "reason": "x",
        "starts_at": 10, "ends_at": 20,
    }  # fmt: skip
    silence = Silence.from_dict(old)
    index = SilenceIndex()
    index.put(silence)
    found = [index.find(PAY, now) for now in (9, 10, 19.9, 20)]
    assert found == [None, silence, silence, None]
    assert Silence.from_dict(silence.as_dict()) == silence
    assert silence.as_dict()["breaker"] == "pay*"


def test_a_silence_by_tag_holds_back_and_never_drops(world: World) -> None:
    alerting = world.start(tags=("Squad:blue",))
    alerting.add_silence(author="ann", reason="x", seconds=100, matchers=["Squad=bl*"])
    alerting.add_silence(author="ann", reason="x", seconds=100, matchers=["Squad!=blue"])
    world.slow()
    world.after(50)
    assert world.emulator.alerts() == []
    world.after(51)
    assert len(world.emulator.alerts()) == 1


def test_a_silence_may_begin_later(world: World) -> None:
    alerting = world.start()
    alerting.add_silence(author="a", reason="x", seconds=100, starts_at=world.wall() + 50)
    world.slow("a")
    world.after(1)
    assert len(world.emulator.alerts()) == 1
    world.after(50)
    world.slow("b")
    world.after(1)
    assert len(world.emulator.alerts()) == 1
    world.after(100)
    assert len(world.emulator.alerts()) == 2


def test_there_may_not_be_too_many(world: World) -> None:
    alerting = world.start()
    for _ in range(1000):
        alerting.add_silence(author="a", reason="x", seconds=1)
    with pytest.raises(ValueError, match="1000 silences already"):
        alerting.add_silence(author="a", reason="x", seconds=1)


# --- maintenance


def window(**values: object) -> MaintenanceSettings:
    return MaintenanceSettings.model_validate({"begins": "02:00", "ends": "04:00"} | values)


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def test_a_window_opens_on_its_days() -> None:
    weekend = window(days=["sat", "sun"], timezone="Europe/Madrid")
    assert weekend.ends_at(at("2026-11-21T03:00", "Europe/Madrid")) == at(
        "2026-11-21T04:00", "Europe/Madrid"
    )
    assert weekend.ends_at(at("2026-11-21T01:59", "Europe/Madrid")) is None
    assert weekend.ends_at(at("2026-11-21T04:00", "Europe/Madrid")) is None
    assert weekend.ends_at(at("2026-11-23T03:00", "Europe/Madrid")) is None


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    friday = window(days=["fri"], begins="23:00", ends="01:00")
    assert friday.ends_at(at("2026-11-20T23:30")) == at("2026-11-21T01:00")
    assert friday.ends_at(at("2026-11-21T00:30")) == at("2026-11-21T01:00")
    assert friday.ends_at(at("2026-11-20T00:30")) is None


@given(
    minute=st.integers(0, 60 * 24 * 400),
    begins=st.times(),
    ends=st.times(),
    zone=st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe"]),
)
def test_a_window_is_open_when_the_clock_on_the_wall_says_so(
    minute: int, begins: object, ends: object, zone: str
) -> None:
    """Held against the plain reading of local times, but where a change of the clocks is near."""
    first, last = str(begins)[:5], str(ends)[:5]
    now = at("2026-01-01T00:00") + minute * 60
    local = datetime.fromtimestamp(now, ZoneInfo(zone))
    offsets = {
        datetime.fromtimestamp(now + shift, ZoneInfo(zone)).utcoffset()
        for shift in (-86_400, 0, 86_400)
    }
    if len(offsets) > 1:
        return
    clock = local.strftime("%H:%M")
    inside = first <= clock < last if first < last else clock >= first or clock < last
    found = window(begins=first, ends=last, timezone=zone).ends_at(now)
    assert (found is not None) == inside
    if found is not None:
        assert datetime.fromtimestamp(found, ZoneInfo(zone)).strftime("%H:%M") == last


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_change_of_the_clocks_leaves_no_window_open(day: str) -> None:
    """In Madrid, 02:00 to 03:00 is missing on one day, and there twice on the other."""
    nightly = window(begins="02:30", ends="03:30", timezone="Europe/Madrid")
    start = at(f"{day}T00:00", "Europe/Madrid")
    minutes = [m for m in range(24 * 60) if nightly.ends_at(start + m * 60) is not None]
    assert minutes == list(range(minutes[0], minutes[-1] + 1))
    assert 30 <= len(minutes) <= 120


def test_a_window_holds_back_until_its_end(world: World) -> None:
    now = datetime.fromtimestamp(world.wall(), UTC)
    hours = {"begins": f"{now:%H}:00", "ends": f"{(now.hour + 1) % 24:02}:00"}
    world.alerts["maintenance"] = {"nightly": hours | {"matchers": ["breaker=a"]}}
    alerting = world.start()
    world.slow("a")
    world.slow("b")
    world.after()
    assert [alert.entity for alert in world.emulator.alerts()] == ["b"]
    held = [incident["muted_by"] for incident in alerting.incidents()]
    assert any(text.startswith("maintenance nightly until ") for text in held)
    assert alerting.maintenance()[0]["ends_at"] > world.wall()
    world.after(3600)
    assert len(world.emulator.alerts()) == 2


# --- inhibition


@pytest.mark.parametrize("inhibits", [True, False])
def test_memory_that_is_short_explains_what_is_slow(world: World, *, inhibits: bool) -> None:
    if not inhibits:
        world.alerts["inhibit_latency_on_memory"] = False
    world.start(trigger_on_breaker_open=False, trigger_on_degraded=False)
    # The slow one tolerates the memory that is used, so that latency is all that is wrong with it.
    slow = world.registry.get("slow")
    slow.apply(Settings(latency_threshold=300, memory_threshold=95))
    slow.observe()
    world.registry.get().observe()
    world.memory = 0.9
    world.clock.advance(1)
    for breaker in world.registry:
        breaker.tick()
    world.after()
    world.slow("slow")
    world.after()
    told = {alert.entity: alert.message for alert in world.emulator.alerts()}
    assert told.keys() == ({"default"} if inhibits else {"default", "slow"})
    assert "memory 90%" in told["default"]


def test_what_was_explained_is_told_if_it_is_still_there_afterwards() -> None:
    latency = Subject(("a",), {"kind": "latency", "reason": "latency"})
    memory = (Subject(("b",), {"kind": "open", "reason": "memory"}), "b open: memory use 90%")
    rules = {"memory-first": MEMORY_INHIBITS_LATENCY}
    assert find_inhibitor(latency, [memory], rules) == (
        "explained by b open: memory use 90% (memory-first)"
    )
    assert find_inhibitor(latency, [], rules) == ""
    assert find_inhibitor(memory[0], [(latency, "slow")], rules) == ""


def test_labels_that_must_be_the_same() -> None:
    rule = InhibitionSettings(source=("kind=open",), target=("kind=degraded",), equal=("Host",))
    target = Subject(("a",), {"kind": "degraded", "Host": "one"})
    here = (Subject(("b",), {"kind": "open", "Host": "one"}), "here")
    there = (Subject(("b",), {"kind": "open", "Host": "two"}), "there")
    assert find_inhibitor(target, [there], {"r": rule}) == ""
    assert "here" in find_inhibitor(target, [there, here], {"r": rule})


def test_two_that_explain_each_other_are_not_both_held(world: World) -> None:
    world.alerts["inhibition"] = {"all": {"source": ["kind=*"], "target": ["kind=*"]}}
    world.start()
    world.slow("a")
    world.slow("b")
    world.after()
    world.after(1)
    assert len(world.emulator.alerts()) == 1
    first = world.emulator.alerts()[0].entity
    world.registry.get(first).reset()
    world.after()
    world.after(1)
    assert len(world.emulator.alerts()) == 2, "told when what explains it is over"


def test_mistakes_are_told_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text(
        '[alerts.maintenance.nightly]\nbegins = "25:00"\nends = "04:00"\ntimezone = "Mars/Base"\n'
        'matchers = ["nonsense"]\n[alerts.inhibition.x]\nsource = []\n'
    )
    with pytest.raises(ConfigError) as caught:
        Alerting.from_file(path, Registry())
    assert [(p.line, p.key) for p in caught.value.problems] == [
        (2, "alerts.maintenance.nightly.begins"),
        (4, "alerts.maintenance.nightly.timezone"),
        (5, "alerts.maintenance.nightly.matchers"),
        (6, "alerts.inhibition.x.target"),
        (7, "alerts.inhibition.x.source"),
    ]


def test_of_equal_tags_the_first_is_the_label() -> None:
    tags = ["Breaker:cart", "Team:core", "Breaker:checkout"]
    assert labels_of(tags) == {"Breaker": "cart", "Team": "core"}
