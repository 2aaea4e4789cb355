from __future__ import annotations

import pytest

from breakerd.alerts.emulator.api.validation import heartbeat_validation_error, validation_error

RESPONDER = {"type": "team", "name": "ops"}
HEARTBEAT: dict[str, object] = {
    "name": "h",
    "interval": 1,
    "intervalUnit": "days",
    "enabled": True,
}


@pytest.mark.parametrize(
    "body",
    [
        {"message": "m" * 130},
        {"alias": "a" * 512},
        {"description": "d" * 15_000},
        {"entity": "e" * 512},
        {"source": "s" * 100},
        {"note": "n" * 25_000},
        {"user": "u" * 100},
        {"tags": ["t" * 50] * 20},
        {"actions": ["a" * 50] * 10},
        {"details": {"k" * 4_000: "v" * 4_000}},
        {"responders": [RESPONDER] * 50},
        {"visibleTo": [RESPONDER] * 50},
        {"priority": "P5"},
    ],
)
def test_what_is_just_within_the_limits_is_taken(body: dict[str, object]) -> None:
    assert validation_error("Create", {"message": "m", **body}) is None


@pytest.mark.parametrize(
    ("body", "about"),
    [
        ({"message": ""}, "message can not be empty"),
        ({"message": "m" * 131}, "message can not be longer than 130 characters, and has 131"),
        ({"alias": "a" * 513}, "alias"),
        ({"description": "d" * 15_001}, "description"),
        ({"entity": "e" * 513}, "entity"),
        ({"source": "s" * 101}, "source"),
        ({"note": "n" * 25_001}, "note"),
        ({"user": "u" * 101}, "user"),
        ({"alias": 7}, "alias must be a string"),
        ({"tags": ["t"] * 21}, "tags can not be more than 20"),
        ({"tags": ["t" * 51]}, "tags can be longer than 50"),
        ({"tags": "a,b"}, "tags must be a list"),
        ({"tags": [1]}, "tags must be a list"),
        ({"actions": ["a"] * 11}, "actions"),
        ({"details": {"k": "v" * 8_000}}, "details can not be longer than 8000"),
        ({"details": {"k": 1}}, "details must be a map"),
        ({"details": []}, "details must be a map"),
        ({"responders": [RESPONDER] * 51}, "responders must be a list"),
        ({"responders": "ops"}, "responders must be a list"),
        ({"responders": ["ops"]}, "each of responders must have a type"),
        ({"responders": [{"type": "squad", "name": "x"}]}, "must have a type"),
        ({"visibleTo": [{"type": "team"}]}, "visibleTo must have an id"),
        ({"priority": "P6"}, "priority must be one of P1"),
        ({"priority": 1}, "priority must be one of P1"),
    ],
)
def test_what_is_beyond_the_limits_is_not(body: dict[str, object], about: str) -> None:
    found = validation_error("Create", {"message": "m", **body})
    assert found is not None
    assert about in found


@pytest.mark.parametrize(
    ("action", "missing"), [("AddNote", "note"), ("UpdatePriority", "priority")]
)
def test_what_an_action_cannot_do_without_is_asked_for(action: str, missing: str) -> None:
    assert validation_error(action, {}) == f"{missing} can not be empty"


def test_an_action_may_come_without_anything() -> None:
    assert validation_error("Close", {}) is None


def test_a_heartbeat_within_the_limits_is_taken() -> None:
    assert heartbeat_validation_error(HEARTBEAT | {"name": "h" * 200}) is None


@pytest.mark.parametrize(
    ("wrong", "about"),
    [
        ({"name": ""}, "name"),
        ({"name": "h" * 201}, "name"),
        ({"name": 1}, "name"),
        ({"interval": 0}, "interval"),
        ({"interval": True}, "interval"),
        ({"interval": "1"}, "interval"),
        ({"intervalUnit": "weeks"}, "intervalUnit must be one of minutes, hours, days"),
        ({"enabled": 1}, "enabled"),
        ({"description": 1}, "description"),
    ],
)
def test_a_heartbeat_beyond_them_is_not(wrong: dict[str, object], about: str) -> None:
    found = heartbeat_validation_error(HEARTBEAT | wrong)
    assert found is not None
    assert found.startswith(about)
