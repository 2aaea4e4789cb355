"""A change and a reload do each piece of work once, and only where something differs."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from pydantic import BaseModel

from breakerd import Alerting, Breaker, Registry
from tests.support.admin_client import Client


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, alerting: Alerting) -> Counter[str]:
    """Parses, validations by model, and applies by owner, once everything has started."""
    assert alerting.settings is not None, "started, and subscribed to the file"
    counts: Counter[str] = Counter()

    def count(owner: Any, name: str, label: str) -> None:
        original = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            counts[label] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    count(tomllib, "loads", "parse")
    count(tomlkit, "parse", "parse")
    count(Breaker, "apply", "apply breaker")
    count(alerting._config, "_apply", "apply alerting")
    original = BaseModel.model_validate.__func__  # type: ignore[attr-defined]  # of a classmethod

    def model_validate(cls: type[BaseModel], *args: Any, **kwargs: Any) -> Any:
        if "Settings" in cls.__name__:
            counts[f"validate {cls.__name__}"] += 1
        return original(cls, *args, **kwargs)

    monkeypatch.setattr(BaseModel, "model_validate", classmethod(model_validate))
    return counts


def test_a_change_of_a_named_breaker_is_parsed_validated_and_applied_once(
    client: Client, work: Counter[str], file: Path
) -> None:
    answer = client.patch("/breakers/payments/config", json={"latency_threshold": 120})
    assert answer.status_code == 200
    assert work == {"parse": 1, "validate Settings": 1, "apply breaker": 1}
    assert "latency_threshold = 120" in file.read_text()


def test_a_first_setting_of_a_breakers_own_is_no_more_work(
    client: Client, registry: Registry, work: Counter[str], file: Path
) -> None:
    registry.get("search")
    answer = client.patch("/breakers/search/config", json={"percentile": 0.9})
    assert answer.status_code == 200
    assert work == {"parse": 1, "validate Settings": 1, "apply breaker": 1}
    assert file.read_text().endswith("[breakers.search]\npercentile = 0.9\n")


def test_a_change_of_the_root_validates_each_section_once(
    client: Client, work: Counter[str], file: Path
) -> None:
    answer = client.post("/breaker/latency", json={"threshold": 400})
    assert answer.status_code == 200
    # [breakers.payments] has a threshold of its own.
    assert work == {"parse": 1, "validate Settings": 1, "apply breaker": 1}
    work.clear()
    assert client.post("/breaker/wait", json={"wait_time": 7}).status_code == 200
    # [breakers.payments] inherits it, but its own table is the same.
    assert work == {"parse": 1, "validate Settings": 1, "apply breaker": 2}
    assert "latency_threshold = 400  # agreed with the team" in file.read_text()


def test_a_removed_setting_is_validated_once(
    client: Client, work: Counter[str], file: Path
) -> None:
    before = file.read_text()
    for value in (0.2, None):
        work.clear()
        answer = client.patch("/breakers/payments/config", json={"error_threshold": value})
        assert answer.status_code == 200
        assert work == {"parse": 1, "validate Settings": 1, "apply breaker": 1}
    assert file.read_text() == before


def test_a_start_validates_each_section_once(file: Path, work: Counter[str]) -> None:
    # Values that nothing in this process has validated yet.
    file.write_text(
        file.read_text().replace("[alerts]", "priority = 'P4'\n[alerts]\nretry_limit = 50")
    )
    work.clear()
    with Registry.from_file(file, watch=False) as registry:
        # The root and [breakers.payments].
        assert work == {"parse": 1, "validate Settings": 2}
        work.clear()
        with Alerting.from_file(file, registry):
            assert {k: v for k, v in work.items() if k != "parse"} == {
                "validate OpsGenieSettings": 1,
                "validate AlertsSettings": 1,
            }


def test_a_change_of_opsgenie_validates_it_once(
    client: Client, work: Counter[str], file: Path
) -> None:
    answer = client.post("/breaker/opsgenie/priority", json={"priority": "P2"})
    assert answer.status_code == 200
    assert work == {"parse": 1, "validate OpsGenieSettings": 1, "apply alerting": 1}
    assert 'priority = "P2"' in file.read_text()


def test_a_change_after_an_edit_by_hand_parses_the_new_text_too(
    client: Client, registry: Registry, work: Counter[str], file: Path
) -> None:
    file.write_text(file.read_text().replace("minimum_calls = 5", "minimum_calls = 6"))
    answer = client.post("/breaker/latency", json={"threshold": 400})
    assert answer.status_code == 200
    assert registry.get().settings.minimum_calls == 6
    assert registry.get().settings.latency_threshold == 400
    assert work["parse"] == 2, "the text on disk, and the one written"


def test_a_check_after_an_own_write_parses_nothing(registry: Registry, work: Counter[str]) -> None:
    assert registry.config is not None
    registry.change("payments", {"latency_threshold": 120})
    work.clear()
    registry.config.refresh()
    assert work == {}


@pytest.mark.parametrize(
    ("old", "new", "applied"),
    [
        ("latency_threshold = 100", "latency_threshold = 110", {"apply breaker": 1}),
        ('team = "platform"', 'team = "payments"', {"apply alerting": 1}),
        ("# who owns this", "# who else", {}),
    ],
)
def test_a_reload_applies_only_the_section_that_differs(
    registry: Registry,
    work: Counter[str],
    file: Path,
    old: str,
    new: str,
    applied: dict[str, int],
) -> None:
    assert registry.config is not None
    file.write_text(file.read_text().replace(old, new))
    assert registry.config.reload()
    assert {k: v for k, v in work.items() if k.startswith("apply")} == applied
    assert work["parse"] == 1
    assert work["validate Settings"] == applied.get("apply breaker", 0)
    assert work["validate OpsGenieSettings"] == applied.get("apply alerting", 0)
    assert work["validate AlertsSettings"] == 0
