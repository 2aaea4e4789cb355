from __future__ import annotations

import io
import json
import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from breakerd.api import logging as service_logging
from breakerd.breaker.logging import LogRelay, get_logger
from tests.unit.breaker.encoding.test_printable import is_safe


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def text_of(stream: io.StringIO) -> str:
    """Records logged so far."""
    service_logging.flush(30)
    return stream.getvalue()


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text_of(stream).splitlines()]


def test_elsewhere_than_on_a_terminal_each_record_is_an_object() -> None:
    stream = io.StringIO()
    service_logging.configure(stream)
    get_logger("breakerd.breaker.test").warning("breaker opened", breaker="b", value=1.5)
    logging.getLogger("other").info("plain %s", "words", extra={"more": [1]})
    ours, theirs = logged(stream)
    assert (ours["event"], ours["breaker"], ours["value"]) == ("breaker opened", "b", 1.5)
    assert (ours["level"], ours["logger"]) == ("warning", "breakerd.breaker.test")
    assert ours["filename"] == "test_logging.py"
    assert ours["lineno"] > 0
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["more"]) == ("plain words", [1])


def test_a_terminal_gets_lines_for_people() -> None:
    stream = Terminal()
    service_logging.configure(stream)
    get_logger("breakerd.breaker.test").warning("breaker opened", breaker="payments")
    (line,) = text_of(stream).splitlines()
    assert "breaker opened" in line
    assert "payments" in line
    assert "test_logging.py" in line


HOSTILE = "x\x1b]0;title\x07\x9b31m\nid 1 ok\u2028\u202e\x7f"


def log_hostile(stream: io.StringIO) -> None:
    service_logging.configure(stream)
    log = get_logger("breakerd.breaker.test")
    log.warning(HOSTILE, reason=HOSTILE, more=[HOSTILE])
    logging.getLogger("other").info("plain %s", HOSTILE)
    log.error("failed", exc_info=ValueError(HOSTILE))


def test_a_terminal_gets_no_controls_but_colours() -> None:
    stream = Terminal()
    log_hostile(stream)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text_of(stream)).split("\n")
    assert all(is_safe(line.replace("\t", "")) for line in lines)
    assert [line for line in lines if "reason=" in line and r"id 1 ok\u2028\u202e\x7f" in line]


def test_json_holds_the_true_text_and_no_controls() -> None:
    stream = io.StringIO()
    log_hostile(stream)
    assert all(map(is_safe, text_of(stream).split("\n")))
    first = logged(stream)[0]
    assert (first["event"], first["reason"], first["more"]) == (HOSTILE, HOSTILE, [HOSTILE])


def test_the_standard_librarys_message_holds_no_controls(caplog: pytest.LogCaptureFixture) -> None:
    """For hosts that only print it."""
    get_logger("breakerd.breaker.test").warning("tripped", reason=HOSTILE)
    (record,) = caplog.records
    assert is_safe(record.getMessage())
    assert record.__dict__["fields"] == {"reason": HOSTILE}


def test_exceptions_are_told_in_full() -> None:
    stream = io.StringIO()
    service_logging.configure(stream)
    try:
        int("what went wrong")
    except ValueError:
        get_logger("breakerd.breaker.test").exception("it failed")
    (record,) = logged(stream)
    assert "what went wrong" in record["exception"]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("sent Authorization: GenieKey s3cret to them", {}),
        ("Bearer s3cret", {}),
        ("api_key=s3cret&x=1", {}),
        ("told", {"api_key": "s3cret"}),
        ("told", {"headers": {"Authorization": "s3cret", "list": ["Basic s3cret"]}}),
        ("told", {"settings": [{"read_token": "s3cret"}]}),
    ],
)
def test_secrets_are_blotted_out(text: str, fields: dict[str, Any]) -> None:
    stream = io.StringIO()
    service_logging.configure(stream)
    get_logger("breakerd.alerts.test").error(text, **fields)
    assert "s3cret" not in text_of(stream)
    assert "********" in text_of(stream)


def test_what_is_no_secret_stays() -> None:
    stream = io.StringIO()
    service_logging.configure(stream)
    get_logger("breakerd.alerts.test").error(
        "token bucket empty", keys=3, api_key="", token_count=2
    )
    (record,) = logged(stream)
    assert record["event"] == "token bucket empty"
    assert (record["keys"], record["api_key"], record["token_count"]) == (3, "", 2)


class Blocked(io.StringIO):
    """A standard error that nobody reads until `reader` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.reader = threading.Event()

    def write(self, text: str) -> int:
        self.begun.set()
        assert self.reader.wait(30)
        return super().write(text)


def test_an_output_that_nobody_reads_blocks_nobody_and_what_is_dropped_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LogRelay.__init__, "__kwdefaults__", {"limit": 3})
    stream, before = Blocked(), service_logging.dropped_records()
    service_logging.configure(stream)
    logger = get_logger("breakerd.breaker.test")
    logger.warning("event", number=0)
    assert stream.begun.wait(30)
    for number in range(1, 6):
        logger.warning("event", number=number)
    logging.shutdown()  # as at the end of the process
    assert service_logging.dropped_records() - before == 2
    stream.reader.set()
    service_logging.flush(30)
    records = logged(stream)
    assert [each.get("number") for each in records] == [0, 1, 2, 3, None]
    assert records[-1]["event"].startswith("log records dropped")
    assert records[-1]["count"] == 2


def test_a_file_is_written_by_its_descriptor(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        service_logging.configure(stream)
        get_logger("breakerd.breaker.test").warning("\udcff")
        service_logging.flush(30)
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert json.loads(line)["event"] == "\udcff"


def test_what_cannot_be_rendered_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    service_logging.configure(stream)
    logging.getLogger("other").warning("%d", "not a number")
    assert "log record not rendered: '%d'" in text_of(stream)
    assert capfd.readouterr().err == ""
