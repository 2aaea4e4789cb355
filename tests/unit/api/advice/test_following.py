"""The service logs what is unwise once, and is kept from nothing by it."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from breakerd.api.advice import following
from breakerd.api.advice.following import UNWISE, AdviceSubscriber
from breakerd.breaker.config import parse_document
from breakerd.breakerd import Breakerd
from tests.support.saved_file import save

UNWISE_TEXT = "percentile = 0.99\n"


@pytest.fixture(autouse=True)
def records(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="breakerd")
    return caplog


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the rules that were logged since the last look."""
    found = re.findall(rf"{UNWISE} rule=(\S+)", caplog.text)
    caplog.clear()
    return found


def test_each_is_told_once_and_again_after_it_was_gone(caplog: pytest.LogCaptureFixture) -> None:
    subscriber = AdviceSubscriber()
    assert not subscriber.owns("api")
    for text, wanted in (
        (UNWISE_TEXT, ["window-too-small"]),
        (f"\n\n{UNWISE_TEXT}", []),
        (f"{UNWISE_TEXT}[recovery]\nramp = []\n", ["no-ramp"]),
        ("", []),
        (UNWISE_TEXT, ["window-too-small"]),
    ):
        apply = subscriber.prepare(parse_document(Path("b.toml"), text))
        assert told(caplog) == []  # it may still be refused
        apply()
        assert told(caplog) == wanted


def test_a_wrong_file_is_for_others_to_refuse(caplog: pytest.LogCaptureFixture) -> None:
    AdviceSubscriber().prepare(parse_document(Path("b.toml"), "percentile = 7\n"))()
    assert caplog.records == []


def test_a_fault_of_a_rule_keeps_no_file_back(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_subject: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(following, "advise", fail)
    AdviceSubscriber().prepare(parse_document(Path("b.toml"), UNWISE_TEXT))()
    (record,) = caplog.records
    assert record.message.startswith("configuration not looked at")


def test_a_process_tells_it_at_the_start_and_after_a_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "b.toml"
    save(file, UNWISE_TEXT)
    breakers = Breakerd(file, alerting=False, watch=False)
    assert told(caplog) == ["window-too-small"]
    assert breakers.registry.config is not None
    save(file, f"{UNWISE_TEXT}memory_threshold = 99\n")
    assert breakers.registry.config.reload()
    assert told(caplog) == ["memory-too-late"]
    assert breakers.get().settings.memory_threshold == 99
    breakers.close()
