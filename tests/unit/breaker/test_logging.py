from __future__ import annotations

import copy
import logging

import pytest

from breakerd.breaker.logging import get_logger


def test_a_record_holds_the_event_its_fields_and_who_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    get_logger("breakerd.breaker.test").warning("breaker opened", breaker="b", value=1.5)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("breakerd.breaker.test", logging.WARNING)
    assert record.getMessage() == "breaker opened breaker=b value=1.5"
    assert (record.event, record.fields) == (  # type: ignore[attr-defined]
        "breaker opened",
        {"breaker": "b", "value": 1.5},
    )
    assert record.filename == "test_logging.py"
    assert record.funcName == "test_a_record_holds_the_event_its_fields_and_who_logged"
    assert record.exc_info is None


def test_an_exception_is_told(caplog: pytest.LogCaptureFixture) -> None:
    try:
        int("what went wrong")
    except ValueError:
        get_logger("breakerd.breaker.test").exception("it failed")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info
    assert record.exc_info[0] is ValueError


def test_what_nobody_wants_to_hear_is_not_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "breakerd.breaker.test"):
        get_logger("breakerd.breaker.test").warning("too quiet")
    assert not caplog.records


def test_can_be_copied() -> None:
    assert copy.deepcopy([get_logger("breakerd.breaker.test")])
