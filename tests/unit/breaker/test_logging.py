from __future__ import annotations

import copy
import logging
import os
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from breakerd.breaker.logging import get_logger, relaying

request_id = ContextVar("request_id", default="")


class HostHandler(logging.Handler):
    """A host's handler; it blocks until `free` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.seen: list[tuple[str, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert self.free.wait(30)
        self.seen.append((record.getMessage(), request_id.get(), record.funcName))


@pytest.fixture
def handler() -> Iterator[HostHandler]:
    made = HostHandler()
    logging.getLogger().addHandler(made)
    yield made
    made.free.set()
    logging.getLogger().removeHandler(made)


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


def test_what_was_not_started_cannot_be_stopped() -> None:
    """As in a forked child that ends what its parent had started."""
    relaying.stop(30)
    relaying.start()
    relaying.stop(30)
    assert relaying.relay is None


def test_while_relayed_a_handler_that_blocks_blocks_nobody(handler: HostHandler) -> None:
    logger = get_logger("breakerd.breaker.test")
    relaying.start()
    request_id.set("r1")
    logger.warning("breaker opened")
    relaying.stop(0.01)
    logger.warning("breaker closed")  # still not in the thread that logs
    assert handler.seen == []
    handler.free.set()
    relaying.start()
    relaying.stop(30)
    here = "test_while_relayed_a_handler_that_blocks_blocks_nobody"
    assert handler.seen == [("breaker opened", "r1", here), ("breaker closed", "r1", here)]
    assert relaying.relay is None
    logger.warning("directly")
    assert handler.seen[-1][0] == "directly"


def test_a_forked_child_calls_the_handlers_itself(handler: HostHandler) -> None:
    handler.free.set()
    relaying.start()
    child = os.fork()
    if child == 0:
        get_logger("breakerd.breaker.test").warning("in the child")
        os._exit(0 if handler.seen else 1)
    assert os.waitpid(child, 0)[1] == 0
    relaying.stop(30)


def test_several_users_share_the_relay() -> None:
    relaying.start()
    relaying.start()
    relaying.stop(30)
    assert relaying.relay is not None
    relaying.stop(30)
    assert relaying.relay is None
