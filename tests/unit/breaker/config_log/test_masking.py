"""What is kept of a configuration has no secret, and all else as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from breakerd.api.file_settings import MASKER
from breakerd.breaker.config import parse_document
from breakerd.breaker.config_log.masking import MASK, Masker, as_json, from_json, shown

_TEXT = """
latency_threshold = 500
[opsgenie]
api_key = "hidden"
[fleet]
hub = "none"
password = "hidden"
[alerts]
stages = [{ after = 0, priority = "P3" }]
[alerts.receivers.webhook.ours]
url = "https://hidden"
key = "hidden"
[alerts.receivers.webhook.ours.headers]
X-Token = "hidden"
[alerts.maintenance.night]
begins = "02:00"
ends = "03:00"
"""


def test_secrets_of_all_sections_are_masked() -> None:
    document = parse_document(Path("breakers.toml"), _TEXT)
    masked = MASKER.mask(document)
    assert "hidden" not in masked.text
    assert set(masked.secrets) == {
        ("opsgenie", "api_key"),
        ("fleet", "password"),
        ("alerts", "receivers", "webhook", "ours", "url"),
        ("alerts", "receivers", "webhook", "ours", "key"),
        ("alerts", "receivers", "webhook", "ours", "headers", "X-Token"),
    }
    assert MASKER.data(document)["alerts"]["stages"] == [{"after": 0, "priority": "P3"}]  # type: ignore[index]  # a table
    assert MASKER.mask(document) is masked


def test_all_values_of_a_section_without_a_model_are_masked() -> None:
    document = parse_document(Path("breakers.toml"), _TEXT)
    masked = Masker({}).data(document)
    assert masked["latency_threshold"] == 500
    assert masked["opsgenie"] == {"api_key": MASK}
    assert masked["alerts"]["stages"] == MASK  # type: ignore[index]  # a table


def test_times_survive_as_they_are() -> None:
    values = {"at": datetime(2026, 1, 31, 22, tzinfo=UTC), "x": [1, 1.5, True, "text"]}
    assert from_json(as_json(values)) == values
    assert shown(values) == {"at": "2026-01-31T22:00:00+00:00", "x": [1, 1.5, True, "text"]}
    assert from_json('{"$toml": 1}') == {"$toml": 1}
