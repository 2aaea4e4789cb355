from __future__ import annotations

import copy
import logging
import os
import subprocess
import sys
import textwrap

import pytest

from breaker.log import get_logger


@pytest.fixture(params=["with structlog", "without structlog"])
def _structlog(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without structlog":  # as where its files are gone since the start
        monkeypatch.setitem(sys.modules, "structlog", None)


@pytest.mark.usefixtures("_structlog")
def test_a_record_holds_the_event_its_fields_and_who_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    get_logger("breaker.test").warning("breaker opened", breaker="b", value=1.5)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("breaker.test", logging.WARNING)
    assert record.getMessage() == "breaker opened breaker=b value=1.5"
    assert (record.event, record.fields) == (  # type: ignore[attr-defined]
        "breaker opened",
        {"breaker": "b", "value": 1.5},
    )
    assert record.filename == "test_log.py"
    assert record.funcName == "test_a_record_holds_the_event_its_fields_and_who_logged"
    assert record.exc_info is None


@pytest.mark.usefixtures("_structlog")
def test_an_exception_is_told(caplog: pytest.LogCaptureFixture) -> None:
    try:
        int("what went wrong")
    except ValueError:
        get_logger("breaker.test").exception("it failed")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info
    assert record.exc_info[0] is ValueError


@pytest.mark.usefixtures("_structlog")
def test_what_nobody_wants_to_hear_is_not_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "breaker.test"):
        get_logger("breaker.test").warning("too quiet")
    assert not caplog.records


def test_the_next_line_tries_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = get_logger("breaker.test")
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "structlog", None)
        log.warning("one")
    log.bind(more=1).warning("two")
    assert [record.getMessage() for record in caplog.records] == ["one", "two more=1"]


def test_can_be_copied() -> None:
    assert copy.deepcopy([get_logger("breaker.test")])


FORK = """
    import os, sys, threading
    from breaker.log import get_logger

    begun, forking = threading.Event(), threading.Event()

    class Slowly:  # keeps the import going until the fork is under way
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "structlog":
                begun.set()
                forking.wait()

    sys.meta_path.insert(0, Slowly)
    os.register_at_fork(before=forking.set)
    log = get_logger("breaker.test")
    threading.Thread(target=lambda: log.warning("in the parent")).start()
    begun.wait()
    child = os.fork()
    log.warning("in both")
    if child == 0:
        os._exit(0)
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_child_can_log_though_its_parent_was_about_to() -> None:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(FORK)], timeout=60, check=False)
    assert done.returncode == 0
