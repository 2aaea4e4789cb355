"""Whatever is known of an incident: its texts are within the limits, and say nothing strange."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from breakerd.alerts.content import closing, notes
from breakerd.alerts.model.content import AlertContent, AlertContext
from breakerd.alerts.model.figures import CallCounts, PeakFigures
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.limits import DESCRIPTION, DETAILS, MESSAGE, TAG, TAGS
from breakerd.alerts.preview.samples import SAMPLES
from breakerd.breaker.runtime.status_types import Status
from tests.support.alert_facts import NOW, OPENED, composed, facts, incident

STATES = ["OPEN", "HALF_OPEN", "CLOSED", "FORCED_OPEN", "OBSERVE", "DISABLED", "WARMING_UP"]
STRANGE = re.compile(r"\b(None|nan|inf)\b")
ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(),
    st.just("text"),
    st.just([]),
    st.just({}),
)


@st.composite
def contexts(draw: st.DrawFn, name: str = "payments") -> AlertContext:
    """Facts of which any value may be missing, or be none of its kind."""
    made = facts(draw(st.sampled_from(sorted(SAMPLES))), name)
    status: dict[str, Any] = dict(made.status)
    for key in draw(st.sets(st.sampled_from(sorted(status.keys() - {"name"})), max_size=12)):
        if draw(st.booleans()):
            del status[key]
        else:
            status[key] = draw(ANY)
    if draw(st.booleans()):
        status["state"] = draw(st.sampled_from(STATES))
        status["would_be_state"] = draw(st.sampled_from(["OPEN", "CLOSED", None]))
    for key in ("recovery", "limiter", "slo", "load"):
        if isinstance(status.get(key), dict) and draw(st.booleans()):
            inner = dict(status[key])
            inner[draw(st.sampled_from(sorted(inner) or ["share"]))] = draw(ANY)
            status[key] = inner
    evidence = made.evidence if draw(st.booleans()) else ()
    note = draw(st.sampled_from(["", "ada: deploying", "x" * 300]))
    return replace(made, status=cast("Status", status), evidence=evidence, note=note)


@st.composite
def incidents(draw: st.DrawFn) -> Incident:
    others = draw(st.integers(0, 40))
    phase = draw(st.sampled_from([Phase.ACTIVE, Phase.RESOLVING]))
    return incident(
        draw(st.sampled_from(["open", "memory", "latency", "degraded"])),
        *(f"service-{index}" for index in range(others)),
        stage=draw(st.integers(0, 2)),
        episodes=draw(st.integers(1, 30)),
        drill=draw(st.booleans()),
        phase=phase,
        resolving_since=OPENED + 5 if phase is Phase.RESOLVING else 0.0,
        counts=CallCounts(
            draw(st.integers(0, 10**7)), draw(st.integers(0, 10**7)), draw(st.integers(0, 10**7))
        ),
        peak=draw(st.sampled_from([None, PeakFigures(), PeakFigures(900, 0.95, 600, 0.4, 91, 9)])),
        content=draw(st.sampled_from(CONTENTS)),
    )


CONTENTS = [
    AlertContent("", "", "", "breakerd"),
    AlertContent("", "", "", "breakerd", topic="slow", cause="p95 latency 912 ms"),
]


@settings(max_examples=100, deadline=None)
@given(incidents(), st.lists(contexts(), min_size=1, max_size=3))
def test_texts_are_within_the_limits_and_say_nothing_strange(
    about: Incident, given_facts: list[AlertContext]
) -> None:
    made = composed(about, *given_facts)
    assert 0 < len(made.message) <= MESSAGE
    assert "\n" not in made.message
    assert len(made.description) <= DESCRIPTION
    assert len(made.tags) <= TAGS
    assert all(len(tag) <= TAG for tag in made.tags)
    assert sum(len(key) + len(value) for key, value in made.details.items()) <= DETAILS
    assert all(name in made.description for name in about.members)
    told = [
        notes.stage_note(about, given_facts, NOW),
        notes.reminder(about, given_facts, NOW),
        notes.recovered_note(about, given_facts, NOW),
        notes.reopened_note(about, given_facts),
        notes.flap_note(about, given_facts, NOW - 60, NOW),
        notes.upgraded_note("open", given_facts),
        closing.closing_note(about, "somebody reset it", NOW),
        closing.resolved_line(about),
    ]
    texts = [made.message, made.description, *made.tags, *made.details.values(), *told]
    assert [text for text in texts if STRANGE.search(text)] == []
    assert AlertContent.from_dict(made.as_dict()) == made


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 1000), st.integers(1, 1000))
def test_every_breaker_is_named_up_to_a_thousand(count: int, known: int) -> None:
    names = [f"service-{index}" for index in range(count)]
    about = incident("open", *names)
    made = composed(about, *(facts("open", name) for name in names[:known]), facts())
    named = next(each for each in made.description.splitlines() if each.startswith("Breakers: "))
    assert set(named.removeprefix("Breakers: ").split(", ")) == set(about.members)
    assert len(made.description) <= DESCRIPTION
