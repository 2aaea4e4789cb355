from __future__ import annotations

import logging

import pytest

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.receivers import AlertState, RequestState
from breakerd.alerts.receivers.log import LogReceiver
from tests.unit.alerts.receivers.conftest import CONTENT, LIFE

TOLD = (LIFE[0], LIFE[2], LIFE[-1])


def test_notes_are_planned_for_it_by_nobody() -> None:
    assert not LogReceiver().accepts_notes


def test_an_incidents_whole_life(incident: Incident, caplog: pytest.LogCaptureFixture) -> None:
    receiver = LogReceiver()
    with caplog.at_level(logging.INFO, "breakerd.alerts.receivers.log"):
        assert [receiver.send(incident, step) for step in TOLD] == [""] * len(TOLD)
    lines = [(record.levelname, vars(record)["event"]) for record in caplog.records]
    assert lines == [
        ("WARNING", "alert create, nobody is paged"),
        ("WARNING", "alert priority, nobody is paged"),
        ("INFO", "alert close, nobody is paged"),
    ]
    texts = [vars(record)["fields"]["text"] for record in caplog.records]
    assert texts == [CONTENT.message, CONTENT.message, "Over: it lasted 11 min."]
    assert vars(caplog.records[0])["fields"]["breakers"] == ["payments"]
    receiver.close()


def test_nothing_is_ever_under_way(incident: Incident) -> None:
    assert LogReceiver().request_state("any") is RequestState.DONE
    assert LogReceiver().alert_state(incident) is AlertState.UNKNOWN
