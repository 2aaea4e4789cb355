from __future__ import annotations

import logging

import pytest

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.receivers import AlertState, RequestState
from breakerd.alerts.receivers.log import LogReceiver
from tests.unit.alerts.receivers.conftest import CONTENT, LIFE


def test_an_incidents_whole_life(incident: Incident, caplog: pytest.LogCaptureFixture) -> None:
    receiver = LogReceiver()
    with caplog.at_level(logging.INFO, "breakerd.alerts.receivers.log"):
        assert [receiver.send(incident, step) for step in LIFE] == [""] * len(LIFE)
    lines = [(record.levelname, vars(record)["event"]) for record in caplog.records]
    assert lines == [
        ("WARNING", "alert create, nobody is paged"),
        ("INFO", "alert note, nobody is paged"),
        ("WARNING", "alert priority, nobody is paged"),
        ("WARNING", "alert priority, nobody is paged"),
        ("INFO", "alert note, nobody is paged"),
        ("INFO", "alert close, nobody is paged"),
    ]
    assert vars(caplog.records[0])["fields"]["text"] == CONTENT.message
    receiver.close()


def test_nothing_is_ever_under_way(incident: Incident) -> None:
    assert LogReceiver().request_state("any") is RequestState.DONE
    assert LogReceiver().alert_state(incident) is AlertState.UNKNOWN
