from __future__ import annotations

import pickle
from typing import assert_type

import pytest

import alerts
from alerts import manager, settings
from tests.fresh_interpreter import loaded


def test_every_public_name_is_there_once_it_is_asked_for() -> None:
    assert set(alerts.__all__) <= set(dir(alerts))
    for name in alerts.__all__:
        public = getattr(alerts, name)
        assert pickle.loads(pickle.dumps(public)) is public
    names: dict[str, object] = {}
    exec("from alerts import *", names)
    assert set(alerts.__all__) <= set(names)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = alerts.Nothing


def test_types_are_seen_by_mypy() -> None:
    assert_type(alerts.Alerting, type[manager.Alerting])
    assert_type(alerts.AlertingSettings, type[settings.AlertingSettings])


def test_settings_load_nothing_that_talks_to_a_receiver() -> None:
    modules = loaded("from alerts import AlertingSettings")
    assert "alerts.settings" in modules
    assert not modules & {"httpx", "opsgenie_sdk", "sqlite3", "alerts.manager", "alerts.sinks"}
