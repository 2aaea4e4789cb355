from __future__ import annotations

import pytest

from breakerd.alerts.settings.alerting import AlertsSettings
from breakerd.alerts.settings.change import decides_on_places
from breakerd.breaker.config.validate import is_secret
from breakerd.breaker.fleet.revisions import allowed
from breakerd.breaker.fleet.revisions.allowed import (
    SHARED_ALERTS,
    is_known,
    is_never_shared,
    is_plain,
)


def test_each_key_of_alerting_is_shared_or_is_not() -> None:
    assert not SHARED_ALERTS & allowed._UNSHARED_ALERTS
    assert set(AlertsSettings.model_fields) == SHARED_ALERTS | allowed._UNSHARED_ALERTS


@pytest.mark.parametrize("name", sorted(SHARED_ALERTS))
def test_no_secret_and_no_place_is_shared(name: str) -> None:
    assert not is_secret(AlertsSettings, (name,))
    assert not decides_on_places(name)
    assert not any(word in name for word in ("url", "key", "token", "file", "responder"))


@pytest.mark.parametrize(
    ("key", "never", "known"),
    [
        (("wait_time",), False, True),
        (("slo", "timeout"), False, True),
        (("slo", "timout"), False, False),
        (("breakers", "a.b", "slo", "timeout"), False, True),
        (("breakers", "a b", "wait_time"), True, False),
        (("breakers", "a"), True, False),
        (("breakers", "a", "new"), False, False),
        (("alerts",), True, False),
        (("alerts", "resolve_after"), False, True),
        (("alerts", "maintenance", "night", "begins"), False, True),
        (("alerts", "stages"), True, False),
        (("alerts", "receivers", "slack", "x", "url"), True, False),
        (("alerts", "new"), False, False),
        (("opsgenie", "team"), True, False),
        (("api", "port"), True, False),
        (("fleet", "name"), True, False),
    ],
)
def test_keys(key: tuple[str, ...], never: bool, known: bool) -> None:
    assert (is_never_shared(key), is_known(key)) == (never, known)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (1, True),
        ([1, ["a"]], True),
        ({"a": [True]}, True),
        (None, False),
        ([None], False),
        ({"a": None}, False),
        (object(), False),
    ],
)
def test_values(value: object, plain: bool) -> None:
    assert is_plain(value) is plain
